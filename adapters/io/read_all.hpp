#pragma once

#include <string>

#include "runtime/core/result.hpp"

namespace muster {

/// The whole of a file, also of one that does not know its size (/proc). A read that fails is a
/// value, which a stream's iterators make an exception: a folder, a process of /proc that ends
/// meanwhile. Errors: not_found, permission_denied, io_error. Any thread; blocks.
[[nodiscard]] Result<std::string> read_all(const std::string& path);

}  // namespace muster
