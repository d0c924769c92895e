#pragma once
// Findings and receipts as JUnit's XML, the form that CI servers show.

#include <string>
#include <vector>

#include "runtime/core/findings.hpp"
#include "runtime/core/receipt.hpp"

namespace muster {

/// One test suite `name` with a test case per receipt: its check, its command and its time; one
/// that did not pass is a failure with how it ended and the tail of its output, one that passed at
/// the second run only says so in its output. XML 1.0, valid for any bytes. Pure.
[[nodiscard]] std::string junit_xml(const std::string& name, const std::vector<Receipt>& receipts);

/// One test suite `name` with a test case per finding. Errors are failures; warnings are test cases
/// that pass and say so in their output. Without findings the suite is empty, and passes. Pure.
[[nodiscard]] std::string junit_xml(const std::string& name, const std::vector<Finding>& findings);

}  // namespace muster
