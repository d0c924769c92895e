#pragma once
// What `--help` knows, in the forms that shells and man read.

#include <string>
#include <vector>

namespace muster::cli {

struct OptionHelp {
  std::vector<std::string> names;    ///< "--json", "-w"; empty: an argument
  std::string value;                 ///< "DIR"; empty: a flag
  std::string text;                  ///< one line
  std::vector<std::string> choices;  ///< all values that it takes; empty: any
};

/// A command with all that stands below it.
struct CommandHelp {
  std::string name;
  std::string text;   ///< one line
  std::string group;  ///< its heading in the help of its parent
  std::vector<OptionHelp> options;
  std::vector<CommandHelp> commands;
};

enum class Shell { bash, zsh, fish };

/// A script that the shell is given to complete the program's words. Pure.
[[nodiscard]] std::string completion_script(const CommandHelp& program, Shell shell);

/// The page of section 1, in the man macros (groff_man(7)). `footer`: what stands below the help,
/// with headings that end with a colon. Pure.
[[nodiscard]] std::string man_page(const CommandHelp& program, const std::string& version,
                                   const std::string& footer);

}  // namespace muster::cli
