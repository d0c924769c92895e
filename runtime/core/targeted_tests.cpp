#include "runtime/core/targeted_tests.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string with_arguments(const std::string& command, const std::vector<std::string>& arguments) {
  auto out = command;
  for (const auto& argument : arguments) out += " " + shell_quoted(argument);
  return out;
}

/// The files below the command's folder, as they are named from there, that end so.
std::vector<std::string> below(const std::string& cwd, const std::vector<std::string>& tests,
                               const std::vector<std::string_view>& suffixes) {
  std::vector<std::string> out;
  for (const auto& test : tests) {
    const bool inside = cwd.empty() || test.starts_with(cwd + "/");
    const bool fits = std::any_of(suffixes.begin(), suffixes.end(),
                                  [&](std::string_view suffix) { return test.ends_with(suffix); });
    // A file's name that looks like an option stays a file.
    if (inside && fits) out.push_back("./" + (cwd.empty() ? test : test.substr(cwd.size() + 1)));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::optional<std::string> of_go(const std::string& cwd, const std::vector<std::string>& tests) {
  std::set<std::string> folders;
  for (const auto& test : below(cwd, tests, {"_test.go"}))
    folders.insert(test.substr(0, test.rfind('/')));
  if (folders.empty()) return std::nullopt;
  return with_arguments("go test", {folders.begin(), folders.end()});
}

/// Files of tests/ are programs of their own; tests beside the code are not told apart.
std::optional<std::string> of_cargo(const std::string& cwd, const std::vector<std::string>& tests) {
  std::string out = "cargo test";
  bool any = false;
  for (const auto& test : below(cwd, tests, {".rs"})) {
    const auto name = test.starts_with("./tests/") ? test.substr(8) : std::string();
    if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
    out += " --test " + shell_quoted(name.substr(0, name.size() - 3));
    any = true;
  }
  return any ? std::optional(out) : std::nullopt;
}

bool is_script_test(const std::string& path) {
  const auto name = path.substr(path.rfind('/') + 1);
  return name.find(".test.") != std::string::npos || name.find(".spec.") != std::string::npos;
}

bool is_python_test(const std::string& path) {
  const auto name = path.substr(path.rfind('/') + 1);
  return name.starts_with("test_") || name.ends_with("_test.py");
}

/// The runner of a script that is one call and nothing else; `options` are its flags, which stay.
/// Anything that could be a file, a value or a second command: nobody knows what it runs besides.
std::optional<std::string> runner_of(std::string_view script) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> runners{
      {{"node --test", "node --test"},
       {"jest", "npx --no-install jest --passWithNoTests"},
       {"vitest run", "npx --no-install vitest run --passWithNoTests"},
       {"vitest", "npx --no-install vitest run --passWithNoTests"},
       {"mocha", "npx --no-install mocha"},
       {"ava", "npx --no-install ava"}}};
  const auto text = trim(script);
  if (text.find_first_of("&|;<>$`'\"*(\\\n") != std::string_view::npos) return std::nullopt;
  for (const auto& [start, call] : runners) {
    if (!text.starts_with(start)) continue;
    const auto options = text.substr(start.size());
    bool flags = options.empty() || options.front() == ' ';
    for (std::size_t at = 0; flags && at < options.size(); ++at)
      if (options[at] != ' ' && (at == 0 || options[at - 1] == ' ')) flags = options[at] == '-';
    if (flags) return std::string(call) + std::string(options);
  }
  return std::nullopt;
}

std::optional<std::string> of_script(std::string_view script, const std::string& cwd,
                                     const std::vector<std::string>& tests) {
  auto call = runner_of(script);
  if (!call) return std::nullopt;
  auto files = below(cwd, tests, {".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"});
  std::erase_if(files, [](const std::string& file) { return !is_script_test(file); });
  if (files.empty()) return std::nullopt;
  if (call->find(" jest ") != std::string::npos) *call += " --runTestsByPath";
  return with_arguments(*call, files);
}

}  // namespace

std::optional<std::string> targeted_test_command(const ProjectCommand& project,
                                                 std::string_view script,
                                                 const std::vector<std::string>& tests) {
  if (project.kind != "test") return std::nullopt;
  const auto& command = project.command;
  if (command.ends_with("pytest -q")) {
    auto files = below(project.cwd, tests, {".py"});
    std::erase_if(files, [](const std::string& file) { return !is_python_test(file); });
    if (files.empty()) return std::nullopt;
    return with_arguments(command, files);
  }
  if (command == "go test ./...") return of_go(project.cwd, tests);
  if (command == "cargo test") return of_cargo(project.cwd, tests);
  if (project.found_in.ends_with("package.json")) return of_script(script, project.cwd, tests);
  return std::nullopt;
}

std::string test_script_of(std::string_view package_json) {
  const auto parsed = nlohmann::json::parse(package_json, nullptr, false);
  const auto pointer = nlohmann::json::json_pointer("/scripts/test");
  if (!parsed.is_object() || !parsed.contains(pointer) || !parsed[pointer].is_string()) return {};
  return parsed[pointer].get<std::string>();
}

}  // namespace muster
