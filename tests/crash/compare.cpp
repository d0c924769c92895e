#include "tests/crash/ending.hpp"

namespace muster::crash {
namespace {

/// A crash costs each of the two workers the call that was in flight and those whose replies were
/// not on disk yet: the journal lets them gather for milliseconds, in which this model answers one
/// more.
constexpr std::uint64_t calls_per_death = 4;

bool same(const StoredRecord& a, const StoredRecord& b) {
  return a.seq == b.seq && a.at_ms == b.at_ms && a.kind == b.kind && a.key == b.key &&
         a.row == b.row && a.body == b.body;
}

bool is_prefix(const std::vector<StoredRecord>& part, const std::vector<StoredRecord>& whole) {
  if (part.size() > whole.size()) return false;
  for (std::size_t i = 0; i < part.size(); ++i)
    if (!same(part[i], whole[i])) return false;
  return true;
}

class Differences {
 public:
  void unless(bool fine, const std::string& what) {
    if (!fine) all.push_back(what);
  }
  void same(const std::string& name, const std::string& wanted, const std::string& is) {
    unless(wanted == is, name + " is '" + is + "' instead of '" + wanted + "'");
  }
  std::vector<std::string> all;
};

}  // namespace

std::vector<std::string> differences(const Ending& whole, const Ending& ending) {
  Differences out;
  out.unless(ending.trouble.empty(), ending.trouble);
  for (const auto& process : ending.processes) out.unless(false, "a process was left: " + process);
  for (const auto& lock : ending.locks) out.unless(false, "a lock was left: " + lock);
  if (!ending.trouble.empty()) return out.all;
  out.same("the exit code", std::to_string(whole.exit_code), std::to_string(ending.exit_code));
  out.same("the outcome", whole.outcome, ending.outcome);
  out.same("the tree", whole.tree, ending.tree);
  out.same("the working tree", whole.status, ending.status);
  out.same("the number of commits", whole.commits, ending.commits);
  for (const auto& [path, content] : ending.files) {
    auto wanted = whole.files.find(path);
    if (wanted == whole.files.end())
      out.unless(false, "there is a strange file: " + path);
    else
      out.same(path, wanted->second, content);
  }
  for (const auto& [effect, count] : ending.effects) {
    out.unless(count <= 1, "the command '" + effect + "' ran " + std::to_string(count) + " times");
    out.unless(whole.effects.contains(effect), "there is a strange effect: " + effect);
  }
  for (std::size_t i = 0; i < ending.at_deaths.size(); ++i)
    out.unless(is_prefix(ending.at_deaths[i], ending.journal),
               "what the journal held at death " + std::to_string(i + 1) + " (" +
                   std::to_string(ending.at_deaths[i].size()) +
                   " records) is not how it begins now");
  const auto deaths = static_cast<std::uint64_t>(ending.deaths);
  out.unless(ending.model_calls <= whole.model_calls + calls_per_death * deaths,
             "the model was called " + std::to_string(ending.model_calls) + " times, " +
                 std::to_string(whole.model_calls) + " without a crash");
  for (std::size_t i = 0; i < ending.calls_by_rule.size(); ++i) {
    const auto once = whole.calls_by_rule[i], calls = ending.calls_by_rule[i];
    // Rules that no undisturbed run meets are for who takes over: once a death.
    out.unless(calls <= (once == 0 ? deaths : once * (1 + deaths)),
               "rule " + std::to_string(i + 1) + " of the scenario was met " +
                   std::to_string(calls) + " times, " + std::to_string(once) + " without a crash");
  }
  return out.all;
}

}  // namespace muster::crash
