#include "runtime/core/discovery.hpp"

#include <catch2/catch_test_macros.hpp>
#include <map>

using namespace muster;

namespace {

class MemoryTree final : public FileTree {
 public:
  MemoryTree(std::map<std::string, std::string> files)
      : texts_(std::move(files)) {  // NOLINT: implicit for the tables below
    for (const auto& [path, text] : texts_) paths_.push_back(path);
  }
  const std::vector<std::string>& files() const override { return paths_; }
  std::optional<std::string> read(const std::string& path) const override {
    auto found = texts_.find(path);
    return found == texts_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  std::map<std::string, std::string> texts_;
  std::vector<std::string> paths_;
};

std::string command(const Discovery& found, const std::string& check) {
  for (const auto& one : found.commands)
    if (one.check == check) return one.command;
  return {};
}

}  // namespace

TEST_CASE("each build system is found by its own files") {
  struct Case {
    std::map<std::string, std::string> files;
    std::string build;
    std::string test;
  };
  const std::vector<Case> cases{
      {{{"CMakeLists.txt", "project(x)\nenable_testing()\n"}},
       "cmake -S . -B build && cmake --build build -j",
       "cmake -S . -B build && cmake --build build -j && ctest --test-dir build "
       "--output-on-failure"},
      {{{"Makefile", "all: x\n\ntest: x\n\t./x\n"}}, "make all", "make test"},
      {{{"Makefile", "CC := gcc\ncheck: x\n"}}, "", "make check"},
      {{{"Makefile", "test := no\nx: y\n"}}, "", ""},
      {{{"package.json", R"({"scripts":{"build":"tsc","test":"node --test"}})"}},
       "npm run build",
       "npm test"},
      {{{"package.json", R"({"scripts":{"test":"vitest"}})"}, {"pnpm-lock.yaml", ""}},
       "",
       "pnpm test"},
      {{{"package.json", R"({"scripts":{"test":"jest"}})"}, {"yarn.lock", ""}}, "", "yarn test"},
      {{{"package.json", R"({"scripts":{"test":"x"}})"}, {"bun.lockb", ""}}, "", "bun run test"},
      {{{"package.json", R"({"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}})"}},
       "",
       ""},
      {{{"package.json", "{broken"}}, "", ""},
      {{{"pyproject.toml", "[tool.pytest.ini_options]\n"}}, "", "python3 -m pytest -q"},
      {{{"pyproject.toml", "dependencies=['pytest']"}, {"uv.lock", ""}}, "", "uv run pytest -q"},
      {{{"tox.ini", "[tox]"}}, "", "tox -q"},
      {{{"requirements.txt", "flask"}, {"tests/test_a.py", ""}}, "", "python3 -m pytest -q"},
      {{{"Cargo.toml", ""}}, "cargo build", "cargo test"},
      {{{"go.mod", ""}}, "go build ./...", "go test ./..."},
      {{{"pom.xml", ""}}, "mvn -q -B compile", "mvn -q -B test"},
      {{{"build.gradle.kts", ""}, {"gradlew", ""}}, "./gradlew assemble", "./gradlew test"},
      {{{"justfile", "test: \n  x\nbuild mode:\n  y\n"}}, "just build", "just test"},
      {{{"README.md", "make test"}}, "", ""},
  };
  for (const auto& one : cases) {
    auto found = discover(MemoryTree(one.files));
    INFO(one.files.begin()->first << " " << one.files.begin()->second);
    CHECK(command(found, "build") == one.build);
    CHECK(command(found, "test") == one.test);
  }
}

TEST_CASE("a CMake preset with a build preset is used") {
  auto found = discover(MemoryTree(
      {{"CMakeLists.txt", "add_test(x)"},
       {"CMakePresets.json", R"({"configurePresets":[{"name":"base","hidden":true},{"name":"dev"}],
                                       "buildPresets":[{"name":"dev","configurePreset":"dev"}]})"}}));
  CHECK(command(found, "build") == "cmake --preset dev && cmake --build --preset dev");
}

TEST_CASE("a preset's name never reaches the shell as code") {
  auto found =
      discover(MemoryTree({{"CMakeLists.txt", ""},
                           {"CMakePresets.json", R"({"configurePresets":[{"name":"x; rm -rf ~"}],
                                       "buildPresets":[{"name":"y","configurePreset":"x; rm -rf ~"}]})"}}));
  CHECK(command(found, "build").find("rm") == std::string::npos);
}

TEST_CASE("several projects of one repository are found, each with its place") {
  auto found = discover(MemoryTree({{"api/go.mod", ""},
                                    {"web/package.json", R"({"scripts":{"test":"vitest"}})"},
                                    {"docs/x.md", ""}}));
  CHECK(command(found, "test:api") == "go test ./...");
  CHECK(command(found, "test:web") == "npm test");
  for (const auto& one : found.commands) CHECK(one.found_in.starts_with(one.cwd + "/"));
  CHECK(found.stack.size() == 2);
  auto text = render_context(found);
  CHECK(text.find("test:api: `go test ./...` in api (found in api/go.mod)") != std::string::npos);
}

TEST_CASE("what lies inside a tested project is covered by it") {
  auto found = discover(MemoryTree(
      {{"Cargo.toml", ""}, {"crates/a/Cargo.toml", ""}, {"crates/b/Makefile", "test:\n"}}));
  CHECK(found.commands.size() == 2);
}
