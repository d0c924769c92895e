#include "runtime/core/report.hpp"

#include <nlohmann/json.hpp>
#include <type_traits>
#include <variant>

#include "runtime/core/gate.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;

json evidence_json(const Receipt& receipt) {
  const auto& facts = receipt.facts();
  return {{"check", facts.check},
          {"command", facts.command},
          {"exit_code", facts.exit_code},
          {"signal", facts.signal},
          {"timed_out", facts.timed_out},
          {"passed", receipt.passed()},
          {"duration_ms", facts.duration_ms},
          {"tree", facts.tree_after},
          {"started_at_ms", facts.started_at_ms},
          {"flaky", facts.flaky},
          {"output", facts.output_tail}};
}

json evidence_json(const std::vector<Receipt>& receipts) {
  auto out = json::array();
  for (const auto& receipt : receipts) out.push_back(evidence_json(receipt));
  return out;
}

json evidence_json(const std::map<std::string, Receipt>& receipts) {
  auto out = json::array();
  for (const auto& [name, receipt] : receipts) out.push_back(evidence_json(receipt));
  return out;
}

std::string word(const json& in, const char* key, std::size_t most = 300) {
  auto found = in.find(key);
  if (found == in.end()) return {};
  return one_line(found->is_string() ? found->get<std::string>() : found->dump(), most);
}

std::string evidence_text(const json& list, const std::string& indent) {
  std::string out;
  for (const auto& one : list) {
    auto how = one.value("timed_out", false) ? std::string("timed out")
               : one.value("signal", 0) != 0 ? "signal " + word(one, "signal")
                                             : "exit code " + word(one, "exit_code");
    out += indent + (one.value("passed", false) ? "ok    " : "FAIL  ") + word(one, "command") +
           "  (" + how + ", " + word(one, "duration_ms") + " ms)\n";
  }
  return out;
}

}  // namespace

void MissionReport::on_event(const EventBody& event, std::int64_t at_ms) {
  // Before it is applied: its intent is still open, and says which task it is about.
  std::visit(
      [this](const auto& body) {
        using Event = std::decay_t<decltype(body)>;
        if constexpr (std::is_same_v<Event, TaskVerified> || std::is_same_v<Event, WorkSubmitted> ||
                      std::is_same_v<Event, UsageRecorded>)
          on(body);
      },
      event);
  timeline_.on_event(event, at_ms);
  bool over = is_terminal(state_.phase);
  muster::apply(state_, event);
  if (!over) ended_at_ms_ = at_ms;
}

void MissionReport::on(const TaskVerified& event) {
  const auto* intent = state_.intent(event.intent);
  if (!intent) return;
  auto& evidence = evidence_[intent->task];
  evidence.receipts = event.receipts;
  ++evidence.verifications;
}

void MissionReport::on(const WorkSubmitted& event) {
  if (const auto* intent = state_.intent(event.intent))
    evidence_[intent->task].summary = event.summary;
}

void MissionReport::on(const UsageRecorded& event) {
  auto& tokens = tokens_[event.role];
  tokens.input += event.input_tokens;
  tokens.cached += event.cached_input_tokens;
  tokens.output += event.output_tokens;
  tokens.cost_usd += event.cost_usd;
}

std::vector<Receipt> MissionReport::receipts() const {
  std::vector<Receipt> out;
  for (const auto& task : state_.tasks)
    if (auto found = evidence_.find(task.spec.id); found != evidence_.end())
      out.insert(out.end(), found->second.receipts.begin(), found->second.receipts.end());
  for (const auto& [name, receipt] : state_.final_receipts) out.push_back(receipt);
  return out;
}

json MissionReport::to_json() const {
  json tasks = json::array();
  for (const auto& task : state_.tasks) {
    auto found = evidence_.find(task.spec.id);
    auto evidence = found == evidence_.end() ? Evidence{} : found->second;
    tasks.push_back({{"id", task.spec.id},
                     {"title", task.spec.title},
                     {"stage", name_of(task.stage)},
                     {"depends_on", task.spec.depends_on},
                     {"files", task.spec.files},
                     {"acceptance", task.spec.acceptance},
                     {"attempts", task.attempt},
                     {"accepted_by_user", task.accepted},
                     {"reason", task.reason},
                     {"commit", task.commit},
                     {"summary", evidence.summary},
                     {"verifications", evidence.verifications},
                     {"evidence", evidence_json(evidence.receipts)}});
  }
  json roles = json::object();
  for (const auto& [role, tokens] : tokens_)
    roles[role] = {{"input", tokens.input},
                   {"cached_input", tokens.cached},
                   {"output", tokens.output},
                   {"cost_usd", tokens.cost_usd}};
  json limits = json::array();
  json hit = json::array();
  for (const auto& limit : state_.limits_hit) {
    limits.push_back(limit.name);
    hit.push_back({{"name", limit.name}, {"detail", limit.detail}});
  }
  auto count = todo_count(state_);
  return {{"schema_version", 1},
          {"mission", state_.mission},
          {"objective", state_.objective},
          {"kind", name_of(state_.kind)},
          {"outcome", is_terminal(state_.phase) ? name_of(state_.phase) : "under_way"},
          {"phase", name_of(state_.phase)},
          {"reason", state_.outcome_reason},
          {"answer", state_.answer},
          {"iterations", state_.iteration},
          {"started_at_ms", state_.started_at_ms},
          {"ended_at_ms", ended_at_ms_},
          {"todo", {{"done", count.done}, {"total", count.total}}},
          {"tasks", std::move(tasks)},
          {"baseline", evidence_json(state_.baseline)},
          {"final", evidence_json(state_.final_receipts)},
          {"waived", state_.waived},
          {"limits_hit", std::move(limits)},
          {"limits", std::move(hit)},
          {"timeline", timeline_.to_json()},
          {"branch", state_.seal.branch},
          {"commit", state_.seal.commit},
          {"applied", state_.seal.applied},
          {"tokens",
           {{"input", state_.input_tokens},
            {"cached_input", state_.cached_input_tokens},
            {"output", state_.output_tokens},
            {"cost_usd", state_.cost_usd},
            {"by_role", std::move(roles)}}}};
}

std::string report_text(const json& report) {
  auto line = [](const std::string& name, const std::string& text) {
    return text.empty()
               ? ""
               : name + std::string(name.size() < 11 ? 11 - name.size() : 1, ' ') + text + "\n";
  };
  std::string out = line("mission", word(report, "mission"));
  out += line("objective", word(report, "objective", 1000));
  out += line("outcome", word(report, "outcome"));
  out += line("reason", word(report, "reason", 1000));
  out += line("answer", word(report, "answer", 2000));
  out += line("branch", word(report, "branch"));
  auto started = report.value("started_at_ms", std::int64_t{0});
  auto took = report.value("ended_at_ms", std::int64_t{0}) - started;
  if (started > 0) out += line("took", std::to_string(took / 1000) + " s");
  const auto& tokens = report.at("tokens");
  out += line("tokens", word(tokens, "input") + " in (" + word(tokens, "cached_input") +
                            " cached), " + word(tokens, "output") + " out");
  for (const auto& [role, used] : tokens.at("by_role").items())
    out += line("", one_line(role, 40) + ": " + word(used, "input") + " in, " +
                        word(used, "output") + " out");
  for (const auto& waived : report.at("waived"))
    out += line("waived", one_line(waived.get<std::string>(), 300));
  const auto& todo = report.at("todo");
  out += "\nTasks: " + word(todo, "done") + " of " + word(todo, "total") + " done\n";
  for (const auto& task : report.at("tasks")) {
    out += "  " + word(task, "id") + "  " + word(task, "stage") + "  " + word(task, "title") + "\n";
    if (auto reason = word(task, "reason"); !reason.empty()) out += "      " + reason + "\n";
    if (auto commit = word(task, "commit"); !commit.empty()) out += "      commit " + commit + "\n";
    out += evidence_text(task.at("evidence"), "      ");
  }
  if (!report.at("final").empty())
    out += "\nThe integrated tree:\n" + evidence_text(report.at("final"), "  ");
  return out;
}

}  // namespace muster
