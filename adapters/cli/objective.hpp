#pragma once
// The objective from standard input.

#include <string>

#include "runtime/core/result.hpp"

namespace muster::cli {

/// Reads an objective to the end of `fd`, blocking; white space around it goes. Errors:
/// invalid_argument (nothing there), limit_reached (more than 256 KiB), io_error.
Result<std::string> read_objective(int fd);

}  // namespace muster::cli
