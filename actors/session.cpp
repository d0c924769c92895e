#include "actors/session.hpp"

#include <algorithm>
#include <utility>

#include "runtime/core/fault_points.hpp"
#include "runtime/core/text.hpp"

// The loop: slot -> lane -> model call -> tools -> next turn, until the role's final tool.
// Everything asynchronous comes back through a continuation or a message, so that all of this runs
// on the actor's own thread.

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto request_deadline = 30s;
constexpr int overflows_in_a_row = 3;

std::string list_of(const std::set<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

bool worth_another_try(ErrorCode code) {
  return code == ErrorCode::network || code == ErrorCode::stalled || code == ErrorCode::malformed ||
         code == ErrorCode::rate_limited || code == ErrorCode::overloaded ||
         code == ErrorCode::degenerate || code == ErrorCode::timeout;
}

}  // namespace

Session::Session(compat::Self<session_actor> self, SessionSpec spec, SessionDeps deps,
                 mission_actor owner)
    : self_(self),
      spec_(std::move(spec)),
      deps_(std::move(deps)),
      owner_(std::move(owner)),
      stuck_(spec_.profile->writes) {
  ticket_ = spec_.session + "@" + std::to_string(self_->id());
  view_.session = spec_.session;
  view_.role = spec_.profile->role;
  view_.task = spec_.task;
}

Session::~Session() {
  compat::demonitor(self_, owner_);  // else the owner keeps a note of it, and that its memory
  if (call_) call_->cancel();
}

std::string Session::label() const {
  return spec_.mission + "/" + spec_.session + " " + spec_.profile->role +
         (spec_.task.empty() ? "" : " " + spec_.task);
}

compat::Behavior<session_actor> Session::make_behavior() {
  compat::on_stop(self_, [this](const compat::End&) { stop(); });
  // A mission that was rebuilt asks again for what was under way: two at work on one tree would be
  // one too many.
  compat::on_down(self_, [this](const caf::actor_addr&, const compat::End&) { stop(); });
  compat::monitor(self_, owner_);
  if (spec_.saved) {
    take_up(*spec_.saved);
  } else {
    add_message(system_message(spec_.profile->system_prompt));
    add_message(user_message(spec_.briefing));
  }
  if (auto files = deps_.open_files(spec_.root)) {
    files_ = *files;
    acquire();
  } else {
    fail(files.error());
  }
  return {
      [](resume_atom, Continuation& next) { next.run(); },
      [this](tell_atom, const Prompt& prompt) { on_prompt(prompt); },
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

/// Goes on where an earlier actor of this session was.
void Session::take_up(const SavedSession& saved) {
  for (const auto& message : saved.messages) {
    const auto& call = message.answers;
    if (!call) {
      transcript_.add(message.text);
      continue;
    }
    transcript_.add_tool_result(message.text, call->id, describe_call(call->name, call->arguments));
    tool_calls_ += spec_.profile->final_tools.contains(call->name) ? 0 : 1;
  }
  for (const auto& open : saved.open_calls) {
    pending_.push_back(open.call);
    if (open.may_be_made) doubtful_.insert(open.call.id);
    if (!open.outcome) continue;
    answers_[open.call.id] = *open.outcome;
    ++tool_calls_;
  }
  for (const auto& prompt : saved.prompts) prompts_.told_before(prompt);
  steps_ = turn_ = saved.steps;
  job_number_ = saved.jobs;
  output_number_ = static_cast<int>(saved.messages.size());  // names of earlier outputs stay theirs
  good_ = 1;
  owes_nudge_ = saved.ends_with_text;
}

void Session::on_prompt(const Prompt& prompt) {
  MUSTER_FAULT_POINT("session.prompt");
  if (prompts_.offer(prompt) == PromptQueue::Verdict::refused && !finished_)
    view(view_.state.c_str(), "too much was told at once: '" + one_line(prompt.text, 80) + "'");
}

void Session::view(const char* state, const std::string& doing) {
  view_.state = state;
  view_.doing = doing;
  view_.since_ms = deps_.wall_ms();
  compat::send(self_, owner_, session_view_atom_v, view_);
  view_.usage.reset();
}

void Session::add_message(const ChatFragment& fragment) {
  transcript_.add(fragment);
  journal_message(fragment);
}

/// `prompt`: the id of what it tells, when it tells one.
void Session::journal_message(const ChatFragment& fragment, const std::string& prompt) {
  std::string row = R"({"t":"message")";
  if (!prompt.empty()) {
    row += R"(,"prompt":)";
    append_json_string(row, prompt);
  }
  NewRecord record{"session", spec_.session, row + "}", *fragment};
  compat::send(self_, deps_.journal, append_lazy_atom_v,
               JournalBatch{spec_.mission, {std::move(record)}});
}

// ---- Slot and lane
// ----------------------------------------------------------------------------------------------------------------

void Session::acquire() {
  view("waiting_slot", model().lane);
  SlotRequest request{ticket_,
                      spec_.mission,
                      model().lane,
                      model().endpoint.provider,
                      spec_.profile->role,
                      spec_.limits.acquire};
  compat::request(
      self_, deps_.scheduler, spec_.limits.acquire + 10s, [this] { acquired(); },
      [this](const Error& error) { fail(error); }, acquire_atom_v, request);
}

void Session::acquired() {
  if (finished_) return;  // its end gave the slot back already
  holds_slot_ = true;
  at_work_since_ = compat::now(self_);
  if (spec_.limits.session)
    work_timer_ = compat::run_delayed(self_, *spec_.limits.session - worked_, [this] {
      fail({ErrorCode::timeout,
            "was at work for " + std::to_string(spec_.limits.session->count()) + " ms",
            spec_.session});
    });
  if (std::exchange(owes_nudge_, false)) return nudge({});
  if (pending_.empty()) return next_turn();
  run_tools();  // a person was asked in the middle of a turn
}

/// For others, while it waits for something that may take long.
void Session::give_slot_back() {
  compat::send(self_, deps_.scheduler, release_atom_v, ticket_);
  if (holds_slot_) worked_ += compat::now(self_) - at_work_since_;
  holds_slot_ = false;
  work_timer_.cancel();
}

void Session::next_turn() {
  if (finished_) return;
  if (steps_ >= spec_.limits.steps)
    return fail(
        {ErrorCode::limit_reached, "reached " + std::to_string(steps_) + " steps", spec_.session});
  for (const auto& prompt : prompts_.take()) {
    auto message = user_message(prompt.text, prompt.synthetic);
    transcript_.add(message);
    journal_message(message, prompt.id);
  }
  if (!make_room(false))
    return fail({ErrorCode::context_overflow, "the transcript does not fit the model's window",
                 spec_.session});
  view("waiting_model", model().lane);
  compat::request(
      self_, deps_.scheduler, spec_.limits.admit, [this] { call_model(); },
      [this](const Error& error) {
        if (finished_ || use_fallback(error)) return;
        fail(error);
      },
      admit_atom_v, AdmitRequest{model().lane, ticket_});
}

// ---- The model call
// ---------------------------------------------------------------------------------------------------------------

/// Folds old tool results when the window is nearly full, or (`forced`) when the provider says that
/// it is: then the estimate is wrong, and half of it is what to go down to. False: it does not fit.
bool Session::make_room(bool forced) {
  auto window = model().context_window;
  auto tools = estimate_tokens(spec_.profile->tools->size());
  auto before = transcript_.estimated_tokens() + tools;
  if (!forced && before <= window * 85 / 100) return true;
  auto target = forced ? std::min(window, before) / 2 : window / 2;
  auto saved = transcript_.fold(std::max<std::int64_t>(target - tools, 0));
  if (saved > 0)
    view("waiting_model", "folded " + std::to_string(saved) + " tokens of old tool results");
  return forced ? saved > 0 : before - saved <= window;
}

void Session::call_model() {
  if (finished_ || !spec_.epoch.current()) {
    compat::send(self_, deps_.scheduler, report_atom_v,
                 CallReport{model().lane, ticket_, ErrorCode::cancelled, {}, 0ms});
    return stop();
  }
  prompts_.enter(SessionMode::busy);
  ++steps_;
  ModelRequest request;
  request.endpoint = model().endpoint;
  request.conversation = {ticket_, spec_.mission, spec_.profile->agent,
                          conversation_title(spec_.profile->role, spec_.task)};
  request.body = build_body(model().params, spec_.profile->tools, transcript_.fragments());
  request.idle_timeout = spec_.limits.model_idle;
  request.total_timeout = spec_.limits.model_total;
  auto number = ++call_number_;
  call_ = deps_.model->start(
      std::move(request), {}, [this, number, resume = resumer()](ModelOutcome outcome) {
        auto shared = std::make_shared<ModelOutcome>(std::move(outcome));
        resume([this, number, shared] { on_model(number, std::move(*shared)); });
      });
}

void Session::on_model(std::uint64_t call, ModelOutcome outcome) {
  if (finished_ || call != call_number_) return;
  call_.reset();
  CallReport report{model().lane, ticket_, {}, {}, 0ms};
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
  const double priced = (static_cast<double>(usage.input_tokens) * model().input_price +
                         static_cast<double>(usage.output_tokens) * model().output_price) /
                        1e6;
  view_.usage = UsageRecorded{spec_.session,
                              spec_.profile->role,
                              spec_.task,
                              usage.input_tokens,
                              usage.cached_input_tokens,
                              usage.output_tokens,
                              usage.cost_usd.value_or(priced)};
}

void Session::on_reply(ModelReply reply) {
  MUSTER_FAULT_POINT("session.reply");
  failures_ = overflows_ = 0;
  ++turn_;
  account(reply.usage);
  for (const auto& text : reply.heard) add_message(user_message(text));
  take_calls(std::move(reply.tool_calls));
  add_message(assistant_message(reply.text, pending_,
                                model().sends_reasoning ? reply.reasoning : std::string()));
  if (pending_.empty()) return nudge(reply.text);
  nudges_ = 0;
  run_tools();
}

void Session::on_failure(const ModelFailure& failure) {
  auto error = failure.error;
  if (error.code == ErrorCode::context_overflow) {
    if (++overflows_ <= overflows_in_a_row && make_room(true)) {
      prompts_.enter(SessionMode::retrying);
      return next_turn();
    }
    return fail(error);
  }
  // Nobody here cancelled it: to its mission "cancelled" would mean that the session was stopped on
  // purpose.
  if (error.code == ErrorCode::cancelled) error.code = ErrorCode::network;
  if (error.code == ErrorCode::stalled) tell_stuck(StuckKind::silent_stream, error);
  if (error.code == ErrorCode::degenerate) tell_stuck(StuckKind::stuck_decoder, error);
  if (worth_another_try(error.code)) return retry_call(error);
  if (use_fallback(error)) return;
  fail(error);
}

void Session::retry_call(const Error& error) {
  if (++failures_ > spec_.limits.call_retries) {
    if (use_fallback(error)) return;
    return fail(error);
  }
  prompts_.enter(SessionMode::retrying);
  view("retrying", std::string(to_string(error.code)) + ": " + error.message);
  next_turn();  // the lane holds the next call back for as long as the failure asks for
}

bool Session::use_fallback(const Error& error) {
  if (binding_ + 1 >= spec_.profile->models.size()) return false;
  give_slot_back();
  prompts_.enter(SessionMode::retrying);
  failures_ = 0;
  auto from = model().lane;
  ++binding_;
  view("retrying", "fallback from " + from + " to " + model().lane + ": " + error.message);
  acquire();
  return true;
}

/// `said`: the turn's text; empty when it is not known any more.
void Session::nudge(const std::string& said) {
  prompts_.enter(SessionMode::idle);
  if (auto seen = stuck_.see({said, {}}); seen && !said.empty()) return ask_what_follows(*seen);
  if (++nudges_ > spec_.limits.nudges)
    return fail({ErrorCode::malformed,
                 "ended " + std::to_string(nudges_) + " turns without a tool call", spec_.session});
  add_message(
      user_message("Nothing happens without a tool call. Go on with a tool, or end with one of: " +
                       list_of(spec_.profile->final_tools) + ".",
                   true));
  next_turn();
}

// ---- Ends
// -------------------------------------------------------------------------------------------------------------------------

void Session::fail(const Error& error) {
  SessionResult result;
  result.failure = error;
  finish(std::move(result));
}

void Session::stop() { fail({ErrorCode::cancelled, "stopped", spec_.session}); }

void Session::finish(SessionResult result) {
  if (finished_) return;
  finished_ = true;
  prompts_.enter(SessionMode::stopping);
  poll_.cancel();
  work_timer_.cancel();
  owner_gone_.cancel();
  if (call_) call_->cancel();
  close_conversation();
  result.session = spec_.session;
  result.intent = spec_.intent;
  result.tool_calls = tool_calls_;
  result.model_calls = steps_;
  if (view_.usage) view("finished", result.final_tool);
  // cancel ends a wait or gives a slot back, whichever it is.
  compat::send(self_, deps_.scheduler, cancel_atom_v, ticket_);
  end_ = std::make_shared<const SessionResult>(std::move(result));
  auto gone = [this] {
    jobs_gone_ = true;
    tell_end();
  };
  if (jobs_.empty()) return gone();
  compat::request(
      self_, deps_.jobs, request_deadline, [gone](std::uint64_t) { gone(); },
      [gone](const Error&) { gone(); }, kill_scope_atom_v,
      JobFilter{spec_.mission, {}, spec_.session, {}});
}

/// What it cost beyond its replies is told to the mission like the rest.
void Session::close_conversation() {
  SessionView view = view_;
  view.state = "finished";
  view.usage.reset();
  deps_.model->close(ticket_, [owner = owner_, view](const Usage& usage) mutable {
    view.usage = UsageRecorded{view.session,
                               view.role,
                               view.task,
                               usage.input_tokens,
                               usage.cached_input_tokens,
                               usage.output_tokens,
                               usage.cost_usd.value_or(0)};
    compat::post(owner, session_view_atom_v, view);
  });
}

/// Its commands and writes end before it does: nothing of it touches the tree after the result.
void Session::tell_end() {
  if (!jobs_gone_ || writes_ > 0) return;
  compat::send(self_, owner_, session_done_atom_v, end_);
  compat::quit(self_);
}

}  // namespace muster
