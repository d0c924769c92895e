#pragma once
// When an actor's handler is late, and when a mailbox grows: what is to be told, once for each
// episode, and again when it is over. A plain value: looks come in, words go out.

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/actor_meter.hpp"

namespace muster {

struct WatchdogLimits {
  /// A run that has taken so long is late; nullopt = none ever is.
  std::optional<std::int64_t> late_ms = 1000;
  /// A mailbox that holds so many, and more than at the look before, grows; nullopt = none does.
  std::optional<std::uint64_t> mailbox = 1000;
  /// An actor that was told to be late is not told again sooner, so that one that always is does
  /// not fill the log.
  std::int64_t quiet_ms = 10000;
};

struct WatchdogReport {
  enum class Kind {
    late,       ///< it is in a handler and does not return
    recovered,  ///< it has returned
    growing,    ///< its mailbox fills faster than it is emptied
    drained,    ///< the mailbox is below half of the limit, or the actor has ended
  };
  Kind kind = Kind::late;
  ActorName name;
  std::int64_t for_ms = 0;    ///< so far (late), at least (recovered)
  std::uint64_t waiting = 0;  ///< in the mailbox (growing, drained)
};

/// "actor.late", "actor.recovered", "mailbox.growing", "mailbox.drained": the notice's type.
[[nodiscard]] std::string_view type_of(WatchdogReport::Kind kind) noexcept;

class WatchdogPolicy {
 public:
  explicit WatchdogPolicy(WatchdogLimits limits = {}) : limits_(limits) {}

  /// What a look must show of mailboxes.
  [[nodiscard]] std::uint64_t least_waiting() const;
  /// How long to wait between two looks, in ms; nullopt = nothing is watched.
  [[nodiscard]] std::optional<std::int64_t> period_ms() const;
  /// What this look means after those before it. Looks come in order of time.
  [[nodiscard]] std::vector<WatchdogReport> look(const ActorLook& seen);

 private:
  struct Late {
    ActorName name;
    std::int64_t began_ns = 0;
  };
  struct Mailbox {
    ActorName name;
    std::uint64_t waiting = 0;  ///< at the last look
    bool told = false;
  };
  using Run = std::pair<std::uint64_t, std::uint64_t>;  ///< actor, run

  void look_at_runs(const ActorLook& seen, std::vector<WatchdogReport>& out);
  void look_at_mailboxes(const ActorLook& seen, std::vector<WatchdogReport>& out);

  WatchdogLimits limits_;
  std::map<Run, Late> late_;                       ///< told, and not over
  std::map<std::uint64_t, std::int64_t> told_ns_;  ///< actor -> when it was last told late
  std::map<std::uint64_t, Mailbox> mailboxes_;     ///< of the last look
};

}  // namespace muster
