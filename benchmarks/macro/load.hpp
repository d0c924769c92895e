#pragma once
// One run: many real sessions in this process against a model server in another.

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runtime/core/result.hpp"

namespace muster::bench {

struct LoadSpec {
  std::string url;             ///< of the model server, ".../v1"
  std::size_t concurrent = 1;  ///< sessions at once
  std::size_t sessions = 1;    ///< in all
  std::size_t briefing_bytes = 0;
  std::size_t threads = 0;  ///< actor threads; 0 = as the engine takes
  int at_most_s = 120;
};

/// Runs the sessions to their ends and says what it took: wall_s, calls, cpu_us_per_call,
/// request_bytes (mean), transcript_bytes, rss_beyond_transcript_kb (per session, at its worst
/// while all were alive; 0 unless all run at once), flush_ms (until the journal was durable, part
/// of wall_s). An error when a session failed or time ran out.
Result<nlohmann::json> run_load(const LoadSpec& spec);

}  // namespace muster::bench
