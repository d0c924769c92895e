#pragma once
// Who may run now: limits that hold all at once, and a fair queue before them.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// Names one waiter or holder of slots; the caller makes them up and does not reuse one in use.
using Ticket = std::uint64_t;

/// nullopt = unlimited, 0 = none.
using SlotLimit = std::optional<std::int64_t>;

/// What a request runs under. Names are case-insensitive.
struct SlotKeys {
  std::string mission;
  std::string provider;
  std::string account;  ///< may be empty: the provider's only one
  std::string model;
  std::string agent;  ///< role
};

/// "provider/model", or "provider:account/model" with an account; lower case.
[[nodiscard]] std::string lane_name(std::string_view provider, std::string_view account,
                                    std::string_view model);
[[nodiscard]] std::string lane_name(const SlotKeys& keys);

/// Configured limits. A name that is not in a map has the default of its kind. Keys of `lanes` are
/// lane_name()s.
struct SlotLimits {
  SlotLimit global = 50;
  SlotLimit default_lane;
  SlotLimit default_provider;
  SlotLimit default_agent;
  std::map<std::string, SlotLimit> lanes;
  std::map<std::string, SlotLimit> providers;
  std::map<std::string, SlotLimit> agents;
};

/// The names that exist; what limits may name.
struct SlotNames {
  std::vector<std::string> lanes;
  std::vector<std::string> providers;
  std::vector<std::string> agents;
};

/// Everything wrong with limits, each with its path: negative numbers, names that nobody has, two
/// spellings of one name. Empty = valid.
[[nodiscard]] std::vector<std::string> validate_slot_limits(const SlotLimits& limits,
                                                            const SlotNames& known);

/// The slots of one engine. All limits of a request hold at once. Order: per lane the mission that
/// holds fewest slots of it, then the one served longest ago, then first come first served; a
/// waiter whose lane is full does not block those of other lanes. A value; time is the caller's.
class SlotTable {
 public:
  explicit SlotTable(const SlotLimits& limits = {});

  /// Queues a waiter, until `deadline_ms` if given. Errors: already_exists (the ticket is in use),
  /// limit_reached (a limit of 0 can never grant it; the message names the limit).
  Status request(Ticket ticket, const SlotKeys& keys, std::optional<std::int64_t> deadline_ms);

  /// Grants all that fit now and returns their tickets in the order of grant. `lane_open` may hold
  /// a lane back (a pause); its waiters keep their places.
  std::vector<Ticket> grant(const std::function<bool(const std::string& lane)>& lane_open = {});

  /// Gives a granted slot back. False, and nothing changes, when the ticket holds none: a waiter
  /// that timed out or was cancelled frees nothing.
  bool release(Ticket ticket);
  /// Takes a waiter out of the queue. False when the ticket does not wait.
  bool cancel(Ticket ticket);
  /// Takes out and returns the waiters whose deadline is at or before `now_ms`.
  std::vector<Ticket> expire(std::int64_t now_ms);
  /// The earliest deadline of a waiter.
  [[nodiscard]] std::optional<std::int64_t> next_deadline() const;

  /// Sets the adaptive limit of a lane (nullopt = only the configured one). The configured limit is
  /// a hard ceiling: the lower of both holds.
  void set_adaptive_limit(std::string_view lane, SlotLimit limit);
  /// The limit that holds for a lane now.
  [[nodiscard]] SlotLimit lane_limit(std::string_view lane) const;

  [[nodiscard]] std::int64_t in_use() const { return static_cast<std::int64_t>(held_.size()); }
  [[nodiscard]] std::int64_t in_use_lane(std::string_view lane) const;
  [[nodiscard]] std::int64_t in_use_provider(std::string_view provider) const;
  [[nodiscard]] std::int64_t in_use_agent(std::string_view agent) const;
  [[nodiscard]] std::size_t waiting() const { return waiters_.size(); }
  [[nodiscard]] bool holds(Ticket ticket) const { return held_.contains(ticket); }
  [[nodiscard]] bool waits(Ticket ticket) const { return waiters_.contains(ticket); }

 private:
  struct Class {  // requests that are alike: they queue in one line
    std::string mission, lane, provider, agent;
    auto operator<=>(const Class&) const = default;
  };
  struct Waiter {
    std::uint64_t arrival;
    Class line;
    std::optional<std::int64_t> deadline_ms;
  };
  using Line = std::map<std::uint64_t, Ticket>;  // by arrival
  using Counts = std::map<std::string, std::int64_t>;
  using PerMission = std::map<std::pair<std::string, std::string>, std::int64_t>;

  [[nodiscard]] bool fits(const Class& line) const;
  [[nodiscard]] std::optional<std::string> zero_limit(const Class& line) const;
  [[nodiscard]] std::map<Class, Line>::const_iterator best_line(
      const std::function<bool(const std::string&)>& lane_open) const;
  void take(const Class& line, std::int64_t step);
  void remove_waiter(Ticket ticket);
  void forget_idle_mission(const std::string& mission);

  SlotLimits limits_;
  std::map<std::string, SlotLimit> adaptive_;
  std::map<Ticket, Class> held_;
  std::map<Ticket, Waiter> waiters_;
  std::map<Class, Line> lines_;
  std::set<std::pair<std::int64_t, Ticket>> deadlines_;
  Counts used_lane_, used_provider_, used_agent_, used_mission_;
  PerMission used_in_lane_;    // (lane, mission) -> slots
  PerMission served_in_lane_;  // (lane, mission) -> when, as a count of grants
  std::uint64_t arrivals_ = 0;
  std::int64_t grants_ = 0;
};

}  // namespace muster
