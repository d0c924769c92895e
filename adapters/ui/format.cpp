#include "adapters/ui/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "adapters/ui/json_get.hpp"
#include "adapters/ui/width.hpp"
#include "runtime/core/text.hpp"

namespace muster::ui {
namespace {

using json = nlohmann::json;

std::string joined(const json& list) {
  std::string out;
  if (!list.is_array()) return out;
  for (const json& item : list)
    if (item.is_string()) out += (out.empty() ? "" : ", ") + one_line(item.get<std::string>(), 200);
  return out;
}

std::string headline(const json& outcome) {
  const std::string name = text(outcome, "outcome");
  const std::size_t waived =
      member(outcome, "waived").is_array() ? member(outcome, "waived").size() : 0;
  if (name == "sealed")
    return waived > 0 ? fmt::format("SEALED ({} waived by you)", waived) : "SEALED";
  std::string reason = one_line(text(outcome, "reason"), 500);
  std::string word = one_line(name.empty() ? "ended" : name, 40);
  std::replace(word.begin(), word.end(), '_', ' ');
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  });
  return reason.empty() ? word : word + ": " + reason;
}

void add_line(std::string& out, const std::string& label, const std::string& value) {
  if (!value.empty()) out += fmt::format("  {:<9} {}\n", label, value);
}

void add_findings(std::string& out, const json& outcome) {
  const json& findings = member(outcome, "findings");
  if (!findings.is_array()) return;
  for (const json& one : findings) {
    const std::string file = one_line(text(one, "file"), 200);
    const std::string where = file.empty() ? "" : fmt::format("{}:{}: ", file, number(one, "line"));
    out += fmt::format("  - {}{}\n", where, one_line(text(one, "message"), 500));
  }
}

std::string checks_text(const json& outcome) {
  const json& checks = member(outcome, "checks");
  if (!checks.is_array() || checks.empty()) return {};
  const auto good = std::count_if(checks.begin(), checks.end(), [](const json& check) {
    return member(check, "exit_code") == 0;
  });
  return fmt::format("{} of {} passed", good, checks.size());
}

void add_tasks(std::string& out, const StatusSnapshot& status, std::size_t columns) {
  for (const auto& task : status.tasks) {
    std::string line = fmt::format("  {} {} {}", pad(one_line(task.id, 40), 8),
                                   pad(one_line(task.stage, 40), 13), one_line(task.title, 300));
    if (task.attempt > 1 || task.round > 0)
      line += fmt::format(" (attempt {}, round {})", task.attempt, task.round);
    if (!task.reason.empty()) line += ": " + one_line(task.reason, 300);
    out += cut(line, columns) + "\n";
  }
}

void add_agents(std::string& out, const StatusSnapshot& status, std::size_t columns,
                std::int64_t now_ms) {
  for (const auto& agent : status.agents)
    out += cut(fmt::format("  {} {} {} {}", pad(one_line(agent.role, 40), 15),
                           pad(one_line(agent.task, 40), 8),
                           clock_text(agent.since_ms > 0 ? now_ms - agent.since_ms : 0),
                           doing_text(agent)),
               columns) +
           "\n";
}

/// "3/50", or "3" without a limit.
std::string use_text(std::int64_t in_use, const std::optional<std::int64_t>& limit) {
  return limit ? fmt::format("{}/{}", in_use, *limit) : std::to_string(in_use);
}

std::string lane_text(const StatusSnapshot::Lane& lane, std::int64_t now_ms) {
  std::string out = fmt::format("  lane {}: {} in use", one_line(lane.name, 100),
                                use_text(lane.in_use, lane.limit));
  if (lane.waiting > 0) out += fmt::format(", {} waiting", lane.waiting);
  if (lane.paused_until_ms && *lane.paused_until_ms > now_ms)
    out += ", pauses " + clock_text(*lane.paused_until_ms - now_ms + 999);
  if (lane.held_back > 0) out += fmt::format(", {} held back", lane.held_back);
  if (lane.breaker != "closed") out += ", breaker " + one_line(lane.breaker, 20);
  return out;
}

void add_slots(std::string& out, const StatusSnapshot& status, std::size_t columns,
               std::int64_t now_ms) {
  if (!status.lanes.empty())
    out += fmt::format("  slots {}, {} waiting\n",
                       use_text(status.slots.in_use, status.slots.limit), status.slots.waiting);
  for (const auto& lane : status.lanes) out += cut(lane_text(lane, now_ms), columns) + "\n";
}

void add_rest(std::string& out, const StatusSnapshot& status, std::size_t columns) {
  for (const auto& job : status.jobs)
    out += cut(fmt::format("  {}job {} {} {} {}", job.kind == "background" ? "background " : "",
                           one_line(job.id, 60), one_line(job.state, 20),
                           clock_text(job.running_ms), one_line(job.command, 300)),
               columns) +
           "\n";
  if (status.issues_open > 0) out += fmt::format("  {} issue(s) open\n", status.issues_open);
  for (const auto& limit : status.limits_hit) out += "  limit hit: " + one_line(limit, 200) + "\n";
  for (const auto& question : status.questions)
    out += fmt::format("  ? {}{}: {}\n    muster answer {} \"...\"\n", one_line(question.id, 60),
                       question.task.empty() ? "" : " (" + one_line(question.task, 60) + ")",
                       one_line(question.text, 1000), one_line(question.id, 60));
}

}  // namespace

std::string clock_text(std::int64_t ms) {
  const std::int64_t s = std::max<std::int64_t>(0, ms) / 1000;
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string count_text(std::int64_t count) {
  const auto number = static_cast<double>(count);
  if (count < 1000) return std::to_string(count);
  if (count < 999950) return fmt::format("{:.1f}k", number / 1e3);
  return fmt::format("{:.1f}M", number / 1e6);
}

std::string utc_text(std::int64_t ms) {
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     ms % 1000);
}

std::string cost_text(double usd) {
  return usd < 1 ? fmt::format("${:.4f}", usd) : fmt::format("${:.2f}", usd);
}

std::string doing_text(const StatusSnapshot::Agent& agent) {
  const std::string doing = one_line(agent.doing, 300);
  if (agent.state == "tool_running") return doing.empty() ? "runs a tool" : doing;
  if (agent.state == "waiting_model") return "thinking";
  if (agent.state == "waiting_slot") return "waits for a slot";
  if (agent.state == "awaiting_human") return "waits for you";
  if (agent.state == "retrying") return doing.empty() ? "retries" : "retries: " + doing;
  return doing.empty() ? one_line(agent.state, 60) : doing;
}

std::string status_text(const StatusSnapshot& status, std::size_t columns, std::int64_t now_ms) {
  std::string out =
      cut(fmt::format("{}  {}", one_line(status.mission, 60), one_line(status.objective, 500)),
          columns) +
      "\n";
  std::string line = fmt::format(
      "{} · iteration {} · {}/{} done · {} tokens", one_line(status.phase, 40), status.iteration,
      status.todo_done, status.todo_total, count_text(status.input_tokens + status.output_tokens));
  if (status.cost_usd > 0) line += " · " + cost_text(status.cost_usd);
  out += cut(line + " · " + clock_text(status.elapsed_ms), columns) + "\n";
  add_tasks(out, status, columns);
  add_agents(out, status, columns, now_ms);
  add_slots(out, status, columns, now_ms);
  add_rest(out, status, columns);
  return out;
}

std::string process_text(const StatusSnapshot& status, std::size_t columns, std::int64_t now_ms) {
  constexpr std::string_view form = "{} {} {} {:>9} {:>9}  {}";
  auto out = fmt::format(fmt::runtime(form), pad("who", 15), pad("task", 8), pad("id", 12), "for",
                         "tokens", "what") +
             "\n";
  for (const auto& agent : status.agents)
    out += cut(fmt::format(fmt::runtime(form), pad(one_line(agent.role, 15), 15),
                           pad(one_line(agent.task, 8), 8), pad(one_line(agent.session, 12), 12),
                           clock_text(agent.since_ms > 0 ? now_ms - agent.since_ms : 0),
                           count_text(agent.input_tokens + agent.output_tokens), doing_text(agent)),
               columns) +
           "\n";
  for (const auto& job : status.jobs)
    out += cut(fmt::format(fmt::runtime(form), pad(one_line(job.kind, 15), 15),
                           pad(one_line(job.task, 8), 8), pad(one_line(job.id, 12), 12),
                           clock_text(job.running_ms), "-",
                           one_line(job.state, 20) + ": " + one_line(job.command, 300)),
               columns) +
           "\n";
  return out;
}

std::string summary_text(const json& outcome) {
  std::string out = headline(outcome) + "\n";
  const std::string answer = strip_terminal_escapes(text(outcome, "answer"));
  if (!answer.empty()) out += answer + (answer.back() == '\n' ? "" : "\n");
  add_findings(out, outcome);
  add_line(out, "summary", one_line(text(outcome, "summary"), 1000));
  if (const json& todo = member(outcome, "todo"); number(todo, "total") > 0)
    add_line(out, "tasks",
             fmt::format("{} of {} done", number(todo, "done"), number(todo, "total")));
  add_line(out, "checks", checks_text(outcome));
  add_line(out, "waived", joined(member(outcome, "waived")));
  add_line(out, "branch", one_line(text(outcome, "branch"), 200));
  add_line(out, "note", one_line(text(outcome, "note"), 500));
  const std::int64_t tokens = number(outcome, "input_tokens") + number(outcome, "output_tokens");
  const json& cost = member(outcome, "cost_usd");
  const double usd = cost.is_number() ? cost.get<double>() : 0;
  if (tokens > 0)
    add_line(out, "tokens", count_text(tokens) + (usd > 0 ? " (" + cost_text(usd) + ")" : ""));
  return out;
}

}  // namespace muster::ui
