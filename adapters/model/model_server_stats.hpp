#pragma once
// What the scripted model's server counts. One thread.

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "adapters/model/scripted_model.hpp"

namespace muster::scripted {

class ServerStats {
  struct Counts;

 public:
  /// A call that has begun: the rows that its end is counted in. They stay while it is in flight.
  struct Ticket {
    Counts* agent = nullptr;
    Counts* task = nullptr;
  };

  /// `now_ms` counts from 1970.
  Ticket begin(const ScriptedRequest& request, std::int64_t now_ms);
  void tokens(const Ticket& ticket, const ScriptedUsage& usage);
  void fault(FaultKind kind);
  /// An answer with an error status.
  void error(int status);
  /// The client left before the end of the answer.
  void client_left();
  /// The answer is over, whatever its end.
  void end(const Ticket& ticket);

  /// Starts from nothing; calls in flight stay in flight.
  void reset();

  [[nodiscard]] nlohmann::json json(const ScriptedModel& model) const;

 private:
  struct Counts {
    std::uint64_t calls = 0;
    std::int64_t in_flight = 0;
    std::int64_t max_in_flight = 0;
    std::int64_t prompt_tokens = 0;
    std::int64_t cached_tokens = 0;
    std::int64_t completion_tokens = 0;

    void enter();
    void add(const ScriptedUsage& usage);
    [[nodiscard]] nlohmann::json json() const;
  };
  using Table = std::map<std::string, Counts, std::less<>>;
  static Counts& row(Table& table, const std::string& name);

  Counts all_;
  Table agents_;
  Table tasks_;
  std::map<int, std::uint64_t> errors_;
  std::map<std::string, std::uint64_t> faults_;
  std::uint64_t clients_left_ = 0;
  std::int64_t first_call_ms_ = 0;
  std::int64_t last_call_ms_ = 0;
};

}  // namespace muster::scripted
