#include "adapters/cli/completion.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "adapters/cli/command_line.hpp"
#include "adapters/process/run_command.hpp"

using namespace muster;
using namespace muster::cli;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// What a program says when it is given the script as a file and these arguments.
CommandOutput given_script(Shell shell, std::vector<std::string> argv) {
  const auto file = fs::temp_directory_path() / ("muster-completion-" + std::to_string(::getpid()));
  std::ofstream(file) << completion_script(help_tree(), shell);
  argv.push_back(file.string());
  CommandSpec spec;
  spec.argv = std::move(argv);
  auto out = run_command(spec);
  fs::remove(file);
  REQUIRE(out.ok());
  return *out;
}

/// What bash would offer after these words; the last one is being typed.
std::string offered(const std::string& words) {
  const auto text = "source \"$0\"; COMP_WORDS=(" + words +
                    "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _muster; echo \"${COMPREPLY[*]}\"";
  return given_script(Shell::bash, {"bash", "--norc", "-c", text}).out;
}

}  // namespace

TEST_CASE("bash completes commands, flags and values where they belong") {
  CHECK(offered("muster ru") == "run\n");
  CHECK_THAT(offered("muster ''"), ContainsSubstring("run") && ContainsSubstring("config"));
  CHECK(offered("muster config v") == "validate\n");
  CHECK(offered("muster run --team ''") == "squad classic\n");
  CHECK(offered("muster run --team c") == "classic\n");
  CHECK(offered("muster run --max-c") == "--max-cost\n");
  CHECK(offered("muster report --ju") == "--junit\n");
  CHECK(offered("muster completion ''") == "bash zsh fish\n");
  CHECK_THAT(offered("muster status --workspace /us"), ContainsSubstring("/usr"));
}

TEST_CASE("zsh and fish read their scripts") {
  for (const auto& [shell, name] :
       std::map<Shell, std::string>{{Shell::zsh, "zsh"}, {Shell::fish, "fish"}}) {
    INFO(name);
    const auto said = given_script(shell, {name, "-n"});
    CHECK(said.exit_code == 0);
    CHECK(said.err.empty());
  }
}

TEST_CASE("every command and every flag stands in the manual page, and in no other form") {
  const auto page = man_page(help_tree(), "1.2.3", help_footer());
  CHECK_THAT(page, ContainsSubstring(".TH MUSTER 1") && ContainsSubstring("muster ast search") &&
                       ContainsSubstring("\\fB\\-\\-max\\-cost\\fR \\fIUSD\\fR") &&
                       ContainsSubstring(".SH \"Exit codes\""));
  const CommandHelp odd{"x", ".so /etc/passwd \\n", "", {}, {}};
  CHECK_THAT(man_page(odd, "1", ""),
             ContainsSubstring(".so /etc/passwd \\en") && !ContainsSubstring("\n.so"));
}
