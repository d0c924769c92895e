#include "runtime/core/discovery.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;

constexpr std::size_t max_projects = 20;

/// One folder that has a build system, and what was found in it so far.
class Folder {
 public:
  Folder(const FileTree& tree, std::string path, Discovery& out)
      : tree_(tree), path_(std::move(path)), out_(out) {}

  [[nodiscard]] bool has(const std::string& name) const {
    return std::binary_search(tree_.files().begin(), tree_.files().end(), full(name));
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    return tree_.read(full(name)).value_or("");
  }
  [[nodiscard]] bool has_under(const std::string& folder) const {
    auto prefix = full(folder) + "/";
    auto at = std::lower_bound(tree_.files().begin(), tree_.files().end(), prefix);
    return at != tree_.files().end() && at->starts_with(prefix);
  }
  [[nodiscard]] bool any(bool (*wanted)(std::string_view name)) const {
    auto prefix = path_.empty() ? "" : path_ + "/";
    return std::any_of(tree_.files().begin(), tree_.files().end(), [&](const std::string& file) {
      return file.starts_with(prefix) && wanted(std::string_view(file).substr(file.rfind('/') + 1));
    });
  }

  void stack(const std::string& name) {
    if (std::find(out_.stack.begin(), out_.stack.end(), name) == out_.stack.end())
      out_.stack.push_back(name);
  }
  /// The first build system of a folder that offers a kind has it.
  void command(const std::string& kind, const std::string& command, const std::string& found_in) {
    if (!kinds_.insert(kind).second) return;
    auto check = path_.empty() ? kind : kind + ":" + path_;
    out_.commands.push_back({kind, check, command, path_, full(found_in)});
  }

 private:
  [[nodiscard]] std::string full(const std::string& name) const {
    return path_.empty() ? name : path_ + "/" + name;
  }

  const FileTree& tree_;
  std::string path_;
  Discovery& out_;
  std::set<std::string> kinds_;
};

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// A rule "name:" of a makefile or justfile (not "name:=").
bool has_rule(const std::string& text, std::string_view name) {
  for (auto line : split_lines(text)) {
    if (!line.starts_with(name)) continue;
    auto rest = line.substr(name.size());
    auto colon = rest.find(':');
    bool only_words = colon != std::string_view::npos &&
                      rest.substr(0, colon).find_first_of("=#\t") == std::string_view::npos;
    bool separate = !rest.empty() && (rest[0] == ':' || rest[0] == ' ');
    if (only_words && separate && (colon + 1 >= rest.size() || rest[colon + 1] != '=')) return true;
  }
  return false;
}

std::string first_rule(const std::string& text, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (has_rule(text, name)) return name;
  return {};
}

void find_just(Folder& folder) {
  for (const char* file : {"justfile", "Justfile", ".justfile"}) {
    if (!folder.has(file)) continue;
    auto text = folder.text(file);
    if (auto rule = first_rule(text, {"build"}); !rule.empty())
      folder.command("build", "just " + rule, file);
    if (auto rule = first_rule(text, {"test", "tests", "check"}); !rule.empty())
      folder.command("test", "just " + rule, file);
    if (auto rule = first_rule(text, {"lint"}); !rule.empty())
      folder.command("lint", "just " + rule, file);
    if (auto rule = first_rule(text, {"run"}); !rule.empty())
      folder.command("run", "just " + rule, file);
  }
}

void find_make(Folder& folder) {
  for (const char* file : {"GNUmakefile", "makefile", "Makefile"}) {
    if (!folder.has(file)) continue;
    folder.stack("Make");
    auto text = folder.text(file);
    if (auto rule = first_rule(text, {"all", "build"}); !rule.empty())
      folder.command("build", "make " + rule, file);
    if (auto rule = first_rule(text, {"test", "tests", "check"}); !rule.empty())
      folder.command("test", "make " + rule, file);
    if (auto rule = first_rule(text, {"lint"}); !rule.empty())
      folder.command("lint", "make " + rule, file);
    if (auto rule = first_rule(text, {"run"}); !rule.empty())
      folder.command("run", "make " + rule, file);
    return;
  }
}

/// The first configure preset that is not hidden and that has a build preset of the same name.
std::string cmake_preset(const Folder& folder) {
  auto presets = json::parse(folder.text("CMakePresets.json"), nullptr, false);
  if (!presets.is_object()) return {};
  for (const auto& preset : presets.value("configurePresets", json::array()))
    if (preset.is_object() && !preset.value("hidden", false) && preset.contains("name") &&
        preset["name"].is_string())
      for (const auto& build : presets.value("buildPresets", json::array()))
        if (build.is_object() && build.value("configurePreset", "") == preset["name"])
          return preset["name"].get<std::string>();
  return {};
}

void find_cmake(Folder& folder) {
  if (!folder.has("CMakeLists.txt")) return;
  auto text = folder.text("CMakeLists.txt");
  folder.stack("C/C++ (CMake)");
  auto preset = cmake_preset(folder);
  bool named =
      !preset.empty() &&
      preset.find_first_not_of(
          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == std::string::npos;
  auto build = named ? "cmake --preset " + preset + " && cmake --build --preset " + preset
                     : std::string("cmake -S . -B build && cmake --build build -j");
  folder.command("build", build, named ? "CMakePresets.json" : "CMakeLists.txt");
  if (contains(text, "enable_testing") || contains(text, "include(CTest)") ||
      contains(text, "add_test") || contains(text, "catch_discover_tests") ||
      contains(text, "gtest_discover_tests"))
    folder.command("test",
                   named ? build + " && ctest --preset " + preset + " --output-on-failure"
                         : build + " && ctest --test-dir build --output-on-failure",
                   "CMakeLists.txt");
}

/// The package manager whose lock file is there.
std::string node_runner(const Folder& folder, const json& package) {
  auto declared = package.value("packageManager", json()).is_string()
                      ? package["packageManager"].get<std::string>()
                      : std::string();
  for (const char* name : {"pnpm", "yarn", "bun"})
    if (declared.starts_with(name)) return name;
  if (folder.has("pnpm-lock.yaml")) return "pnpm";
  if (folder.has("yarn.lock")) return "yarn";
  if (folder.has("bun.lockb") || folder.has("bun.lock")) return "bun";
  return "npm";
}

void find_node(Folder& folder) {
  if (!folder.has("package.json")) return;
  auto package = json::parse(folder.text("package.json"), nullptr, false);
  if (!package.is_object()) return;
  auto runner = node_runner(folder, package);
  folder.stack(std::string(folder.has("tsconfig.json") ? "TypeScript" : "JavaScript") + " (" +
               runner + ")");
  auto scripts = package.value("scripts", json::object());
  auto script = [&](const char* name) {
    auto found = scripts.is_object() ? scripts.find(name) : scripts.end();
    return found != scripts.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  auto run = [&](const char* name) { return runner + (runner == "yarn" ? " " : " run ") + name; };
  if (!script("build").empty()) folder.command("build", run("build"), "package.json");
  for (const char* name : {"lint", "typecheck"})
    if (!script(name).empty()) folder.command("lint", run(name), "package.json");
  auto test = script("test");
  if (!test.empty() && !contains(test, "no test specified"))
    folder.command("test", runner == "bun" ? "bun run test" : runner + " test", "package.json");
  if (!script("start").empty()) folder.command("run", runner + " start", "package.json");
}

bool is_python_test(std::string_view name) {
  return name.ends_with(".py") && (name.starts_with("test_") || name.ends_with("_test.py"));
}

void find_python(Folder& folder) {
  auto project = folder.text("pyproject.toml");
  bool any = folder.has("pyproject.toml") || folder.has("setup.py") || folder.has("setup.cfg") ||
             folder.has("requirements.txt") || folder.has("tox.ini") || folder.has("pytest.ini");
  if (!any) return;
  bool uv = folder.has("uv.lock");
  folder.stack(uv ? "Python (uv)" : "Python");
  std::string where = folder.has("pyproject.toml") ? "pyproject.toml"
                      : folder.has("setup.py")     ? "setup.py"
                                                   : "requirements.txt";
  bool pytest = folder.has("pytest.ini") || folder.has("conftest.py") ||
                contains(project, "pytest") ||
                contains(folder.text("requirements.txt"), "pytest") ||
                contains(folder.text("setup.cfg"), "pytest") || folder.any(is_python_test);
  if (uv && pytest)
    folder.command("test", "uv run pytest -q", "uv.lock");
  else if (folder.has("tox.ini") && !pytest)
    folder.command("test", "tox -q", "tox.ini");
  else if (pytest)
    folder.command("test", "python3 -m pytest -q", folder.has("pytest.ini") ? "pytest.ini" : where);
  if (contains(project, "[tool.ruff"))
    folder.command("lint", uv ? "uv run ruff check ." : "ruff check .", "pyproject.toml");
}

void find_cargo(Folder& folder) {
  if (!folder.has("Cargo.toml")) return;
  folder.stack("Rust (cargo)");
  folder.command("build", "cargo build", "Cargo.toml");
  folder.command("test", "cargo test", "Cargo.toml");
}

void find_go(Folder& folder) {
  if (!folder.has("go.mod")) return;
  folder.stack("Go");
  folder.command("build", "go build ./...", "go.mod");
  folder.command("lint", "go vet ./...", "go.mod");
  folder.command("test", "go test ./...", "go.mod");
}

void find_jvm(Folder& folder) {
  if (folder.has("pom.xml")) {
    folder.stack("Java (Maven)");
    std::string tool = folder.has("mvnw") ? "./mvnw" : "mvn";
    folder.command("build", tool + " -q -B compile", "pom.xml");
    folder.command("test", tool + " -q -B test", "pom.xml");
  }
  for (const char* file : {"build.gradle", "build.gradle.kts"}) {
    if (!folder.has(file)) continue;
    folder.stack("JVM (Gradle)");
    std::string tool = folder.has("gradlew") ? "./gradlew" : "gradle";
    folder.command("build", tool + " assemble", file);
    folder.command("test", tool + " test", file);
  }
}

bool is_marker(std::string_view name) {
  static const std::set<std::string_view> markers{
      "CMakeLists.txt",   "Makefile",   "makefile",  "GNUmakefile",      "package.json",
      "pyproject.toml",   "setup.py",   "setup.cfg", "requirements.txt", "tox.ini",
      "pytest.ini",       "Cargo.toml", "go.mod",    "pom.xml",          "build.gradle",
      "build.gradle.kts", "justfile",   "Justfile",  ".justfile"};
  return markers.contains(name);
}

/// A part of a project that is already covered from above: workspaces are built and tested from
/// their root.
bool is_inside(const std::string& folder, const std::string& project) {
  return project.empty() ? !folder.empty() : folder.starts_with(project + "/");
}

std::vector<std::string> project_folders(const FileTree& tree) {
  std::set<std::string> all;
  for (const auto& file : tree.files()) {
    auto slash = file.rfind('/');
    auto name = std::string_view(file).substr(slash + 1);
    if (is_marker(name)) all.insert(slash == std::string::npos ? "" : file.substr(0, slash));
  }
  std::vector<std::string> sorted(all.begin(), all.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const std::string& a, const std::string& b) {
    auto depth = [](const std::string& path) {
      return path.empty() ? 0 : 1 + std::count(path.begin(), path.end(), '/');
    };
    return depth(a) < depth(b);
  });
  return sorted;
}

void search(const FileTree& tree, const std::string& path, Discovery& out) {
  Folder folder(tree, path, out);
  find_just(folder);
  find_cargo(folder);
  find_go(folder);
  find_node(folder);
  find_python(folder);
  find_jvm(folder);
  find_cmake(folder);
  find_make(folder);
}

}  // namespace

Discovery discover(const FileTree& tree) {
  Discovery out;
  std::vector<std::string> with_tests;
  std::size_t searched = 0;
  for (const auto& folder : project_folders(tree)) {
    bool covered =
        std::any_of(with_tests.begin(), with_tests.end(),
                    [&](const std::string& project) { return is_inside(folder, project); });
    if (covered || searched++ >= max_projects) continue;
    auto before = out.commands.size();
    search(tree, folder, out);
    bool tests =
        std::any_of(out.commands.begin() + static_cast<std::ptrdiff_t>(before), out.commands.end(),
                    [](const ProjectCommand& command) { return command.kind == "test"; });
    if (tests) with_tests.push_back(folder);
  }
  return out;
}

std::string render_context(const Discovery& found) {
  std::string out =
      "# Context\n\nFound by muster; written again when it looks again.\n\n## Stack\n\n";
  if (found.stack.empty()) out += "Nothing that muster knows.\n";
  for (const auto& name : found.stack) out += "- " + name + "\n";
  out += "\n## Commands\n\n";
  if (found.commands.empty())
    out += "None found. Set them with the key `commands` of the configuration.\n";
  for (const auto& command : found.commands)
    out += "- " + command.check + ": `" + command.command + "`" +
           (command.cwd.empty() ? "" : " in " + command.cwd) + " (found in " + command.found_in +
           ")\n";
  return out;
}

}  // namespace muster
