#include "runtime/boot/archiver.hpp"

#include "actors/mission_replay.hpp"

namespace muster {
namespace {

constexpr std::int64_t day_ms = 24LL * 3600 * 1000;

bool is_old(const MissionSummary& mission, std::size_t newer, const ArchivePolicy& policy,
            std::int64_t now_ms) {
  if (policy.keep && static_cast<std::int64_t>(newer) >= *policy.keep) return true;
  return policy.after_days && now_ms - mission.updated_at_ms > *policy.after_days * day_ms;
}

}  // namespace

std::size_t archive_old_missions(Store& store, const ArchivePolicy& policy,
                                 const std::string& current, std::int64_t now_ms,
                                 const std::function<void(const std::string&)>& say,
                                 const std::function<bool()>& stop) {
  auto missions = store.missions();
  if (!missions) {
    say(missions.error().text());
    return 0;
  }
  std::size_t newer = 0;
  std::size_t archived = 0;
  for (const auto& mission : *missions) {
    if (stop()) break;
    auto before = newer++;
    if (mission.archived || mission.mission == current || mission.last_seq == 0) continue;
    if (!is_old(mission, before, policy, now_ms)) continue;
    auto replayed = replay_mission(store, mission.mission);
    if (!replayed || !is_terminal(replayed->state.phase)) continue;
    auto status = store.archive(mission.mission);
    if (!status) say("cannot archive: " + status.error().text());
    if (status) ++archived;
  }
  return archived;
}

}  // namespace muster
