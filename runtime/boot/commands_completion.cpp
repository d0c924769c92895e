// What shells and man are told of the command line.

#include <map>
#include <string>

#include <fmt/format.h>

#include "adapters/cli/completion.hpp"
#include "runtime/boot/commands.hpp"

namespace muster::commands {

int completion(const cli::CompletionCommand& command) {
  using cli::Shell;
  static const std::map<std::string, Shell> shells{
      {"bash", Shell::bash}, {"zsh", Shell::zsh}, {"fish", Shell::fish}};
  const auto program = cli::help_tree();
  const auto shell = shells.find(command.form);
  fmt::print("{}", shell == shells.end()
                       ? cli::man_page(program, MUSTER_VERSION, cli::help_footer())
                       : cli::completion_script(program, shell->second));
  return cli::exit_sealed;
}

}  // namespace muster::commands
