#include "runtime/core/receipt.hpp"

#include <nlohmann/json.hpp>

namespace muster {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ReceiptFacts, check, command, exit_code, signal,
                                                timed_out, started_at_ms, duration_ms,
                                                output_digest, output_tail, tree_before, tree_after,
                                                fingerprints, flaky)

/// What is rare is written when it is so: rows stay small, and as they always were.
void to_json(nlohmann::json& out, const Receipt& receipt) {
  to_json(out, receipt.facts_);
  if (!receipt.facts_.flaky) out.erase("flaky");
}
void from_json(const nlohmann::json& in, Receipt& out) { from_json(in, out.facts_); }

}  // namespace muster
