#include "runtime/core/effect_ledger.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <variant>

namespace muster {
namespace {

using nlohmann::json;

constexpr std::size_t kept_commands = 100;  // of one step: the oldest are forgotten first
constexpr std::size_t kept_failures = 100;  // of one step, likewise

std::string session_of(IntentId intent) { return "S" + std::to_string(intent); }

}  // namespace

std::string command_outcome(const json& row) {
  if (auto signal = row.value("signal", 0); signal != 0)
    return "ended by signal " + std::to_string(signal);
  return "exit code " + std::to_string(row.value("exit", -1));
}

void EffectLedger::on_effect(std::string_view session, std::string_view row) {
  auto parsed = json::parse(row, nullptr, false);
  if (!parsed.is_object() || parsed.value("class", "") != "N") return;
  auto job = parsed.value("job", "");
  auto& commands = commands_[std::string(session)];
  if (parsed.contains("command")) {
    commands.push_back({job, parsed.value("command", ""), {}});
    return;
  }
  auto found = std::find_if(commands.begin(), commands.end(),
                            [&](const Command& command) { return command.job == job; });
  if (found != commands.end()) found->outcome = command_outcome(parsed);
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
  if (step.empty()) return;
  auto& all = failed_[step.mapped()];
  all.push_back(intent);
  if (all.size() <= kept_failures) return;
  commands_.erase(session_of(all.front()));
  all.erase(all.begin());
}

void EffectLedger::settle(IntentId intent) {
  commands_.erase(session_of(intent));
  auto step = steps_.extract(intent);
  if (step.empty()) return;
  auto failed = failed_.extract(step.mapped());
  if (failed.empty()) return;
  for (auto id : failed.mapped()) commands_.erase(session_of(id));
}

std::vector<std::string> EffectLedger::sessions() const {
  std::vector<std::string> out;
  for (const auto& [intent, step] : steps_) out.push_back(session_of(intent));
  for (const auto& [step, intents] : failed_)
    for (auto intent : intents) out.push_back(session_of(intent));
  return out;
}

std::string EffectLedger::left_by_failed(IntentKind kind, const std::string& task) const {
  auto found = failed_.find({kind, task});
  if (found == failed_.end()) return {};
  std::vector<const Command*> all;
  for (auto intent : found->second)
    if (auto of = commands_.find(session_of(intent)); of != commands_.end())
      for (const auto& command : of->second) all.push_back(&command);
  std::string out;
  for (auto i = all.size() > kept_commands ? all.size() - kept_commands : 0; i < all.size(); ++i)
    out += "- `" + all[i]->text + "`: " +
           (all[i]->outcome.empty() ? "outcome unknown; it may have run in part or not at all"
                                    : all[i]->outcome) +
           "\n";
  return out;
}

json EffectLedger::to_json() const {
  json out{{"open", json::array()}, {"failed", json::array()}};
  for (const auto& [intent, step] : steps_)
    out["open"].push_back({intent, name_of(step.first), step.second});
  for (const auto& [step, intents] : failed_)
    out["failed"].push_back({name_of(step.first), step.second, intents});
  return out;
}

std::optional<EffectLedger> EffectLedger::from_json(const json& in) try {
  EffectLedger out;
  for (const auto& open : in.at("open"))
    out.steps_[open.at(0).get<IntentId>()] = {open.at(1).get<IntentKind>(),
                                              open.at(2).get<std::string>()};
  for (const auto& failed : in.at("failed"))
    out.failed_[{failed.at(0).get<IntentKind>(), failed.at(1).get<std::string>()}] =
        failed.at(2).get<std::vector<IntentId>>();
  return out;
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace muster
