#pragma once
// What a shell parser says about a command line; plain values, so that the command policy stays
// pure.

#include <string>
#include <vector>

namespace muster {

/// One word of a command after quote removal. `dynamic`: contains an expansion or substitution, so
/// its value is not known; `text` then holds the literal source.
struct ShellWord {
  std::string text;
  bool dynamic = false;
  bool glob = false;   ///< has an unquoted * ? [
  bool tilde = false;  ///< starts with an unquoted ~, which the shell turns into a home folder
  bool operator==(const ShellWord&) const = default;
};

/// A redirect. For "<<" (here-document) and "<<<" the target is the text itself.
struct ShellRedirect {
  std::string op;  ///< ">", ">>", "<", "&>", ">&", "<<" ...
  ShellWord target;
};

/// A simple command, wherever it stands: list, pipeline, subshell, substitution, loop, function
/// body, here-document.
struct ShellCommand {
  std::vector<ShellWord> assignments;    ///< "A=b" prefixes
  std::vector<ShellWord> words;          ///< name and arguments
  std::vector<ShellRedirect> redirects;  ///< its own, and those of the groups that it stands in
  bool reads_pipe = false;               ///< its standard input is another command's output
  std::string function;  ///< name of the function whose body it stands in, else empty
  std::size_t line = 1;
  /// How it is joined to the command before it: "" (first), ";", "&&", "||", "|", "|&", "&".
  std::string joined_by = {};
  /// Runs unconditionally as part of the outermost list; ( ) and { } around it do not matter. False
  /// in loops, branches, functions and substitutions.
  bool top_level = true;
  bool substitution = false;  ///< stands in $(...), `...`, <(...) or >(...)
  bool background = false;    ///< followed by "&": its exit status is lost
  bool negated = false;       ///< "!" before it
  /// The subshells that it runs in, outermost first: "" (none), "/1", "/1/2" ... A change of folder
  /// stays inside.
  std::string scope = {};
};

/// All simple commands of a text, in the order of the text.
struct ShellProgram {
  std::vector<ShellCommand> commands;
  std::vector<std::string> functions;  ///< names defined
  bool has_error = false;              ///< the text does not parse fully
};

}  // namespace muster
