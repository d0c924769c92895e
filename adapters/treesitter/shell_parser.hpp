#pragma once
// The shell parser port on tree-sitter-bash.

#include <chrono>

#include "runtime/ports/shell_parser.hpp"

namespace muster {

/// Bounds of what is parsed; text beyond them is an error, never cut.
struct ShellParserLimits {
  std::size_t max_bytes = 64U * 1024U;
  std::size_t max_depth = 64;  ///< nesting of groups and substitutions
  std::size_t max_commands = 2000;
  std::chrono::milliseconds max_time{2000};  ///< of the grammar's own work
};

/// Structure comes from tree-sitter-bash; words are unquoted from their source here, because the
/// grammar splits some of them otherwise than a shell. Wherever the two do not fit together (text
/// that the grammar skipped, a here-document that ends elsewhere, a substitution that it did not
/// see) the program says has_error: what is not understood must not be allowed. Stateless,
/// thread-safe.
class TreeSitterShellParser final : public ShellParser {
 public:
  explicit TreeSitterShellParser(ShellParserLimits limits = {}) : limits_(limits) {}
  /// Errors: limit_reached (too long, too deep, too many commands, too slow), invalid_argument (a
  /// NUL byte).
  [[nodiscard]] Result<ShellProgram> parse(std::string_view text) const override;

 private:
  ShellParserLimits limits_;
};

}  // namespace muster
