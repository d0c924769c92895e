#pragma once
// Small helpers on the words of a command, shared by the command policy's files. Internal.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/shell_program.hpp"

namespace muster::policy {

using Words = std::vector<ShellWord>;

template <class List>
[[nodiscard]] bool one_of(std::string_view text, const List& list) {
  for (const auto& item : list)
    if (text == item) return true;
  return false;
}
[[nodiscard]] inline bool one_of(std::string_view text,
                                 std::initializer_list<std::string_view> list) {
  for (const auto item : list)
    if (text == item) return true;
  return false;
}

/// Splits a blank-separated list of names once, for a static table.
[[nodiscard]] std::vector<std::string_view> names(std::string_view list);

/// The name that decides what runs: "/bin/rm" -> "rm", "python3.11" -> "python3.11".
[[nodiscard]] std::string command_name(const ShellWord& word);

struct Options {
  std::vector<std::pair<std::string, std::optional<ShellWord>>>
      flags;  ///< "-r", "--name", with value
  Words operands;
  [[nodiscard]] bool has(std::initializer_list<std::string_view> flags_wanted) const;
  [[nodiscard]] std::optional<ShellWord> value(
      std::initializer_list<std::string_view> flags_wanted) const;
};

/// Reads options as getopt_long does: clusters ("-rf"), "--name=value", "--". `with_value` are the
/// flags that take a value ("-o --output"). `stop_early`: the first operand ends the options, as
/// for commands that run another one. words[0] is the name and is skipped.
[[nodiscard]] Options read_options(const Words& words, std::string_view with_value,
                                   bool stop_early = false);

/// The command behind a wrapper that runs the rest of its words ("timeout 5 make" -> "make");
/// nullopt when words[0] is none. Empty words: the wrapper runs nothing. `changes_folder` is set
/// for wrappers that run it elsewhere.
[[nodiscard]] std::optional<Words> unwrap(const Words& words);

/// How a shell was called: with text (-c), with a script, or to read its standard input (neither).
struct ShellCall {
  bool wants_text = false;  ///< -c was given, even if no text follows
  std::optional<ShellWord> text;
  std::optional<ShellWord> script;
  std::optional<ShellWord> startup;  ///< --rcfile, --init-file
  bool only_asks = false;            ///< --version, --help
  bool idle = false;                 ///< -n: reads commands and runs none
};

/// Reads a call of sh, bash and their like: flags may be clustered, "o" and "O" in a cluster take
/// the next word, and the text of -c is the first operand, not the word behind the flag.
[[nodiscard]] ShellCall read_shell_call(const Words& words);

}  // namespace muster::policy
