// M10: which commands build, test or check something, with an exit status that says so.

#include <algorithm>
#include <map>

#include "runtime/core/command_checker.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using namespace policy;

constexpr int max_depth = 4;

/// A tool that verifies: with any words, or only with one of these as its first operand.
const std::map<std::string_view, std::string_view>& tools() {
  static const std::map<std::string_view, std::string_view> table{
      {"make", ""},
      {"gmake", ""},
      {"bmake", ""},
      {"ninja", ""},
      {"samu", ""},
      {"ctest", ""},
      {"scons", ""},
      {"meson", "test compile"},
      {"bazel", "build test"},
      {"bazelisk", "build test"},
      {"buck2", "build test"},
      {"pytest", ""},
      {"py.test", ""},
      {"tox", ""},
      {"nox", ""},
      {"mypy", ""},
      {"pyright", ""},
      {"flake8", ""},
      {"pylint", ""},
      {"ruff", "check format"},
      {"black", ""},
      {"bandit", ""},
      {"isort", ""},
      {"nosetests", ""},
      {"cargo", "build b check c test t clippy bench nextest fmt doc rustc run r"},
      {"rustc", ""},
      {"go", "build test vet run"},
      {"gofmt", ""},
      {"golangci-lint", "run"},
      {"staticcheck", ""},
      {"gotestsum", ""},
      {"mvn", ""},
      {"mvnw", ""},
      {"gradle", ""},
      {"gradlew", ""},
      {"ant", ""},
      {"sbt", ""},
      {"lein", ""},
      {"javac", ""},
      {"kotlinc", ""},
      {"scalac", ""},
      {"dotnet", "build test run format"},
      {"msbuild", ""},
      {"tsc", ""},
      {"vue-tsc", ""},
      {"jest", ""},
      {"vitest", ""},
      {"mocha", ""},
      {"ava", ""},
      {"tap", ""},
      {"tape", ""},
      {"c8", ""},
      {"nyc", ""},
      {"playwright", "test"},
      {"cypress", "run"},
      {"karma", "start run"},
      {"eslint", ""},
      {"prettier", ""},
      {"biome", "check lint ci"},
      {"oxlint", ""},
      {"stylelint", ""},
      {"webpack", ""},
      {"vite", "build"},
      {"esbuild", ""},
      {"rollup", ""},
      {"next", "build lint"},
      {"turbo", "run build test lint"},
      {"nx", "run test build lint run-many affected"},
      {"lerna", "run"},
      {"swift", "build test"},
      {"xcodebuild", ""},
      {"zig", "build test"},
      {"gcc", ""},
      {"g++", ""},
      {"cc", ""},
      {"c++", ""},
      {"clang", ""},
      {"clang++", ""},
      {"clang-tidy", ""},
      {"cppcheck", ""},
      {"mix", "test compile credo dialyzer"},
      {"rspec", ""},
      {"rake", ""},
      {"rubocop", ""},
      {"minitest", ""},
      {"rails", "test"},
      {"phpunit", ""},
      {"pest", ""},
      {"phpstan", ""},
      {"psalm", ""},
      {"composer", "test validate"},
      {"prove", ""},
      {"bats", ""},
      {"shellcheck", ""},
      {"busted", ""},
      {"luacheck", ""},
      {"stack", "build test"},
      {"cabal", "build test"},
      {"ghc", ""},
      {"dune", "build test runtest"},
      {"nim", "c check"},
      {"dart", "test analyze compile"},
      {"flutter", "test build analyze"},
      {"hadolint", ""},
      {"yamllint", ""},
      {"actionlint", ""},
      {"just", ""},
      {"task", ""},
      {"deno", "test check lint bench compile"},
      {"behave", ""},
      {"sphinx-build", ""},
      {"mkdocs", "build"},
      {"terraform", "validate"},
      {"buf", "lint build"},
      {"protoc", ""},
      {"rebar3", "ct eunit compile dialyzer"}};
  return table;
}

bool any_word(const Words& words, std::initializer_list<std::string_view> wanted) {
  return std::any_of(words.begin() + 1, words.end(),
                     [&](const auto& word) { return one_of(word.text, wanted); });
}

/// Flags with which a tool does nothing, or hides its failures.
bool is_idle(const std::string& name, const Words& words) {
  if (any_word(words, {"--version", "--help", "--dry-run", "--dryrun", "--collect-only", "--co",
                       "--if-present", "--passWithNoTests", "--pass-with-no-tests", "--list",
                       "--listTests", "--exit-zero", "--showConfig"}))
    return true;
  if (one_of(name, {"make", "gmake", "bmake"})) {
    static const auto idle =
        names("-n -i -q -t -p --just-print --recon --ignore-errors --question --touch");
    for (std::size_t at = 1; at < words.size(); ++at) {
      const auto& text = words[at].text;
      const bool cluster = text.size() > 1 && text[0] == '-' && text[1] != '-' && text[1] != 'C' &&
                           text[1] != 'f' && text[1] != 'j' && text[1] != 'l' &&
                           text.find_first_of("niqt") != std::string::npos;
      if (one_of(text, idle) || cluster) return true;
    }
    return any_word(words, {"clean", "distclean", "mrproper"}) && words.size() == 2;
  }
  if (name == "ninja") return any_word(words, {"-n", "-t", "clean"});
  if (name == "ctest") return any_word(words, {"-N", "--show-only", "--print-labels"});
  if (name == "go") return any_word(words, {"-list", "-n"});
  if (name == "cargo") return any_word(words, {"-n"});
  if (name == "tsc") return any_word(words, {"--init", "-v", "-h"});
  if (name == "pytest" || name == "py.test")
    return any_word(words, {"-h", "--fixtures", "--markers", "--setup-plan"});
  return false;
}

const std::vector<std::string_view>& script_words() {
  static const auto table = names(
      "test tests build lint check checks verify typecheck type-check types tsc compile ci spec "
      "e2e unit integration "
      "format validate coverage cover");
  return table;
}

/// "test", "test:unit", "build-all", "run_tests.sh", "check.py": a name that says that it verifies.
bool says_verify(std::string_view name) {
  std::string word;
  for (const char c : to_lower(name) + ".") {
    const bool letter = c >= 'a' && c <= 'z';
    if (letter) {
      word += c;
      continue;
    }
    if (one_of(word, script_words())) return true;
    word.clear();
  }
  return false;
}

bool node_package(const Words& words) {
  const auto operands =
      read_options(words, "--prefix -C --dir --cwd --filter -w --workspace", false).operands;
  if (operands.empty()) return false;
  const auto& first = operands[0].text;
  if (one_of(first, {"test", "t", "tst"})) return true;
  if (one_of(first, {"run", "run-script", "rum"}))
    return operands.size() > 1 && says_verify(operands[1].text);
  // yarn, pnpm and bun run scripts by their bare names.
  return command_name(words[0]) != "npm" && says_verify(first);
}

bool python(const Words& words) {
  const auto options = read_options(words, "-c -m -W -X", true);
  if (options.has({"-c"})) return false;
  if (const auto module = options.value({"-m"})) {
    static const auto modules = names(
        "pytest unittest nose2 doctest mypy pyright flake8 pylint ruff black tox nox compileall "
        "py_compile "
        "build behave coverage tabnanny");
    return one_of(module->text, modules);
  }
  return !options.operands.empty() && says_verify(base_name(options.operands[0].text));
}

bool node(const Words& words) {
  const auto options = read_options(
      words, "-r --require --import --loader -C --conditions --test-reporter --test-name-pattern",
      true);
  if (options.has({"-e", "--eval", "-p", "--print", "-h", "-v"})) return false;
  if (options.has({"--test", "--check", "-c"})) return true;
  return !options.operands.empty() && says_verify(options.operands[0].text);
}

class Verifier {
 public:
  Verifier(const ShellTextParser& parse, int depth) : parse_(parse), depth_(depth) {}

  [[nodiscard]] bool program(const ShellProgram& program) const {
    if (program.has_error || depth_ > max_depth || !program.functions.empty()) return false;
    bool found = false;
    for (std::size_t at = 0; at < program.commands.size(); ++at) {
      const auto& command = program.commands[at];
      if (command.substitution) continue;
      // Loops and branches have an exit status of their own; so have pipes and lists with "||".
      if (!command.top_level || command.negated || command.background) return false;
      if (one_of(command.joined_by, {"||", "|", "|&", "&"})) return false;
      if (found && command.joined_by != "&&") return false;
      if (!found && leaves(command.words)) return false;
      found = found || words(command.words);
    }
    return found;
  }

 private:
  static bool leaves(const Words& words) {
    return !words.empty() && one_of(words[0].text, {"exit", "return", "trap"});
  }

  [[nodiscard]] bool words(const Words& words) const {
    if (words.empty() || words[0].dynamic || words[0].glob) return false;
    const auto name = command_name(words[0]);
    if (is_idle(name, words)) return false;
    if (name == "env" && words.size() > 1 && words[1].text == "-S") return false;
    if (name == "cmake") return any_word(words, {"--build", "--workflow"});
    if (one_of(name, {"npm", "pnpm", "yarn", "bun"}) && node_package(words)) return true;
    if (name.starts_with("python") || name == "pypy3") return python(words);
    if (one_of(name, {"node", "nodejs", "tsx", "ts-node"})) return node(words);
    if (one_of(name, {"sh", "bash", "dash"})) return shell(words);
    if (name == "xargs" || name == "command") return false;
    if (const auto tool = tools().find(name); tool != tools().end()) {
      if (tool->second.empty()) return true;
      const auto operands = read_options(words, "-C --manifest-path -p --project").operands;
      return std::any_of(operands.begin(), operands.end(), [&](const auto& operand) {
        return one_of(operand.text, names(tool->second));
      });
    }
    if (const auto rest = unwrap(words)) return this->words(*rest);
    // Running what was built, or a script of the project.
    const auto& path = words[0].text;
    return path.find('/') != std::string::npos && path[0] != '/' && path[0] != '~';
  }

  [[nodiscard]] bool shell(const Words& words) const {
    const auto call = read_shell_call(words);
    if (call.text) return text_verifies(*call.text);
    return call.script && !call.idle && !call.startup && says_verify(call.script->text);
  }

  [[nodiscard]] bool text_verifies(const ShellWord& text) const {
    if (text.dynamic || !parse_) return false;
    const auto parsed = parse_(text.text);
    return parsed && Verifier(parse_, depth_ + 1).program(*parsed);
  }

  const ShellTextParser& parse_;
  int depth_;
};

}  // namespace

bool is_verification_command(const ShellProgram& program, const ShellTextParser& parse) {
  return Verifier(parse, 0).program(program);
}

}  // namespace muster
