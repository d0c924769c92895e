#pragma once
// The cases of the macro benchmark, their runs, and how they are told.

#include <chrono>
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/macro/idle.hpp"
#include "benchmarks/macro/load.hpp"
#include "runtime/core/result.hpp"

namespace muster::bench {

struct Case {
  std::string name;
  std::string what;
  std::string scenario;  ///< path
  LoadSpec load;
  double latency_s = 0;           ///< of each call, as the scenario sets it
  std::optional<Idle> idle = {};  ///< then nothing is loaded, and the engine watched for ...
  std::chrono::seconds idle_time{10};
  int most_runs = 100;
};

/// `quick`: fewer sessions; numbers that only show that it works.
[[nodiscard]] std::vector<Case> macro_cases(bool quick);

/// One run of a case: a fresh model server, a fresh engine process.
Result<nlohmann::json> run_case(const Case& wanted, const std::string& program);

/// Median, least and greatest of one number of the runs.
struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
};
[[nodiscard]] Spread spread_of(std::vector<double> values);

/// The table of a finished case, for people.
[[nodiscard]] std::string macro_table(const nlohmann::json& macro);
/// Google Benchmark's JSON as a table of the same form.
[[nodiscard]] std::string micro_table(const nlohmann::json& micro);
/// "CPU model, 2 cores, ..."
[[nodiscard]] std::string machine_line(const nlohmann::json& machine);

}  // namespace muster::bench
