// What the flags of a mission are as a layer of the configuration.

#include "adapters/cli/command_line.hpp"

#include <charconv>
#include <map>

namespace muster::cli {

std::vector<config::FlagValue> flag_values(const CommandLine& line) {
  std::vector<config::FlagValue> out;
  const auto* mission = std::get_if<MissionCommand>(&line.command);
  if (mission == nullptr) return out;
  const auto put = [&](const auto& value, const char* pointer, const char* flag) {
    if (value) out.push_back({pointer, *value, flag});
  };
  put(mission->model, "/model", "--model");
  put(mission->team, "/team", "--team");
  put(mission->approve, "/approve", "--approve");
  put(mission->isolation, "/isolation", "--isolation");
  put(mission->host, "/host", "--host");
  put(mission->max_cost_usd, "/limits/max_cost_usd", "--max-cost");
  put(mission->max_time_ms, "/limits/max_time_ms", "--max-time");
  put(mission->max_tokens, "/limits/max_tokens", "--max-tokens");
  return out;
}

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  constexpr std::int64_t most = 366LL * 24 * 3600 * 1000;
  static const std::map<std::string_view, std::int64_t> units{
      {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
  std::int64_t total = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc{} || number < 0 || rest[0] == '-') return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const auto length = std::min(rest.find_first_of("0123456789"), rest.size());
    const std::string_view unit = rest.substr(0, length);
    // A plain number is seconds; after other parts it would be a riddle.
    const bool plain = unit.empty() && total == 0 && rest.empty();
    const auto factor = units.find(plain ? "s" : unit);
    if (factor == units.end() || number > most / factor->second) return std::nullopt;
    total += number * factor->second;
    rest.remove_prefix(length);
    if (total > most) return std::nullopt;
  }
  return text.empty() ? std::nullopt : std::optional(total);
}

}  // namespace muster::cli
