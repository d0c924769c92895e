#include "runtime/core/effect_ledger.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

namespace muster {
namespace {

using nlohmann::json;

constexpr std::size_t kept_commands = 100;  // of one step: the oldest are forgotten first

std::string session_of(IntentId intent) { return "S" + std::to_string(intent); }

std::string outcome_of(const json& row) {
  if (auto signal = row.value("signal", 0); signal != 0)
    return "ended by signal " + std::to_string(signal);
  return "exit code " + std::to_string(row.value("exit", -1));
}

}  // namespace

void EffectLedger::on_effect(std::string_view session, std::string_view row) {
  auto parsed = json::parse(row, nullptr, false);
  if (!parsed.is_object() || parsed.value("class", "") != "N") return;
  auto job = parsed.value("job", "");
  auto& commands = running_[std::string(session)];
  if (parsed.contains("command")) {
    commands.push_back({job, parsed.value("command", ""), {}});
    return;
  }
  auto found = std::find_if(commands.begin(), commands.end(),
                            [&](const Command& command) { return command.job == job; });
  if (found != commands.end()) found->outcome = outcome_of(parsed);
}

void EffectLedger::on_event(const EventBody& event) {
  if (const auto* issued = std::get_if<IntentIssued>(&event)) {
    steps_[issued->id] = {issued->kind, issued->task};
  } else if (const auto* failed = std::get_if<StepFailed>(&event)) {
    carry(failed->intent);
  } else {
    std::visit(
        [this](const auto& body) {
          if constexpr (requires { body.intent; }) settle(body.intent);
        },
        event);
  }
}

void EffectLedger::carry(IntentId intent) {
  auto step = steps_.extract(intent);
  auto commands = running_.extract(session_of(intent));
  if (step.empty() || commands.empty()) return;
  auto& all = failed_[step.mapped()];
  all.insert(all.end(), commands.mapped().begin(), commands.mapped().end());
  if (all.size() > kept_commands)
    all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(kept_commands));
}

void EffectLedger::settle(IntentId intent) {
  if (auto step = steps_.extract(intent)) failed_.erase(step.mapped());
  running_.erase(session_of(intent));
}

std::string EffectLedger::left_by_failed(IntentKind kind, const std::string& task) const {
  auto found = failed_.find({kind, task});
  if (found == failed_.end()) return {};
  std::string out;
  for (const auto& command : found->second)
    out += "- `" + command.text + "`: " +
           (command.outcome.empty() ? "outcome unknown; it may have run in part or not at all"
                                    : command.outcome) +
           "\n";
  return out;
}

}  // namespace muster
