#pragma once
// Findings and receipts as SARIF 2.1.0 (OASIS), the form that code hosts and editors show.

#include <string>
#include <vector>

#include "runtime/core/findings.hpp"
#include "runtime/core/receipt.hpp"

namespace muster {

/// A SARIF log with one run for each tool, in the order in which they first speak; without findings
/// one run of muster with no result. Paths become URI references: relative ones stay relative to
/// the base "SRCROOT", absolute ones become file: URLs. Any bytes: what is no UTF-8 becomes U+FFFD.
/// Ends with a line feed. Pure.
[[nodiscard]] std::string sarif_log(const std::vector<Finding>& findings);

/// A SARIF log with one run for each receipt: how its command ended, and what the tail of its
/// output complains about (parse_findings()) when it did not pass. Pure.
[[nodiscard]] std::string sarif_log(const std::vector<Receipt>& receipts);

}  // namespace muster
