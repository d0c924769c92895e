#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/language_tools.hpp"
#include "actors/session.hpp"
#include "actors/tool_arguments.hpp"
#include "runtime/core/json_read.hpp"
#include "runtime/core/text.hpp"

// What a turn's tool calls come to. Reads run side by side, everything else one by one in the order
// of the model.

namespace muster {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto request_deadline = 30s;
constexpr auto lease_check_deadline = 300s;  // looks at all files of the tree
constexpr auto owner_patience = 5s;          // until the death of a mission is heard of
constexpr auto check_patience = 2s;  // of check_background, on a job that has nothing new to say
constexpr auto check_period = 200ms;
constexpr std::size_t calls_per_turn = 64;
constexpr std::size_t kept_outputs = 20;
constexpr std::size_t kept_output_bytes = 8U << 20U;
constexpr std::size_t kept_line_bytes = 4000;
constexpr std::size_t job_ring_bytes = 1U << 20U;
constexpr std::size_t refused_bytes = 4096;  // of a command that is told to the mission
constexpr const char* nameless = "invalid_tool_name";

std::string list_of(const std::set<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string head(const std::string& text, std::size_t max) {
  return std::string(bounded_head(text, max));
}
std::string tail(const std::string& text, std::size_t max) {
  return std::string(bounded_tail(text, max));
}

std::string describe_exit(const ProcessExit& exit) {
  if (exit.start_error) return "could not start: " + exit.start_error->text();
  if (exit.timed_out)
    return "timed out after " + std::to_string(exit.duration_ms) + " ms and was killed";
  if (exit.signal != 0) return "ended by signal " + std::to_string(exit.signal);
  return "exit code " + std::to_string(exit.exit_code);
}

std::string describe_end(const JobInfo& job) {
  if (job.failure) return "ended: " + job.failure->text();
  if (job.signal) return "ended by signal " + std::to_string(*job.signal);
  if (job.exit_code) return "ended with exit code " + std::to_string(*job.exit_code);
  return "ended";
}

bool is_mission_tool(const std::string& name) {
  return name == "raise_issue" || name == "resolve_issue" || name == "todo_read" ||
         name == "ask_user" || name == "tasks" || name == "result" || name == "metrics" ||
         name == "add_task" || name == "cancel";
}

bool only_reads(const std::string& name) { return is_reading_tool(name) || is_code_tool(name); }

bool is_job_tool(const std::string& name) {
  return name == "check_background" || name == "list_background" || name == "kill_background";
}

/// As providers demand it of the names in a transcript.
bool is_tool_name(const std::string& name) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), allowed);
}

bool is_blank(const std::string& text) { return trim(text).empty(); }

/// Of a call that was not refused.
json arguments_of(const ToolCall& call) { return *tool_arguments(call.arguments); }

std::size_t count_argument(const json& args, const char* key, std::size_t fallback) {
  auto found = args.find(key);
  if (found == args.end() || !found->is_number_unsigned()) return fallback;
  auto value = found->get<std::size_t>();
  return value > 0 ? value : fallback;
}

/// Breaks lines that are longer than any result, so that every byte has a line by which it can be
/// read.
std::string with_short_lines(const std::string& text) {
  std::string out;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto line = rest.substr(0, rest.find('\n'));
    bool whole = line.size() <= kept_line_bytes;
    if (!whole) line = bounded_head(line, kept_line_bytes);
    if (line.empty() && !whole) line = rest.substr(0, kept_line_bytes);
    rest.remove_prefix(std::min(rest.size(), line.size() + (whole ? 1 : 0)));
    out += line;
    out += '\n';
  }
  return out;
}

}  // namespace

// ---- The calls of a turn
// ----------------------------------------------------------------------------------------------------------

/// Ids must differ and names be names: the transcript goes back to a provider that insists on both.
void Session::take_calls(std::vector<ToolCall> calls) {
  pending_ = std::move(calls);
  next_call_ = 0;
  good_ = 0;
  broken_ = false;
  std::set<std::string> ids;
  for (auto& call : pending_) {
    if (!is_tool_name(call.name)) call.name = nameless;
    auto id = call.id.empty() ? "call_" + std::to_string(steps_) : call.id;
    call.id = id;
    for (int number = 2; !ids.insert(call.id).second; ++number)
      call.id = id + "_" + std::to_string(number);
  }
}

void Session::run_tools() {
  if (in_run_tools_) return;
  in_run_tools_ = true;
  prompts_.enter(SessionMode::tool_running);
  bool waits = false;
  while (!finished_ && running_ == 0 && next_call_ < pending_.size() && !waits) {
    if (!holds_slot_) {
      waits = true;  // a person was asked, and others had the slot meanwhile
      acquire();
    } else if (answers_.contains(pending_[next_call_].id)) {
      ++next_call_;  // its outcome was known when the session was taken up
    } else if (next_call_ >= calls_per_turn) {
      const auto call = pending_[next_call_++];
      ++running_;
      tool_failed(call, {ErrorCode::limit_reached,
                         "at most " + std::to_string(calls_per_turn) + " calls a turn"});
    } else if (only_reads(pending_[next_call_].name)) {
      run_reading_tools();
    } else {
      const auto call = pending_[next_call_++];
      run_one(call);
    }
  }
  in_run_tools_ = false;
  if (!finished_ && !waits && running_ == 0) tools_done();
}

/// Why a call is not carried out at all.
std::optional<Error> Session::refusal(const ToolCall& call) const {
  const auto& profile = *spec_.profile;
  if (call.name == nameless)
    return Error{ErrorCode::malformed,
                 "the call names no tool; it can be: " + list_of(profile.tool_names)};
  if (!profile.tool_names.contains(call.name))
    return Error{ErrorCode::permission_denied, "the role " + profile.role + " has no tool '" +
                                                   call.name +
                                                   "'; it has: " + list_of(profile.tool_names)};
  if (!tool_arguments(call.arguments))
    return Error{ErrorCode::malformed, "the arguments are not a JSON object; send the call again"};
  return std::nullopt;
}

void Session::run_reading_tools() {
  while (!finished_ && next_call_ < std::min(pending_.size(), calls_per_turn) &&
         only_reads(pending_[next_call_].name) && !answers_.contains(pending_[next_call_].id)) {
    const auto call = pending_[next_call_++];
    ++running_;
    run_reading_tool(call);
  }
}

void Session::run_reading_tool(const ToolCall& call) {
  if (auto error = refusal(call)) return tool_failed(call, *error);
  ++tool_calls_;
  if (read_kept_output(call)) return;
  view("tool_running", describe_call(call.name, call.arguments));
  if (is_code_tool(call.name)) return run_code_query(call);
  on_pool([call, files = files_] { return run_file_tool(*files, call.name, call.arguments); },
          [this, call](const Result<FileToolOutcome>& outcome) {
            outcome ? tool_result(call, outcome->text) : tool_failed(call, outcome.error());
          });
}

void Session::run_one(const ToolCall& call) {
  ++running_;
  if (auto error = refusal(call)) return tool_failed(call, *error);
  if (spec_.profile->final_tools.contains(call.name)) return run_final(call);
  ++tool_calls_;
  view("tool_running", describe_call(call.name, call.arguments));
  if (is_code_change(call.name, call.arguments)) return run_code_change(call);
  if (is_writing_tool(call.name)) return run_writing_tool(call);
  if (is_language_tool(call.name)) return run_language_tool(call);
  if (is_mission_tool(call.name)) return ask_mission(call);
  if (call.name == "shell") return run_shell(call, false);
  if (call.name == "run_background") return run_shell(call, true);
  if (is_job_tool(call.name)) return run_job_query(call);
  tool_failed(call, {ErrorCode::not_found, "there is no tool '" + call.name + "'"});
}

// ---- Commands
// ---------------------------------------------------------------------------------------------------------------------

void Session::run_shell(const ToolCall& call, bool background) {
  if (spec_.profile->runs == RunRight::none)
    return tool_failed(call, {ErrorCode::permission_denied,
                              "the role " + spec_.profile->role + " may not run commands"});
  auto args = arguments_of(call);
  auto command = json_text(args, "command");
  if (is_blank(command))
    return tool_failed(call, {ErrorCode::invalid_argument, "argument 'command' must be a string"});
  if (auto allowed = deps_.guard(command, spec_.root, spec_.profile->runs); !allowed) {
    compat::send(self_, owner_, command_refused_atom_v,
                 CommandRefused{spec_.session, spec_.profile->role, spec_.task,
                                head(command, refused_bytes), allowed.error().message});
    return tool_failed(call, allowed.error());
  }
  auto deadline = spec_.limits.shell;
  if (auto wanted = count_argument(args, "timeout_ms", 0); wanted > 0) {
    auto most = static_cast<std::size_t>(spec_.limits.shell_max.count());
    deadline = std::chrono::milliseconds(std::min(wanted, most));
  }
  auto scope = json_text(args, "scope") == "mission" ? JobScope::mission : JobScope::task;
  start_job(call, command, deadline, background, scope);
}

void Session::start_job(const ToolCall& call, const std::string& command,
                        std::chrono::milliseconds deadline, bool background, JobScope scope) {
  StartJob start;
  start.epoch = spec_.epoch;
  start.spec.id = spec_.session + ".J" + std::to_string(++job_number_);
  start.spec.owner = {spec_.mission, background ? std::string() : spec_.session, spec_.task};
  start.spec.scope = scope;
  start.spec.kind = background ? JobKind::background : JobKind::shell;
  start.spec.command = command;
  start.spec.process.argv = {"/bin/bash", "-c", command};
  start.spec.process.cwd = spec_.root;
  start.spec.process.unset_env = deps_.hidden_env;
  if (!background) start.spec.process.deadline = deadline;
  start.spec.process.ring_bytes = job_ring_bytes;
  if (!background) start.owner = compat::typed<job_owner>(compat::untyped(handle()));
  auto id = start.spec.id;
  if (!background) jobs_[id] = call;
  auto failed = [this, call, id](const Error& error) {
    jobs_.erase(id);
    tool_failed(call, error);
  };
  auto started = [this, call, id, background](const JobStarted& job) {
    if (background)
      tool_result(call, json{{"job", id}, {"state", job.queued ? "queued" : "running"}}.dump());
  };
  // An N effect: what was about to run is on disk before it runs, so that a crash leaves "unknown",
  // never a silent second run.
  json row{{"class", "N"},
           {"turn", turn_},
           {"call", call.id},
           {"job", id},
           {"command", head(command, 300)}};
  auto text = row.dump(-1, ' ', false, json::error_handler_t::replace);
  compat::request(
      self_, deps_.journal, request_deadline,
      [this, start, started, failed](std::uint64_t) {
        if (finished_) return;  // stopped meanwhile: it must not be born any more
        compat::request(self_, deps_.jobs, request_deadline, started, failed, start_atom_v, start);
      },
      failed, append_atom_v, JournalBatch{spec_.mission, {{"effect", spec_.session, text, {}}}});
}

void Session::on_job(const JobReceiptPtr& receipt) {
  auto waiting = jobs_.find(receipt->job_id);
  if (waiting == jobs_.end()) return;
  auto call = waiting->second;
  jobs_.erase(waiting);
  json row{{"class", "N"},
           {"turn", turn_},
           {"call", call.id},
           {"job", receipt->job_id},
           {"exit", receipt->exit.exit_code},
           {"signal", receipt->exit.signal},
           {"digest", receipt->exit.output_digest}};
  journal_effect(row.dump());
  if (receipt->failure) return tool_failed(call, *receipt->failure);
  auto text = describe_exit(receipt->exit);
  if (receipt->exit.output_bytes > receipt->exit.output.size())
    text += " (" + std::to_string(receipt->exit.output_bytes) + " bytes of output, the end of it:)";
  text += "\n" + receipt->exit.output;
  if (spec_.shared_tree) return check_leases(call, text);
  tool_result(call, text);
}

/// M11: in the user's own tree a command may have changed what is not its task's.
void Session::check_leases(const ToolCall& call, const std::string& text) {
  MissionToolCall ask{spec_.session, spec_.profile->role, spec_.task, "check_leases", "{}"};
  compat::request(
      self_, owner_, lease_check_deadline,
      [this, call, text](const std::string& violation) {
        tool_result(call, violation.empty() ? text : text + "\n" + violation);
      },
      [this, call, text](const Error& error) {
        tool_result(call, text + "\n[which files it changed is not known: " + error.text() + "]");
      },
      mission_tool_atom_v, ask);
}

// ---- Background jobs
// --------------------------------------------------------------------------------------------------------------

void Session::run_job_query(const ToolCall& call) {
  if (call.name == "list_background") return list_jobs(call);
  auto job = json_text(arguments_of(call), "job");
  if (job.empty())
    return tool_failed(call, {ErrorCode::invalid_argument, "argument 'job' is missing"});
  if (call.name == "check_background")
    return with_own_job(call, job, [this, call, job](const JobInfo&) {
      check_job(call, job, compat::now(self_) + check_patience);
    });
  with_own_job(call, job, [this, call, job](const JobInfo&) {
    compat::request(
        self_, deps_.jobs, request_deadline,
        [this, call, job] { tool_result(call, job + " is gone"); },
        [this, call](const Error& error) { tool_failed(call, error); }, kill_atom_v, job);
  });
}

void Session::list_jobs(const ToolCall& call) {
  compat::request(
      self_, deps_.jobs, request_deadline,
      [this, call](const JobList& list) {
        json out = json::array();
        for (const auto& item : list.jobs)
          if (item.kind == JobKind::background)
            out.push_back({{"job", item.id},
                           {"command", head(item.command, 200)},
                           {"running_ms", item.running_ms},
                           {"done", item.state == JobState::done}});
        tool_result(call, out.dump(-1, ' ', false, json::error_handler_t::replace));
      },
      [this, call](const Error& error) { tool_failed(call, error); }, list_atom_v,
      JobFilter{spec_.mission, spec_.task, {}, {}});
}

/// `then` runs when the job is a background job of this task or of the whole mission: all others
/// are none of its business.
void Session::with_own_job(const ToolCall& call, const std::string& job,
                           std::function<void(const JobInfo&)> then) {
  compat::request(
      self_, deps_.jobs, request_deadline,
      [this, call, job, then = std::move(then)](const JobInfo& info) {
        bool own = info.kind == JobKind::background && info.owner.mission == spec_.mission &&
                   (info.owner.task == spec_.task || info.scope == JobScope::mission);
        if (finished_) return;
        if (own) return then(info);
        tool_failed(call, {ErrorCode::not_found, "no background job '" + job +
                                                     "' of this task; list_background shows them"});
      },
      [this, call](const Error& error) { tool_failed(call, error); }, check_atom_v, job);
}

/// A job that runs and has nothing new to say is waited for a while: a model that polls would burn
/// its steps on it.
void Session::check_job(const ToolCall& call, const std::string& job, compat::TimePoint until) {
  compat::request(
      self_, deps_.jobs, request_deadline,
      [this, call, job, until](const JobTail& shown) {
        if (finished_) return;
        bool news = shown.done || shown.output_bytes != seen_output_[job];
        if (news || compat::now(self_) >= until) return show_job(call, job, shown);
        poll_ = compat::run_delayed(self_, check_period,
                                    [this, call, job, until] { check_job(call, job, until); });
      },
      [this, call](const Error& error) { tool_failed(call, error); }, tail_atom_v, job,
      std::uint64_t{16000});
}

void Session::show_job(const ToolCall& call, const std::string& job, const JobTail& shown) {
  auto output = ", " + std::to_string(shown.output_bytes) + " bytes of output, the end of it:\n" +
                shown.output;
  if (!shown.done) {
    seen_output_[job] = shown.output_bytes;
    return tool_result(call, "still running" + output);
  }
  seen_output_.erase(job);
  with_own_job(call, job, [this, call, output](const JobInfo& info) {
    tool_result(call, describe_end(info) + output);
  });
}

// ---- The mission
// ------------------------------------------------------------------------------------------------------------------

void Session::ask_mission(const ToolCall& call) {
  bool human = call.name == "ask_user";
  if (human) {
    // A person may take hours: others may have the slot meanwhile.
    view("awaiting_human", describe_call(call.name, call.arguments));
    prompts_.enter(SessionMode::awaiting_human);
    give_slot_back();
  }
  MissionToolCall ask{spec_.session, spec_.profile->role, spec_.task, call.name, call.arguments};
  compat::request(
      self_, owner_, human ? spec_.limits.human : std::chrono::milliseconds(request_deadline),
      [this, call](const std::string& text) { tool_result(call, text); },
      [this, call](const Error& error) { mission_refused(call, error); }, mission_tool_atom_v, ask);
}

/// A mission that died answers nothing, and what it did not answer must not look like an answer to
/// whoever takes this session up: word of its death ends this actor first.
void Session::mission_refused(const ToolCall& call, const Error& error) {
  if (error.code != ErrorCode::unavailable) return tool_failed(call, error);
  owner_gone_ =
      compat::run_delayed(self_, owner_patience, [this, call, error] { tool_failed(call, error); });
}

void Session::run_final(const ToolCall& call) {
  // Other calls of the same turn come first: what they find may change its mind.
  auto rest = std::any_of(
      pending_.begin() + static_cast<std::ptrdiff_t>(next_call_), pending_.end(),
      [&](const ToolCall& other) { return !spec_.profile->final_tools.contains(other.name); });
  if (rest)
    return tool_failed(
        call, {ErrorCode::conflict, "call " + call.name + " alone, after the other tools"});
  if (prompts_.waiting())
    return tool_failed(call, {ErrorCode::conflict,
                              "you were told something meanwhile; it follows. "
                              "Call " +
                                  call.name + " again when it still holds"});
  next_call_ = pending_.size();  // one end is enough
  MissionToolCall check{spec_.session, spec_.profile->role, spec_.task, call.name, call.arguments};
  compat::request(
      self_, owner_, request_deadline,
      [this, call](const std::string&) {
        SessionResult result;
        result.final_tool = call.name;
        result.arguments = is_blank(call.arguments) ? "{}" : call.arguments;
        finish(std::move(result));
      },
      [this, call](const Error& error) { mission_refused(call, error); }, mission_tool_atom_v,
      check);
}

// ---- Results
// ----------------------------------------------------------------------------------------------------------------------

/// Keeps a long output; what goes into the transcript is its ends and the name by which `read`
/// finds the rest.
std::string Session::keep_output(const std::string& text) {
  auto max = spec_.limits.tool_output_bytes;
  auto name = "output:" + spec_.session + "." + std::to_string(++output_number_);
  auto kept = std::make_shared<const std::string>(with_short_lines(text));
  auto lines = std::count(kept->begin(), kept->end(), '\n');
  kept_bytes_ += kept->size();
  outputs_[name] = std::move(kept);
  output_order_.push_back(name);
  while (output_order_.size() > 1 &&
         (output_order_.size() > kept_outputs || kept_bytes_ > kept_output_bytes)) {
    auto oldest = outputs_.find(output_order_.front());
    kept_bytes_ -= oldest->second->size();
    outputs_.erase(oldest);
    output_order_.pop_front();
  }
  return head(text, max / 2) + "\n[... " + std::to_string(text.size() - max) +
         " bytes left out; all " + std::to_string(lines) +
         " lines can be read with read{\"path\":\"" + name + "\",\"first_line\":N} ...]\n" +
         tail(text, max / 2);
}

/// "output:S3.2": the rest of a result that was too long.
bool Session::read_kept_output(const ToolCall& call) {
  auto args = arguments_of(call);
  auto path = json_text(args, "path");
  if (call.name != "read" || !path.starts_with("output:" + spec_.session + ".")) return false;
  auto found = outputs_.find(path);
  if (found == outputs_.end()) {
    tool_failed(call, {ErrorCode::not_found,
                       path + " is not kept any more; make the call again that it came from"});
    return true;
  }
  const auto& text = *found->second;
  auto first = count_argument(args, "first_line", 1);
  auto count = count_argument(args, "line_count", text.size());
  auto max = std::max(spec_.limits.tool_output_bytes, kept_line_bytes + 600) - 200;
  std::size_t line = 1;
  std::size_t from = 0;
  for (; line < first && from < text.size(); ++line) from = text.find('\n', from) + 1;
  auto to = from;
  for (std::size_t shown = 0; shown < count && to < text.size(); ++shown, ++line) {
    auto end = text.find('\n', to) + 1;
    if (end - from > max) break;
    to = end;
  }
  auto part = text.substr(from, to - from);
  if (part.empty()) part = "(no such line)";
  if (to < text.size()) part += "[go on with first_line " + std::to_string(line) + "]";
  tool_result(call, part);
  return true;
}

void Session::tool_result(const ToolCall& call, const std::string& text) {
  ++good_;
  answer_call(call, text);
}

void Session::tool_failed(const ToolCall& call, const Error& error) {
  bool malformed = error.code == ErrorCode::malformed;
  broken_ = broken_ || malformed;
  if (!malformed && error.code != ErrorCode::invalid_argument) ++good_;
  answer_call(call, "error (" + std::string(to_string(error.code)) + "): " + error.text());
}

void Session::answer_call(const ToolCall& call, std::string text) {
  if (finished_ || answers_.contains(call.id)) return;
  // A read of a kept output is short enough already, whatever its bound.
  bool kept =
      call.name == "read" && call.arguments.find("output:" + spec_.session) != std::string::npos;
  if (text.size() > spec_.limits.tool_output_bytes && !kept) text = keep_output(text);
  answers_[call.id] = std::move(text);
  --running_;
  run_tools();
}

void Session::tools_done() {
  auto seen = stuck_.see(seen_turn());
  for (const auto& call : pending_) {
    auto found = answers_.find(call.id);
    const auto text = found == answers_.end() ? std::string("error (cancelled): not carried out")
                                              : std::move(found->second);
    transcript_.add_tool_result(call.id, text, describe_call(call.name, call.arguments));
    journal_message(transcript_.fragments().back());
  }
  answers_.clear();
  pending_.clear();
  prompts_.enter(SessionMode::idle);
  if (patience_ends()) return;
  if (seen) return ask_what_follows(*seen);
  go_on();
}

/// Ends a session that makes nothing but malformed calls. Arguments that a tool refuses get twice
/// the patience of what is not even JSON.
bool Session::patience_ends() {
  if (good_ > 0) {
    malformed_ = 0;
    return false;
  }
  malformed_ += broken_ ? 2 : 1;
  if (malformed_ <= spec_.limits.malformed_calls * 2) return false;
  fail({ErrorCode::malformed, "keeps making malformed tool calls", spec_.session});
  return true;
}

}  // namespace muster
