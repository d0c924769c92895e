#pragma once
// Port to a real parser of the shell language; the command policy decides on what it returns.

#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// One word of a command after quote removal. `dynamic`: contains an expansion or substitution, so its value is not known;
/// `text` then holds the literal source.
struct ShellWord {
  std::string text;
  bool dynamic = false;
  bool glob = false;  ///< has an unquoted * ? [
  bool operator==(const ShellWord&) const = default;
};

struct ShellRedirect {
  std::string op;     ///< ">", ">>", "<", "&>", ...
  ShellWord target;
};

/// A simple command, wherever it stands: list, pipeline, subshell, substitution, loop, function body, here-document.
struct ShellCommand {
  std::vector<ShellWord> assignments;   ///< "A=b" prefixes
  std::vector<ShellWord> words;         ///< name and arguments
  std::vector<ShellRedirect> redirects;
  bool reads_pipe = false;              ///< its standard input is another command's output
  std::string function;                 ///< name of the function whose body it stands in, else empty
  std::size_t line = 1;
};

struct ShellProgram {
  std::vector<ShellCommand> commands;
  std::vector<std::string> functions;   ///< names defined
  bool has_error = false;               ///< the text does not parse fully
};

class ShellParser {
 public:
  virtual ~ShellParser() = default;
  /// Parses POSIX shell / bash text. Never executes. Thread-safe.
  [[nodiscard]] virtual Result<ShellProgram> parse(std::string_view text) const = 0;
};

}  // namespace muster
