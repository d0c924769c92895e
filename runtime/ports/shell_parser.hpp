#pragma once
// Port to a real parser of the shell language; the command policy decides on what it returns.

#include <string_view>

#include "runtime/core/result.hpp"
#include "runtime/core/shell_program.hpp"

namespace muster {

class ShellParser {
 public:
  virtual ~ShellParser() = default;
  /// Parses POSIX shell / bash text. Never executes. Thread-safe.
  [[nodiscard]] virtual Result<ShellProgram> parse(std::string_view text) const = 0;
};

}  // namespace muster
