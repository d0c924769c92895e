#include "actors/session.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

// The loop: slot -> lane -> model call -> tools -> next turn, until the role's final tool. Everything asynchronous comes back through
// a continuation or a message, so that all of this runs on the actor's own thread.

namespace muster {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto request_deadline = 30s;
constexpr std::size_t kept_outputs = 20;
constexpr std::size_t job_ring_bytes = 1U << 20U;

std::string list_of(const std::set<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// Cuts at a character boundary.
std::string head(const std::string& text, std::size_t max) {
  if (text.size() <= max) return text;
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0U) == 0x80U) --max;
  return text.substr(0, max);
}

std::string tail(const std::string& text, std::size_t max) {
  if (text.size() <= max) return text;
  auto from = text.size() - max;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0U) == 0x80U) ++from;
  return text.substr(from);
}

std::string describe_exit(const ProcessExit& exit) {
  if (exit.start_error) return "could not start: " + exit.start_error->text();
  if (exit.timed_out) return "timed out after " + std::to_string(exit.duration_ms) + " ms and was killed";
  if (exit.signal != 0) return "ended by signal " + std::to_string(exit.signal);
  return "exit code " + std::to_string(exit.exit_code);
}

bool is_mission_tool(const std::string& name) {
  return name == "raise_issue" || name == "resolve_issue" || name == "todo_read" || name == "ask_user";
}

bool worth_another_try(ErrorCode code) {
  return code == ErrorCode::network || code == ErrorCode::stalled || code == ErrorCode::malformed ||
         code == ErrorCode::rate_limited || code == ErrorCode::overloaded || code == ErrorCode::timeout;
}

}  // namespace

Session::Session(compat::Self<session_actor> self, SessionSpec spec, SessionDeps deps, mission_actor owner)
    : self_(self), spec_(std::move(spec)), deps_(std::move(deps)), owner_(std::move(owner)) {
  view_.session = spec_.session;
  view_.role = spec_.profile->role;
  view_.task = spec_.task;
}

Session::~Session() {
  if (call_) call_->cancel();
}

compat::Behavior<session_actor> Session::make_behavior() {
  compat::on_stop(self_, [this](const compat::End&) { stop(); });
  auto add = [this](const ChatFragment& fragment) {
    transcript_.add(fragment);
    journal_message(fragment);
  };
  add(system_message(spec_.profile->system_prompt));
  add(user_message(spec_.briefing));
  if (auto files = deps_.open_files(spec_.root)) {
    files_ = *files;
    acquire();
  } else {
    fail(files.error());
  }
  return {
      [this](resume_atom, Continuation& next) {
        if (!finished_) next.run();
      },
      [this](tell_atom, const std::string& text) { told_.push_back(text); },
      [this](stop_atom) { stop(); },
      [this](job_done_atom, const JobReceiptPtr& receipt) { on_job(receipt); },
  };
}

session_actor Session::handle() const { return compat::handle_of<session_actor>(self_); }

std::function<void(std::function<void()>)> Session::resumer() const {
  return [to = handle()](std::function<void()> then) {
    compat::post(to, resume_atom_v, Continuation{std::move(then)});
  };
}

void Session::view(const char* state, const std::string& doing) {
  view_.state = state;
  view_.doing = doing;
  view_.since_ms = deps_.wall_ms();
  compat::send(self_, owner_, session_view_atom_v, view_);
  view_.usage.reset();
}

void Session::journal_message(const ChatFragment& fragment) {
  NewRecord record{"session", spec_.session, R"({"t":"message"})", *fragment};
  compat::send(self_, deps_.journal, append_lazy_atom_v, JournalBatch{spec_.mission, {std::move(record)}});
}

// ---- Slot and lane ----------------------------------------------------------------------------------------------------------------

void Session::acquire() {
  view("waiting_slot", model().lane);
  SlotRequest request{spec_.session, spec_.mission, model().lane, model().endpoint.provider,
                      spec_.profile->role, spec_.limits.acquire};
  compat::request(
      self_, deps_.scheduler, spec_.limits.acquire + 10s,
      [this] {
        if (finished_) return compat::send(self_, deps_.scheduler, release_atom_v, spec_.session);
        holds_slot_ = true;
        next_turn();
      },
      [this](const Error& error) { fail(error); }, acquire_atom_v, request);
}

void Session::next_turn() {
  if (finished_) return;
  if (steps_ >= spec_.limits.steps)
    return fail({ErrorCode::limit_reached, "reached " + std::to_string(steps_) + " steps", spec_.session});
  while (!told_.empty()) {
    auto fragment = user_message(told_.front());
    told_.pop_front();
    transcript_.add(fragment);
    journal_message(fragment);
  }
  if (!make_room(false))
    return fail({ErrorCode::context_overflow, "the transcript does not fit the model's window", spec_.session});
  view("waiting_model", model().lane);
  compat::request(
      self_, deps_.scheduler, spec_.limits.admit, [this] { call_model(); },
      [this](const Error& error) {
        if (finished_ || use_fallback(error)) return;
        fail(error);
      },
      admit_atom_v, AdmitRequest{model().lane, spec_.session});
}

// ---- The model call ---------------------------------------------------------------------------------------------------------------

bool Session::make_room(bool forced) {
  auto window = model().context_window;
  auto limit = window * 85 / 100;
  auto now = transcript_.estimated_tokens() + estimate_tokens(spec_.profile->tools->size());
  if (now <= limit && !forced) return true;
  auto saved = transcript_.fold(window / 2);
  if (saved > 0) view("waiting_model", "folded " + std::to_string(saved) + " tokens of old tool results");
  return saved > 0 ? now - saved <= limit || forced : now <= window && !forced;
}

void Session::call_model() {
  if (finished_) return compat::send(self_, deps_.scheduler, report_atom_v,
                                     CallReport{model().lane, spec_.session, ErrorCode::cancelled, {}, 0ms});
  ++steps_;
  ModelRequest request;
  request.endpoint = model().endpoint;
  request.body = build_body(model().params, spec_.profile->tools, transcript_.fragments());
  request.idle_timeout = spec_.limits.model_idle;
  request.total_timeout = spec_.limits.model_total;
  auto number = ++call_number_;
  call_ = deps_.model->start(std::move(request), {},
                             [this, number, resume = resumer()](ModelOutcome outcome) {
                               auto shared = std::make_shared<ModelOutcome>(std::move(outcome));
                               resume([this, number, shared] { on_model(number, std::move(*shared)); });
                             });
}

void Session::on_model(std::uint64_t call, ModelOutcome outcome) {
  if (call != call_number_) return;
  call_.reset();
  CallReport report{model().lane, spec_.session, {}, {}, 0ms};
  if (auto* failure = std::get_if<ModelFailure>(&outcome)) {
    report.failure = failure->error.code;
    report.retry_after = failure->retry_after;
    compat::send(self_, deps_.scheduler, report_atom_v, report);
    return on_failure(*failure);
  }
  auto& reply = std::get<ModelReply>(outcome);
  report.latency = std::chrono::milliseconds(reply.first_byte_ms);
  compat::send(self_, deps_.scheduler, report_atom_v, report);
  on_reply(std::move(reply));
}

void Session::account(const Usage& usage) {
  view_.input_tokens += usage.input_tokens;
  view_.output_tokens += usage.output_tokens;
  double cost = (static_cast<double>(usage.input_tokens) * model().input_price +
                 static_cast<double>(usage.output_tokens) * model().output_price) / 1e6;
  view_.usage = UsageRecorded{spec_.session, spec_.profile->role, spec_.task, usage.input_tokens,
                              usage.cached_input_tokens, usage.output_tokens, cost};
}

void Session::on_reply(ModelReply reply) {
  failures_ = 0;
  account(reply.usage);
  auto fragment = assistant_message(reply.text, reply.tool_calls,
                                    model().sends_reasoning ? reply.reasoning : std::string());
  transcript_.add(fragment);
  journal_message(fragment);
  if (reply.tool_calls.empty()) return nudge();
  nudges_ = 0;
  pending_ = std::move(reply.tool_calls);
  next_call_ = 0;
  run_tools();
}

void Session::on_failure(const ModelFailure& failure) {
  const auto& error = failure.error;
  if (error.code == ErrorCode::context_overflow) {
    if (make_room(true)) return next_turn();
    return fail(error);
  }
  if (worth_another_try(error.code)) return retry_call(error);
  if (use_fallback(error)) return;
  fail(error);
}

void Session::retry_call(const Error& error) {
  if (++failures_ > spec_.limits.call_retries) {
    if (use_fallback(error)) return;
    return fail(error);
  }
  view("retrying", std::string(to_string(error.code)) + ": " + error.message);
  next_turn();  // the lane holds the next call back for as long as the failure asks for
}

bool Session::use_fallback(const Error& error) {
  if (binding_ + 1 >= spec_.profile->models.size()) return false;
  compat::send(self_, deps_.scheduler, release_atom_v, spec_.session);
  holds_slot_ = false;
  failures_ = 0;
  auto from = model().lane;
  ++binding_;
  view("retrying", "fallback from " + from + " to " + model().lane + ": " + error.message);
  acquire();
  return true;
}

void Session::nudge() {
  if (++nudges_ > spec_.limits.nudges)
    return fail({ErrorCode::malformed, "ended " + std::to_string(nudges_) + " turns without a tool call", spec_.session});
  auto fragment = user_message("Nothing happens without a tool call. Go on with a tool, or end with one of: " +
                                      list_of(spec_.profile->final_tools) + ".", true);
  transcript_.add(fragment);
  journal_message(fragment);
  next_turn();
}

// ---- Tools ------------------------------------------------------------------------------------------------------------------------

void Session::run_tools() {
  if (finished_ || running_ > 0) return;
  if (next_call_ >= pending_.size()) return tools_done();
  if (is_reading_tool(pending_[next_call_].name)) return run_reading_tools();
  auto call = pending_[next_call_++];
  run_one(call);
}

void Session::run_reading_tools() {
  while (next_call_ < pending_.size() && is_reading_tool(pending_[next_call_].name)) {
    auto call = pending_[next_call_++];
    ++running_;
    ++tool_calls_;
    if (!spec_.profile->tool_names.contains(call.name)) {
      tool_failed(call, {ErrorCode::permission_denied, "the role " + spec_.profile->role + " has no tool '" + call.name + "'"});
      continue;
    }
    if (read_kept_output(call)) continue;
    view("tool_running", describe_call(call.name, call.arguments));
    deps_.blocking->run([this, call, files = files_, resume = resumer()] {
      auto outcome = std::make_shared<Result<FileToolOutcome>>(run_file_tool(*files, call.name, call.arguments));
      resume([this, call, outcome] {
        if (outcome->ok())
          tool_result(call, outcome->value().text);
        else
          tool_failed(call, outcome->error());
      });
    });
  }
}

void Session::run_one(const ToolCall& call) {
  ++running_;
  const auto& profile = *spec_.profile;
  if (!profile.tool_names.contains(call.name))
    return tool_failed(call, {ErrorCode::permission_denied, "the role " + profile.role + " has no tool '" + call.name +
                                                                "'; it has: " + list_of(profile.tool_names)});
  if (!json::accept(call.arguments.empty() ? "{}" : call.arguments))
    return tool_failed(call, {ErrorCode::malformed, "the arguments are not valid JSON; send the call again"});
  if (profile.final_tools.contains(call.name)) return run_final(call);
  ++tool_calls_;
  view("tool_running", describe_call(call.name, call.arguments));
  if (is_writing_tool(call.name)) return run_writing_tool(call);
  if (is_mission_tool(call.name)) return ask_mission(call);
  if (call.name == "shell") return run_shell(call, false);
  if (call.name == "run_background") return run_shell(call, true);
  run_job_query(call);
}

void Session::run_writing_tool(const ToolCall& call) {
  if (!spec_.profile->writes)
    return tool_failed(call, {ErrorCode::permission_denied, "the role " + spec_.profile->role + " may not write"});
  auto path = written_path(call.arguments);
  if (!path) return tool_failed(call, path.error());
  if (spec_.leases.contains(*path)) return start_write(call);
  MissionToolCall ask{spec_.session, spec_.profile->role, spec_.task, "lease", json{{"files", {*path}}}.dump()};
  compat::request(
      self_, owner_, request_deadline,
      [this, call, path = *path](const std::string&) {
        spec_.leases.insert(path);
        start_write(call);
      },
      [this, call](const Error& error) { tool_failed(call, error); }, mission_tool_atom_v, ask);
}

void Session::start_write(const ToolCall& call) {
  deps_.blocking->run([this, call, files = files_, resume = resumer()] {
    auto outcome = std::make_shared<Result<FileToolOutcome>>(run_file_tool(*files, call.name, call.arguments));
    resume([this, call, outcome] {
      if (!outcome->ok()) return tool_failed(call, outcome->error());
      const auto& written = outcome->value().written;
      json row{{"class", "C"}, {"path", written->path}, {"before", written->digest_before}, {"after", written->digest_after}};
      compat::send(self_, deps_.journal, append_lazy_atom_v,
                   JournalBatch{spec_.mission, {{"effect", spec_.session, row.dump(), {}}}});
      tool_result(call, outcome->value().text);
    });
  });
}

void Session::run_shell(const ToolCall& call, bool background) {
  auto args = json::parse(call.arguments, nullptr, false);
  if (!args.is_object() || !args.contains("command") || !args["command"].is_string())
    return tool_failed(call, {ErrorCode::invalid_argument, "argument 'command' must be a string"});
  auto command = args["command"].get<std::string>();
  if (auto allowed = deps_.guard(command, spec_.root, spec_.profile->runs); !allowed)
    return tool_failed(call, allowed.error());
  auto deadline = spec_.limits.shell;
  if (auto wanted = args.find("timeout_ms"); wanted != args.end() && wanted->is_number_integer() && *wanted > 0)
    deadline = std::min(std::chrono::milliseconds(wanted->get<std::int64_t>()), spec_.limits.shell_max);
  auto scope = args.value("scope", json("task")) == json("mission") ? JobScope::mission : JobScope::task;
  start_job(call, command, deadline, background, scope);
}

void Session::start_job(const ToolCall& call, const std::string& command, std::chrono::milliseconds deadline,
                        bool background, JobScope scope) {
  StartJob start;
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
    if (background) tool_result(call, json{{"job", id}, {"state", job.queued ? "queued" : "running"}}.dump());
  };
  // An N effect: what was about to run is on disk before it runs, so that a crash leaves "unknown", never a silent second run.
  json row{{"class", "N"}, {"job", id}, {"command", head(command, 300)}};
  compat::request(
      self_, deps_.journal, request_deadline,
      [this, start, started, failed](std::uint64_t) {
        compat::request(self_, deps_.jobs, request_deadline, started, failed, start_atom_v, start);
      },
      failed, append_atom_v, JournalBatch{spec_.mission, {{"effect", spec_.session, row.dump(), {}}}});
}

void Session::on_job(const JobReceiptPtr& receipt) {
  auto waiting = jobs_.find(receipt->job_id);
  if (finished_ || waiting == jobs_.end()) return;
  auto call = waiting->second;
  jobs_.erase(waiting);
  json row{{"class", "N"}, {"job", receipt->job_id}, {"exit", receipt->exit.exit_code}, {"signal", receipt->exit.signal},
           {"digest", receipt->exit.output_digest}};
  compat::send(self_, deps_.journal, append_lazy_atom_v,
               JournalBatch{spec_.mission, {{"effect", spec_.session, row.dump(), {}}}});
  if (receipt->failure) return tool_failed(call, *receipt->failure);
  auto text = describe_exit(receipt->exit);
  if (receipt->exit.output_bytes > receipt->exit.output.size())
    text += " (" + std::to_string(receipt->exit.output_bytes) + " bytes of output, the end of it:)";
  tool_result(call, text + "\n" + receipt->exit.output);
}

void Session::run_job_query(const ToolCall& call) {
  auto args = json::parse(call.arguments, nullptr, false);
  auto job = args.is_object() && args.contains("job") && args["job"].is_string() ? args["job"].get<std::string>() : "";
  auto failed = [this, call](const Error& error) { tool_failed(call, error); };
  if (call.name == "list_background") {
    return compat::request(
        self_, deps_.jobs, request_deadline,
        [this, call](const JobList& list) {
          json out = json::array();
          for (const auto& item : list.jobs)
            if (item.kind == JobKind::background)
              out.push_back({{"job", item.id}, {"command", head(item.command, 200)}, {"running_ms", item.running_ms},
                             {"done", item.state == JobState::done}});
          tool_result(call, out.dump());
        },
        failed, list_atom_v, JobFilter{spec_.mission, spec_.task, {}, {}});
  }
  if (job.empty()) return tool_failed(call, {ErrorCode::invalid_argument, "argument 'job' is missing"});
  if (call.name == "kill_background")
    return compat::request(
        self_, deps_.jobs, request_deadline, [this, call, job] { tool_result(call, job + " is gone"); }, failed,
        kill_atom_v, job);
  if (call.name == "check_background")
    return compat::request(
        self_, deps_.jobs, request_deadline,
        [this, call](const JobTail& shown) {
          tool_result(call, std::string(shown.done ? "ended" : "still running") + ", " +
                                std::to_string(shown.output_bytes) + " bytes of output, the end of it:\n" + shown.output);
        },
        failed, tail_atom_v, job, std::uint64_t{16000});
  tool_failed(call, {ErrorCode::not_found, "there is no tool '" + call.name + "'"});
}

void Session::ask_mission(const ToolCall& call) {
  bool human = call.name == "ask_user";
  if (human) {
    // A person may take hours: others may have the slot meanwhile.
    view("awaiting_human", describe_call(call.name, call.arguments));
    compat::send(self_, deps_.scheduler, release_atom_v, spec_.session);
    holds_slot_ = false;
  }
  MissionToolCall ask{spec_.session, spec_.profile->role, spec_.task, call.name, call.arguments};
  compat::request(
      self_, owner_, human ? spec_.limits.human : std::chrono::milliseconds(request_deadline),
      [this, call](const std::string& text) { tool_result(call, text); },
      [this, call](const Error& error) { tool_failed(call, error); }, mission_tool_atom_v, ask);
}

void Session::run_final(const ToolCall& call) {
  // Other calls of the same turn come first: what they find may change its mind.
  if (next_call_ < pending_.size()) {
    auto rest = std::any_of(pending_.begin() + static_cast<std::ptrdiff_t>(next_call_), pending_.end(), [&](const ToolCall& other) {
      return !spec_.profile->final_tools.contains(other.name);
    });
    if (rest) return tool_failed(call, {ErrorCode::invalid_argument, "call " + call.name + " alone, after the other tools"});
    next_call_ = pending_.size();
  }
  MissionToolCall check{spec_.session, spec_.profile->role, spec_.task, call.name, call.arguments};
  compat::request(
      self_, owner_, request_deadline,
      [this, call](const std::string&) {
        SessionResult result;
        result.final_tool = call.name;
        result.arguments = call.arguments.empty() ? "{}" : call.arguments;
        finish(std::move(result));
      },
      [this, call](const Error& error) { tool_failed(call, error); }, mission_tool_atom_v, check);
}

/// "output:S3.2": the rest of a result that was too long.
bool Session::read_kept_output(const ToolCall& call) {
  auto args = json::parse(call.arguments, nullptr, false);
  if (call.name != "read" || !args.is_object() || !args.contains("path") || !args["path"].is_string()) return false;
  auto found = outputs_.find(args["path"].get<std::string>());
  if (found == outputs_.end()) return false;
  const auto& text = *found->second;
  auto number = [&](const char* key, std::size_t fallback) {
    auto at = args.find(key);
    return at != args.end() && at->is_number_unsigned() && *at > 0 ? at->get<std::size_t>() : fallback;
  };
  auto first = number("first_line", 1);
  auto count = number("line_count", 400);
  std::size_t from = 0;
  for (std::size_t line = 1; line < first && from < text.size(); ++line) {
    auto end = text.find('\n', from);
    from = end == std::string::npos ? text.size() : end + 1;
  }
  auto to = from;
  for (std::size_t line = 0; line < count && to < text.size(); ++line) {
    auto end = text.find('\n', to);
    to = end == std::string::npos ? text.size() : end + 1;
  }
  auto part = head(text.substr(from, to - from), spec_.limits.tool_output_bytes - 200);
  tool_result(call, part.empty() ? "(no such line)" : part);
  return true;
}

void Session::tool_result(const ToolCall& call, const std::string& text) {
  if (finished_) return;
  malformed_ = 0;
  auto shown = text;
  if (auto max = spec_.limits.tool_output_bytes; text.size() > max) {
    auto name = "output:" + spec_.session + "." + std::to_string(outputs_.size() + output_order_.size() + 1);
    outputs_[name] = std::make_shared<std::string>(text);
    output_order_.push_back(name);
    if (output_order_.size() > kept_outputs) {
      outputs_.erase(output_order_.front());
      output_order_.pop_front();
    }
    shown = head(text, max / 2) + "\n[... " + std::to_string(text.size() - max) + " bytes left out; read them with read{\"path\":\"" +
            name + "\",\"first_line\":N} ...]\n" + tail(text, max / 2);
  }
  transcript_.add_tool_result(call.id, shown, describe_call(call.name, call.arguments));
  journal_message(transcript_.fragments().back());
  --running_;
  run_tools();
}

void Session::tool_failed(const ToolCall& call, const Error& error) {
  if (finished_) return;
  bool malformed = error.code == ErrorCode::malformed || error.code == ErrorCode::invalid_argument;
  auto count = malformed ? malformed_ + 1 : 0;
  if (count >= spec_.limits.malformed_calls * 2)
    return fail({ErrorCode::malformed, "keeps making malformed tool calls: " + error.message, spec_.session});
  tool_result(call, "error (" + std::string(to_string(error.code)) + "): " + error.text());
  malformed_ = count;
}

void Session::tools_done() {
  pending_.clear();
  if (holds_slot_) return next_turn();
  acquire();
}

// ---- Ends -------------------------------------------------------------------------------------------------------------------------

void Session::fail(const Error& error) {
  if (finished_) return;
  SessionResult result;
  result.failure = error;
  finish(std::move(result));
}

void Session::stop() {
  if (finished_) return compat::quit(self_);
  fail({ErrorCode::cancelled, "stopped", spec_.session});
}

void Session::finish(SessionResult result) {
  finished_ = true;
  if (call_) call_->cancel();
  result.session = spec_.session;
  result.intent = spec_.intent;
  result.tool_calls = tool_calls_;
  result.model_calls = steps_;
  if (view_.usage) view("finished", result.final_tool);
  // cancel ends a wait or gives a slot back, whichever it is.
  compat::send(self_, deps_.scheduler, cancel_atom_v, spec_.session);
  auto tell = [this, shared = std::make_shared<const SessionResult>(std::move(result))] {
    compat::send(self_, owner_, session_done_atom_v, shared);
    compat::quit(self_);
  };
  if (jobs_.empty()) return tell();
  // Its foreground commands end before it does: nothing writes to the tree after the result.
  compat::request(
      self_, deps_.jobs, request_deadline, [tell](std::uint64_t) { tell(); }, [tell](const Error&) { tell(); },
      kill_scope_atom_v, JobFilter{spec_.mission, {}, spec_.session, {}});
}

}  // namespace muster
