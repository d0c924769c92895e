#include "runtime/core/timeline.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <variant>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;

constexpr std::size_t most_steps = 20'000;
constexpr std::size_t most_marks = 5'000;
constexpr std::size_t note_bytes = 300;

struct Outcome {
  std::string word = "done";
  std::string note;
};

bool any_error(const std::vector<ReviewFinding>& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const ReviewFinding& finding) { return finding.severity == "error"; });
}

std::string first_of(const std::vector<ReviewFinding>& findings) {
  return findings.empty() ? std::string() : findings.front().message;
}

Outcome judged(const std::vector<Receipt>& receipts, const std::vector<ReviewFinding>& findings) {
  auto failed = std::find_if(receipts.begin(), receipts.end(), [](const Receipt& receipt) {
    return !receipt.passed() && !is_reached_check(receipt.facts().check);
  });
  if (failed != receipts.end()) return {"rejected", failed->facts().command + " failed"};
  if (any_error(findings)) return {"rejected", first_of(findings)};
  return {};
}

/// How the step ended that an event answers.
struct OutcomeOf {
  Outcome operator()(const StepFailed& event) const { return {"failed", event.error.text()}; }
  Outcome operator()(const TaskVerified& event) const {
    return judged(event.receipts, event.findings);
  }
  Outcome operator()(const IntegratedVerified& event) const { return judged(event.receipts, {}); }
  Outcome operator()(const VerdictGiven& event) const {
    return {event.approve ? "done" : "rejected",
            event.approve || event.findings.empty() ? event.summary : first_of(event.findings)};
  }
  Outcome operator()(const Merged& event) const {
    if (event.conflicts.empty()) return {};
    return {"conflict", event.conflicts.front()};
  }
  Outcome operator()(const SnapshotReady& event) const {
    return {"done", event.conflicts.empty() ? "" : "conflict in " + event.conflicts.front()};
  }
  Outcome operator()(const Triaged& event) const { return {"done", event.reason}; }
  Outcome operator()(const PlanSubmitted& event) const { return {"done", event.summary}; }
  Outcome operator()(const WorkSubmitted& event) const { return {"done", event.summary}; }
  Outcome operator()(const SealRequested& event) const { return {"done", event.summary}; }
  Outcome operator()(const Sealed& event) const { return {"done", event.note}; }
  template <class Event>
  Outcome operator()(const Event&) const {
    return {};
  }
};

struct MarkText {
  std::string task;
  std::string text;
};

/// What an event is to people that is no step; no task and no text: nothing.
struct MarkOf {
  MarkText operator()(const QuestionAsked& event) const {
    return {event.task, event.id + ": " + event.text};
  }
  MarkText operator()(const UserAnswered& event) const {
    return {{}, event.question + ": " + event.text};
  }
  MarkText operator()(const UserTold& event) const { return {event.task, event.text}; }
  MarkText operator()(const UserWaived& event) const { return {{}, event.check}; }
  MarkText operator()(const UserPaused&) const { return {{}, "paused"}; }
  MarkText operator()(const UserResumed&) const { return {{}, "gone on"}; }
  MarkText operator()(const UserStopped& event) const {
    return {{}, "stopped by " + (event.by.empty() ? "the user" : event.by)};
  }
  MarkText operator()(const TodoDecided& event) const {
    return {event.task, event.accept ? "accepted by the user" : "dropped"};
  }
  MarkText operator()(const LimitHit& event) const {
    return {{}, event.name + ": " + event.detail};
  }
  MarkText operator()(const IssueRaised& event) const {
    return {event.task, event.id + ": " + event.title};
  }
  MarkText operator()(const CommandRefused& event) const {
    return {event.task, event.command + ": " + event.reason};
  }
  MarkText operator()(const SessionCrashed& event) const {
    return {{}, event.session + ": " + event.error.text()};
  }
  MarkText operator()(const StuckDetected& event) const {
    return {event.task, std::string(name_of(event.rung)) + ": " + event.detail};
  }
  template <class Event>
  MarkText operator()(const Event&) const {
    return {};
  }
};

}  // namespace

void Timeline::begin(const IntentIssued& event, std::int64_t at_ms) {
  if (steps_.size() >= most_steps) {
    ++left_out_;
    return;
  }
  open_[event.id] = steps_.size();
  TimelineStep step;
  step.kind = event.kind;
  step.task = event.task;
  step.attempt = event.attempt;
  step.round = event.round;
  step.iteration = event.iteration;
  step.begin_ms = at_ms;
  steps_.push_back(std::move(step));
}

void Timeline::end(IntentId intent, std::string outcome, const std::string& note,
                   std::int64_t at_ms) {
  auto found = open_.find(intent);
  if (found == open_.end()) return;
  auto& step = steps_[found->second];
  step.end_ms = at_ms;
  step.outcome = std::move(outcome);
  step.note = one_line(note, note_bytes);
  open_.erase(found);
}

void Timeline::mark(const EventBody& event, std::string task, const std::string& text,
                    std::int64_t at_ms) {
  if (marks_.size() >= most_marks) {
    ++left_out_;
    return;
  }
  marks_.push_back(
      {at_ms, std::string(event_name(event)), std::move(task), one_line(text, note_bytes)});
}

void Timeline::on_event(const EventBody& event, std::int64_t at_ms) {
  std::visit(
      [&](const auto& body) {
        using Event = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Event, IntentIssued>) return begin(body, at_ms);
        if constexpr (requires { body.intent; }) {
          auto how = OutcomeOf{}(body);
          return end(body.intent, std::move(how.word), how.note, at_ms);
        }
        auto said = MarkOf{}(body);
        if (!said.text.empty()) mark(event, std::move(said.task), said.text, at_ms);
      },
      event);
}

json Timeline::to_json() const {
  json steps = json::array();
  for (const auto& step : steps_)
    steps.push_back({{"step", name_of(step.kind)},
                     {"task", step.task},
                     {"attempt", step.attempt},
                     {"round", step.round},
                     {"iteration", step.iteration},
                     {"begin_ms", step.begin_ms},
                     {"end_ms", step.end_ms},
                     {"outcome", step.outcome},
                     {"note", step.note}});
  json marks = json::array();
  for (const auto& mark : marks_)
    marks.push_back(
        {{"at_ms", mark.at_ms}, {"kind", mark.kind}, {"task", mark.task}, {"text", mark.text}});
  return {{"steps", std::move(steps)}, {"marks", std::move(marks)}, {"left_out", left_out_}};
}

}  // namespace muster
