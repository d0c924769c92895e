#include "tests/crash/cut.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace muster::crash {
namespace {

using std::chrono::milliseconds;
using Random = std::mt19937_64;

constexpr const char* boundary = "mission.event";
constexpr std::array<std::pair<Who, std::string_view>, 3> names{
    {{Who::engine, "engine"}, {Who::both, "both"}, {Who::keeper, "keeper"}}};

std::uint64_t below(Random& random, std::uint64_t end) {
  return end == 0 ? 0 : random() % end;  // the tiny bias does no harm here
}

std::optional<Death> parse_death(std::string_view text) {
  Death out;
  bool timed = text.ends_with("ms");
  auto number = timed ? text.substr(0, text.size() - 2) : text;
  if (auto colon = text.rfind(':'); !timed && colon != std::string_view::npos) {
    out.point = text.substr(0, colon);
    number = text.substr(colon + 1);
  }
  std::uint64_t value = 0;
  auto [end, failed] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (failed != std::errc() || end != number.data() + number.size()) return std::nullopt;
  if (timed == !out.point.empty()) return std::nullopt;
  if (timed)
    out.after = milliseconds(value);
  else
    out.visit = value;
  return out;
}

/// Any visit of any point; each point as likely as the others, or the store's commits would be all
/// there is.
Death at_point(Random& random, const Profile& profile, std::uint64_t share) {
  auto at = std::next(profile.visits.begin(),
                      static_cast<std::ptrdiff_t>(below(random, profile.visits.size())));
  auto visits = std::max<std::uint64_t>(at->second / share, 1);
  return {at->first, 1 + below(random, visits), {}};
}

Death by_clock(Random& random, const Profile& profile) {
  auto whole = static_cast<std::uint64_t>(profile.duration.count());
  return {{}, 0, milliseconds(below(random, whole))};
}

Death random_death(Random& random, const Profile& profile, std::uint64_t share) {
  return below(random, 3) == 0 ? by_clock(random, profile) : at_point(random, profile, share);
}

}  // namespace

std::string Cut::text() const {
  std::string out;
  for (const auto& [value, name] : names)
    if (value == who) out = name;
  for (const auto& death : deaths)
    out += "/" + (death.point.empty() ? std::to_string(death.after.count()) + "ms"
                                      : death.point + ":" + std::to_string(death.visit));
  return out;
}

std::optional<Cut> Cut::parse(std::string_view text) {
  Cut out;
  auto slash = std::min(text.find('/'), text.size());
  auto name = std::find_if(names.begin(), names.end(), [&](const auto& entry) {
    return entry.second == text.substr(0, slash);
  });
  if (name == names.end()) return std::nullopt;
  out.who = name->first;
  while (slash < text.size()) {
    auto end = std::min(text.find('/', slash + 1), text.size());
    auto death = parse_death(text.substr(slash + 1, end - slash - 1));
    if (!death) return std::nullopt;
    out.deaths.push_back(*death);
    slash = end;
  }
  return out;
}

Cut make_cut(std::uint64_t seed, std::uint64_t index, const Profile& profile) {
  std::seed_seq mixed{seed, index};
  Random random(mixed);
  Cut cut;
  auto boundaries = profile.visits.find(boundary);
  if (boundaries != profile.visits.end() && index < boundaries->second) {
    cut.who = index % 2 == 0 ? Who::engine : Who::both;
    cut.deaths.push_back({boundary, index + 1, {}});
  } else if (below(random, 10) == 0) {
    cut.who = Who::keeper;
    cut.deaths.push_back(by_clock(random, profile));
  } else {
    cut.who = below(random, 2) == 0 ? Who::engine : Who::both;
    cut.deaths.push_back(random_death(random, profile, 1));
  }
  // Recovery is short: the second death comes early in it, if it comes.
  if (below(random, 3) == 0) cut.deaths.push_back(random_death(random, profile, 4));
  return cut;
}

}  // namespace muster::crash
