#include "adapters/ui/actor_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/ui/json_get.hpp"
#include "runtime/core/text.hpp"

namespace muster::ui {
namespace {

using json = nlohmann::json;

constexpr std::size_t name_bytes = 100;

double real(const json& in, const char* key) {
  const json& value = member(in, key);
  return value.is_number() ? value.get<double>() : 0;
}

/// Three digits and a unit.
std::string time_text(double us) {
  if (us < 1e3) return fmt::format("{:.3g} us", us);
  if (us < 1e6) return fmt::format("{:.3g} ms", us / 1e3);
  return fmt::format("{:.3g} s", us / 1e6);
}

std::string row(const json& one) {
  return fmt::format("{:<14} {:>6} {:>8} {:>7} {:>10} {:>7} {:>10} {:>9} {:>9} {:>9}\n",
                     one_line(text(one, "class"), 14), number(one, "alive"), number(one, "spawned"),
                     number(one, "crashed"), number(one, "messages"), number(one, "waiting"),
                     time_text(real(one, "busy_ms") * 1e3), time_text(real(one, "p50_us")),
                     time_text(real(one, "p99_us")), time_text(real(one, "longest_ms") * 1e3));
}

}  // namespace

std::string actor_table(const json& actors) {
  auto out = fmt::format("{:<14} {:>6} {:>8} {:>7} {:>10} {:>7} {:>10} {:>9} {:>9} {:>9}\n",
                         "class", "alive", "spawned", "crashed", "messages", "waiting", "busy",
                         "p50", "p99", "longest");
  const json& classes = member(actors, "classes");
  if (classes.is_array())
    for (const json& one : classes) out += row(one);
  const json& running = member(actors, "running");
  if (running.is_array())
    for (const json& one : running)
      out += fmt::format("at work: {} {} for {}\n", one_line(text(one, "actor"), name_bytes),
                         one_line(text(one, "label"), name_bytes),
                         time_text(real(one, "for_ms") * 1e3));
  return out;
}

}  // namespace muster::ui
