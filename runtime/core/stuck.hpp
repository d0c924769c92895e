#pragma once
// What keeps an agent or a mission from getting anywhere, and what is done about it. The detectors
// only say what they see; the ladder (ladder.hpp) says what follows.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/enum_names.hpp"

namespace muster {

enum class StuckKind {
  same_output,    ///< the same words without a tool call, turn after turn
  same_call,      ///< the same call with the same arguments and the same result
  alternating,    ///< A-B-A-B
  only_reads,     ///< an agent that should write does nothing but read
  stuck_decoder,  ///< one short unit over and over within a reply
  silent_stream,  ///< a reply that stalled
  no_progress,    ///< iterations of the mission that brought nothing
};
template <>
struct EnumNames<StuckKind> {
  static constexpr std::array<std::pair<StuckKind, std::string_view>, 7> table{
      {{StuckKind::same_output, "same_output"},
       {StuckKind::same_call, "same_call"},
       {StuckKind::alternating, "alternating"},
       {StuckKind::only_reads, "only_reads"},
       {StuckKind::stuck_decoder, "stuck_decoder"},
       {StuckKind::silent_stream, "silent_stream"},
       {StuckKind::no_progress, "no_progress"}}};
};

/// The rungs of the ladder, lowest first.
enum class Rung {
  retry,      ///< the model call is made again
  intervene,  ///< the agent (or the next plan) is told what was seen
  restart,    ///< the session ends, and its step is taken anew within its limits
  decompose,  ///< the session ends, and the planner cuts the task into parts
  replan,     ///< the task fails, and the next iteration's plan goes another way
  ask,        ///< it is parked, and a person is asked
};
template <>
struct EnumNames<Rung> {
  static constexpr std::array<std::pair<Rung, std::string_view>, 6> table{
      {{Rung::retry, "retry"},
       {Rung::intervene, "intervene"},
       {Rung::restart, "restart"},
       {Rung::decompose, "decompose"},
       {Rung::replan, "replan"},
       {Rung::ask, "ask"}}};
};

/// One turn of a session, as its detector sees it.
struct SeenTurn {
  struct Call {
    std::string name;
    std::string arguments;
    std::string result;
    bool failed = false;  ///< the result is an error
    bool reads = false;   ///< changes nothing, wherever it is pointed at
    bool waits = false;   ///< its purpose is to wait: to make it again is no loop
  };
  std::string text;  ///< what the model said
  std::vector<Call> calls;
};

struct StuckSeen {
  StuckKind kind = StuckKind::same_output;
  std::string detail;       ///< for people and for the model; one sentence
  bool progressed = false;  ///< something new was done since the detector last saw something
};

struct StuckLimits {
  int same_output = 3;  ///< turns in a row
  int same_call = 3;    ///< turns in a row that do the same and get the same
  int repeats = 5;      ///< times the same turn may come back in a longer circle
  int only_reads = 25;  ///< turns in a row
};

/// Looks at the turns of one session. Progress is a call that is no read, succeeds, and has not
/// been made with that result before; it resets all counts.
class StuckDetector {
 public:
  /// `writes`: the role is there to change something.
  explicit StuckDetector(bool writes = false, StuckLimits limits = {})
      : writes_(writes), limits_(limits) {}

  /// Takes the next turn in and says what it sees. The counts start anew after it saw something.
  std::optional<StuckSeen> see(const SeenTurn& turn);

 private:
  using Digest = std::uint64_t;

  std::optional<StuckSeen> see_text(const SeenTurn& turn);
  std::optional<StuckSeen> see_calls(const SeenTurn& turn);
  void note_progress(const SeenTurn& turn);
  [[nodiscard]] bool in_a_row() const;
  [[nodiscard]] bool alternates() const;
  StuckSeen found(StuckKind kind, std::string detail);

  bool writes_;
  StuckLimits limits_;
  std::deque<Digest> last_;         // of the last turns with calls
  std::map<Digest, int> repeated_;  // since the last progress
  std::set<Digest> done_;           // calls that changed or found out something, with their results
  Digest last_text_ = 0;
  int same_text_ = 0;
  int reads_ = 0;
  bool progressed_ = false;
};

}  // namespace muster
