#include "adapters/ui/event_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "adapters/ui/format.hpp"
#include "adapters/ui/json_get.hpp"
#include "runtime/core/text.hpp"

namespace muster::ui {
namespace {

using json = nlohmann::json;
using Line = EventLines::Line;
using Words = std::function<std::optional<Line>(const json&)>;

constexpr std::size_t max_steps = 4096;
constexpr std::size_t max_line = 400;

std::string safe(const json& data, const char* key) { return one_line(text(data, key), 300); }

std::size_t size_of(const json& data, const char* key) {
  return member(data, key).is_array() ? member(data, key).size() : 0;
}

std::string plural(std::size_t count, const std::string& noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

/// "3 checks passed" or the first one that failed.
std::string receipts_text(const json& data) {
  const json& receipts = member(data, "receipts");
  if (!receipts.is_array() || receipts.empty()) return "nothing to run";
  for (const json& receipt : receipts) {
    const bool passed = member(receipt, "exit_code") == 0 && number(receipt, "signal") == 0 &&
                        !flag(receipt, "timed_out");
    if (passed) continue;
    const std::string how = flag(receipt, "timed_out") ? "timed out"
                            : number(receipt, "signal") != 0
                                ? fmt::format("signal {}", number(receipt, "signal"))
                                : fmt::format("exit {}", number(receipt, "exit_code"));
    return fmt::format("failed: {} ({})", safe(receipt, "command"), how);
  }
  return plural(receipts.size(), "check") + " passed";
}

std::string first_finding(const json& data) {
  const json& findings = member(data, "findings");
  if (!findings.is_array() || findings.empty()) return {};
  const std::string file = safe(findings[0], "file");
  const std::string more =
      findings.size() > 1 ? fmt::format(" (and {} more)", findings.size() - 1) : "";
  const std::string where =
      file.empty() ? "" : fmt::format("{}:{}: ", file, number(findings[0], "line"));
  return ": " + where + safe(findings[0], "message") + more;
}

std::string task_of(const json& data) {
  const std::string task = safe(data, "task");
  return task.empty() ? "mission" : task;
}

/// Of what the user decides, and some agents may: "you", "the commander: no longer needed".
std::string decider(const json& data) {
  const std::string by = safe(data, "by");
  const std::string reason = safe(data, "reason");
  if (by.empty()) return "you";
  return "the " + by + (reason.empty() ? "" : ": " + reason);
}

/// "session#12 (m/S4 worker M1.T2)"
std::string actor_of(const json& data) {
  const std::string label = safe(data, "label");
  return "actor " + safe(data, "actor") + (label.empty() ? "" : " (" + label + ")");
}

Line loud(std::string text) { return {std::move(text), true}; }
Line quiet(std::string text) { return {std::move(text), false}; }

/// Words for steps as they begin.
std::string beginning(const std::string& kind) {
  static const std::map<std::string, std::string> words{
      {"discover", "looks at the project"},
      {"baseline", "runs build and tests as they are"},
      {"triage", "commander decides"},
      {"plan", "planner plans"},
      {"prepare", "snapshot"},
      {"work", "worker starts"},
      {"verify", "verification"},
      {"review", "reviewer starts"},
      {"fix", "fixer starts"},
      {"merge", "merges"},
      {"reverify", "verifies the merge"},
      {"land", "lands"},
      {"rebase", "rebases"},
      {"final_verify", "whole build and all tests"},
      {"master_review", "master reviewer starts"},
      {"request_seal", "commander checks the end"},
      {"seal", "seals"}};
  const auto found = words.find(kind);
  return found == words.end() ? one_line(kind, 40) : found->second;
}

std::optional<Line> agent_line(const json& data) {
  if (text(data, "state") == "waiting_model" || text(data, "state") == "waiting_slot")
    return std::nullopt;
  StatusSnapshot::Agent agent;
  agent.state = text(data, "state");
  agent.doing = text(data, "doing");
  return quiet(fmt::format("{} {}: {}", task_of(data), safe(data, "role"), doing_text(agent)));
}

std::optional<Line> needs_user_line(const json& data) {
  std::string out = "waits for you";
  const json& questions = member(data, "questions");
  if (questions.is_array())
    for (const json& one : questions)
      out += fmt::format("; {}: {}", safe(one, "id"), safe(one, "text"));
  return loud(out + "; see muster status, muster answer");
}

/// Events that need nothing but their own data.
const std::map<std::string, Words>& plain_words() {
  static const std::map<std::string, Words> words{
      {"mission_started",
       [](const json& d) {
         return loud("mission " + safe(d, "mission") + ": " + safe(d, "objective"));
       }},
      {"phase", [](const json& d) { return loud("phase " + safe(d, "to")); }},
      {"agent", agent_line},
      {"lease_extended",
       [](const json& d) { return quiet(task_of(d) + " may change more files"); }},
      {"lease_violated",
       [](const json& d) {
         const json& files = member(d, "files");
         const std::string first = files.is_array() && !files.empty() && files[0].is_string()
                                       ? one_line(files[0].get<std::string>(), 200)
                                       : "";
         return loud(fmt::format("{} {}: changed {} without a lease: {}", task_of(d),
                                 safe(d, "role"), plural(size_of(d, "files"), "file"), first));
       }},
      {"command_refused",
       [](const json& d) {
         return loud(fmt::format("{} {}: command refused: {} -- {}", task_of(d), safe(d, "role"),
                                 safe(d, "command"), safe(d, "reason")));
       }},
      {"session_crashed",
       [](const json& d) {
         return loud(fmt::format("session {}: {}; it goes on from the journal", safe(d, "session"),
                                 safe(member(d, "error"), "message")));
       }},
      {"stuck_detected",
       [](const json& d) {
         auto who = safe(d, "session").empty() ? std::string("the mission")
                                               : task_of(d) + " " + safe(d, "role");
         auto line = fmt::format("{}: {}: {} -> {}", who, safe(d, "kind"), safe(d, "detail"),
                                 safe(d, "rung"));
         return safe(d, "rung") == "retry" ? quiet(line) : loud(line);
       }},
      {"issue_raised",
       [](const json& d) {
         return loud(fmt::format("issue {}: {}", safe(d, "id"), safe(d, "title")));
       }},
      {"issue_resolved",
       [](const json& d) {
         return loud(fmt::format("issue {} resolved: {}", safe(d, "id"), safe(d, "resolution")));
       }},
      {"question_asked",
       [](const json& d) {
         return loud(
             fmt::format("question {} ({}): {}", safe(d, "id"), task_of(d), safe(d, "text")));
       }},
      {"needs_user", needs_user_line},
      {"limit_hit",
       [](const json& d) {
         return loud(fmt::format("limit {}: {}", safe(d, "name"), safe(d, "detail")));
       }},
      {"user_stopped", [](const json& d) { return loud("stopped by " + decider(d)); }},
      {"user_paused", [](const json&) { return loud("pausing"); }},
      {"mission_paused",
       [](const json& d) {
         auto why = safe(d, "reason");
         return loud("paused; " + (why.empty() ? "" : why + "; ") + "muster resume goes on");
       }},
      {"user_resumed", [](const json&) { return loud("goes on"); }},
      {"user_answered", [](const json& d) { return quiet("you answered " + safe(d, "question")); }},
      {"user_told", [](const json& d) { return quiet("you told " + task_of(d)); }},
      {"user_waived", [](const json& d) { return loud("you waived " + safe(d, "check")); }},
      {"todo_decided",
       [](const json& d) {
         return loud(task_of(d) + (flag(d, "accept") ? " accepted by " : " dropped by ") +
                     decider(d));
       }},
      {"todo_refused",
       [](const json& d) {
         return loud("todo.md: line " + std::to_string(number(d, "line")) + ": " +
                     safe(d, "reason"));
       }},
      {"journal_failed", [](const json& d) { return loud("journal: " + safe(d, "error")); }},
      {"journal_warning", [](const json& d) { return loud("journal: " + safe(d, "text")); }},
      {"lane.paused",
       [](const json& d) {
         return loud(fmt::format("{} pauses for {}", safe(d, "lane"),
                                 clock_text(number(d, "for_ms") + 999)));
       }},
      {"lane.resumed", [](const json& d) { return quiet(safe(d, "lane") + " goes on"); }},
      {"lane.breaker",
       [](const json& d) {
         return loud(fmt::format("{} breaker {}", safe(d, "lane"), safe(d, "state")));
       }},
      {"actor.late",
       [](const json& d) {
         return loud(fmt::format("{} has been at one message for {:.1f} s", actor_of(d),
                                 static_cast<double>(number(d, "for_ms")) / 1000));
       }},
      {"actor.recovered", [](const json& d) { return quiet(actor_of(d) + " goes on"); }},
      {"mailbox.growing",
       [](const json& d) {
         return loud(fmt::format("{} does not keep up: {} messages wait for it", actor_of(d),
                                 number(d, "waiting")));
       }},
      {"mailbox.drained", [](const json& d) { return quiet(actor_of(d) + " keeps up again"); }},
      {"engine.failed",
       [](const json& d) {
         return loud("the engine fails: " + safe(d, "reason") + "; muster resume goes on");
       }},
      {"notifier.dropped",
       [](const json& d) {
         return quiet(std::to_string(number(d, "count")) + " events not shown");
       }},
      {"lagged",
       [](const json& d) {
         return quiet(std::to_string(number(d, "dropped")) + " events not shown");
       }},
      {"mission_ended", [](const json& d) {
         return loud(fmt::format("{} {}", safe(d, "outcome"), safe(d, "reason")));
       }}};
  return words;
}

const std::vector<std::string>& hidden() {
  static const std::vector<std::string> types{"tick", "time_passed", "usage_recorded", "verifying"};
  return types;
}

}  // namespace

EventLines::Step EventLines::step_of(const json& data) const {
  const auto found = steps_.find(number(data, "intent"));
  return found == steps_.end() ? Step{} : found->second;
}

std::optional<Line> EventLines::outcome_of_step(const UiEvent& event) {
  const json& d = event.data;
  const Step step = step_of(d);
  steps_.erase(number(d, "intent"));
  const std::string who = step.task.empty() ? "mission" : step.task;
  const std::string& type = event.type;
  if (type == "step_failed")
    return loud(fmt::format("{} {} failed: {}", who, one_line(step.kind, 40),
                            safe(member(d, "error"), "message")));
  if (type == "context_discovered")
    return loud(fmt::format("found {}", plural(size_of(d, "commands"), "command")));
  if (type == "baseline_recorded") return loud("baseline: " + receipts_text(d));
  if (type == "triaged") return loud("triage: " + safe(d, "kind") + ": " + safe(d, "reason"));
  if (type == "plan_submitted")
    return loud(
        fmt::format("plan of {}: {}", plural(size_of(d, "tasks"), "task"), safe(d, "summary")));
  if (type == "snapshot_ready") return quiet(who + " has its snapshot");
  if (type == "work_submitted") return loud(who + " submitted: " + safe(d, "summary"));
  if (type == "task_verified") return loud(who + " verification: " + receipts_text(d));
  if (type == "integrated_verified") return loud("integrated tree: " + receipts_text(d));
  if (type == "verdict_given")
    return loud(flag(d, "approve") ? who + " approved: " + safe(d, "summary")
                                   : who + " rejected" + first_finding(d));
  if (type == "merged")
    return size_of(d, "conflicts") > 0
               ? loud(who + " conflicts in " + plural(size_of(d, "conflicts"), "file"))
               : quiet(who + " merged");
  if (type == "landed") return loud(who + " landed");
  if (type == "seal_requested") return loud("seal requested: " + safe(d, "summary"));
  if (type == "sealed") return loud("sealed on " + safe(d, "branch"));
  if (type == "answered") return loud("answered");
  return std::nullopt;
}

std::optional<Line> EventLines::line(const UiEvent& event) {
  if (std::find(hidden().begin(), hidden().end(), event.type) != hidden().end())
    return std::nullopt;
  std::optional<Line> out;
  const auto words = plain_words().find(event.type);
  if (event.type == "intent_issued") {
    Step step{text(event.data, "kind"), safe(event.data, "task")};
    if (steps_.size() >= max_steps) steps_.erase(steps_.begin());
    const std::string who = step.task.empty() ? "mission" : step.task;
    out = quiet(who + " " + beginning(step.kind));
    steps_[number(event.data, "id")] = std::move(step);
  } else if (words != plain_words().end()) {
    out = words->second(event.data);
    if (!out) return std::nullopt;
  } else {
    out = outcome_of_step(event);
  }
  // A type that is newer than this program is still an event.
  if (!out)
    out = quiet(event.type + " " + event.data.dump(-1, ' ', true, json::error_handler_t::replace));
  out->text = one_line(out->text, max_line);
  return out;
}

}  // namespace muster::ui
