#pragma once
// What is known about a run from outside of the engine, and the invariants that must hold of it.
// Knows every mission's state by folding what the engine journals, and what was really done from
// the ports.

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runtime/core/state.hpp"
#include "runtime/ports/store.hpp"
#include "tests/sim/scenario.hpp"
#include "tests/sim/world.hpp"

namespace muster::sim {

/// One mission, seen from outside.
struct MissionBook {
  State state;                ///< the fold of all that was handed to the store
  std::uint64_t handed = 0;   ///< records handed to the store
  std::uint64_t durable = 0;  ///< of these, on disk
  std::uint64_t events = 0;
  std::optional<std::uint64_t> ended_at;  ///< record that ended it
  std::optional<Micros> stopped_at;       ///< the user's stop, as journalled
  std::optional<Micros> told_end_at;
  int told_ends = 0;
  std::uint64_t seal_intent = 0;           ///< record of the last intent to seal
  std::set<std::string> durable_commands;  ///< N effects whose record is on disk
  std::set<std::string> passed;            ///< "command @ tree" of checks that really passed
  // What its engine has under way
  std::int64_t calls = 0;
  std::size_t processes = 0;
  std::map<std::string, std::int64_t> lane_calls, provider_calls, role_calls, session_calls;
};

/// Counts for the summary.
struct Tally {
  std::uint64_t events = 0;
  std::uint64_t records = 0;
  std::uint64_t model_calls = 0;
  std::uint64_t processes = 0;
  std::uint64_t writes = 0;
  std::size_t most_calls = 0;
  std::uint64_t sessions = 0;  ///< asked for
  std::map<std::string, int> faults;
};

class Ledger {
 public:
  Ledger(World& world, const Scenario& scenario, const Options& options, bool trace);

  // From the store
  void handed(const std::string& mission, const NewRecord& record);
  void durable(const std::string& mission, const StoredRecord& record);
  /// Only these records are left (a crash, a failed disk): everything is counted anew from them.
  void rebuild(const std::string& mission, const std::vector<StoredRecord>& records);
  /// The disk takes records again, and the mission goes on from what it has.
  void reopened(const std::string& mission);
  // From the model, the processes, the files and version control
  void call_started(const std::string& mission, const std::string& lane, const std::string& role,
                    const std::string& session);
  void call_ended(const std::string& mission, const std::string& lane, const std::string& role,
                  const std::string& session);
  void process_started(const std::string& mission, const std::string& command);
  void process_ended(const std::string& mission);
  void written(const std::string& mission, const std::string& where);
  void two_writers(const std::string& mission, const std::string& where) {
    world_.fail("two writers", mission + ": written by a session that has a successor: " + where);
  }
  void check_passed(const std::string& mission, const std::string& command,
                    const std::string& tree);
  void applied(const std::string& mission, const std::string& tree);
  // From the notifier
  void notice(const Notice& notice);
  // From whoever breaks things
  void fault(const std::string& name);
  /// The mission's engine is gone, and with it all that it had in flight.
  void engine_gone(const std::string& mission);

  [[nodiscard]] MissionBook& book(const std::string& mission) { return books_[mission]; }
  [[nodiscard]] const std::map<std::string, MissionBook>& books() const { return books_; }
  [[nodiscard]] bool all_over() const;
  [[nodiscard]] Micros last_progress() const { return last_progress_; }
  void progress() { last_progress_ = world_.now(); }
  [[nodiscard]] std::uint64_t trace_hash() const { return trace_.value(); }
  [[nodiscard]] const std::deque<std::string>& last_lines() const { return lines_; }
  /// The state as an engine reads it back (snapshot and what came after it) does as the fold of
  /// all.
  void compare_rebuilt(const std::string& mission, State again);
  void say(const std::string& line);
  Tally tally;

 private:
  void on_event(const std::string& mission, MissionBook& book, const EventBody& event);
  void check_new(const MissionBook& book, const IntentIssued& intent);
  void check_tasks(const std::string& mission, const State& state);
  void check_seal(const std::string& mission, const MissionBook& book);
  void check_slots(const std::string& mission, const MissionBook& book);
  void nothing_after_the_end(const std::string& mission, const std::string& what);

  World& world_;
  const Scenario& scenario_;
  const Options& options_;
  bool trace_on_;
  Hash trace_;
  std::map<std::string, MissionBook> books_;
  std::deque<std::string> lines_;
  Micros last_progress_ = 0;
  std::map<std::string, int> effects_;  ///< N effects by command: how often they were started
};

}  // namespace muster::sim
