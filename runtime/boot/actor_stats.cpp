#include "runtime/boot/actor_stats.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;
using Kind = WatchdogReport::Kind;

constexpr double ns_per_us = 1e3;
constexpr double ns_per_ms = 1e6;
constexpr std::size_t label_bytes = 200;

/// The bound of the histogram's place, or the longest run if that is less.
double quantile_us(const ActorClassStats& stats, double share) {
  return static_cast<double>(std::min(stats.times.quantile_ns(share), stats.longest_ns)) /
         ns_per_us;
}

json class_to_json(const ActorClassStats& stats) {
  const auto runs = stats.runs == 0 ? 1.0 : static_cast<double>(stats.runs);
  return {{"class", stats.name},
          {"alive", stats.alive},
          {"spawned", stats.spawned},
          {"crashed", stats.crashed},
          {"messages", stats.messages},
          {"waiting", stats.waiting},
          {"longest_mailbox", stats.longest_mailbox},
          {"runs", stats.runs},
          {"busy_ms", static_cast<double>(stats.busy_ns) / ns_per_ms},
          {"mean_us", static_cast<double>(stats.busy_ns) / ns_per_us / runs},
          {"p50_us", quantile_us(stats, 0.5)},
          {"p99_us", quantile_us(stats, 0.99)},
          {"longest_ms", static_cast<double>(stats.longest_ns) / ns_per_ms}};
}

std::string text_of(const ActorName& name) {
  if (name.label.empty()) return name.actor;
  return name.actor + " (" + one_line(name.label, label_bytes) + ")";
}

std::string seconds(std::int64_t ms) {
  return fmt::format("{:.1f} s", static_cast<double>(ms) / 1e3);
}

}  // namespace

json actors_to_json(ActorMeter& meter, std::int64_t now_ns) {
  json classes = json::array();
  for (const auto& stats : meter.classes()) classes.push_back(class_to_json(stats));
  json running = json::array();
  for (const auto& run : meter.look(now_ns, std::numeric_limits<std::uint64_t>::max()).running)
    running.push_back({{"actor", run.name.actor},
                       {"label", run.name.label},
                       {"for_ms", static_cast<double>(run.for_ns) / ns_per_ms}});
  return {{"classes", classes}, {"running", running}};
}

std::string text_of(const WatchdogReport& report) {
  auto who = text_of(report.name);
  switch (report.kind) {
    case Kind::late:
      return fmt::format("actor {} has been at one message for {}", who, seconds(report.for_ms));
    case Kind::recovered:
      return fmt::format("actor {} goes on, after {} at one message", who, seconds(report.for_ms));
    case Kind::growing:
      return fmt::format("actor {} does not keep up: {} messages wait for it, more than before",
                         who, report.waiting);
    case Kind::drained:
      return fmt::format("actor {} keeps up again", who);
  }
  return who;
}

Notice notice_of(const WatchdogReport& report) {
  json data{{"actor", report.name.actor}, {"label", report.name.label}};
  if (report.kind == Kind::late || report.kind == Kind::recovered) data["for_ms"] = report.for_ms;
  if (report.kind == Kind::growing) data["waiting"] = report.waiting;
  return {"", std::string(type_of(report.kind)), data.dump()};
}

}  // namespace muster
