// Code by its structure: the syntax gate on an edit, and a text search through the agents' tool
// beside ripgrep alone.

#include <benchmark/benchmark.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "adapters/files/local_workspace_files.hpp"
#include "adapters/treesitter/tree_sitter_syntax.hpp"
#include "benchmarks/support/temp_folder.hpp"

extern char** environ;

namespace muster::bench {
namespace {

namespace fs = std::filesystem;

struct Source {
  const char* path;
  const char* head;  ///< of a function of ten lines
  const char* line;  ///< of its body; "@" becomes a number
  const char* tail;
};

constexpr Source sources[] = {
    {"a.ts", "export function f@(a: number, b: string[]): string {\n",
     "  const x@ = b.map((one) => `${one}:${a}`).filter((it) => it.length > @).join(\", \")\n",
     "  return b[0]\n}\n\n"},
    {"a.cpp", "std::string f@(int a, const std::vector<std::string>& b) {\n",
     "  auto x@ = std::max<std::size_t>(b.size(), static_cast<std::size_t>(a)) + @;\n",
     "  return b[0];\n}\n\n"},
    {"a.py", "def f@(a: int, b: list[str]) -> str:\n",
     "    x@ = \", \".join(f\"{one}:{a}\" for one in b if len(one) > @)\n", "    return b[0]\n\n"}};

std::string numbered(std::string text, int number) {
  for (auto at = text.find('@'); at != std::string::npos; at = text.find('@'))
    text.replace(at, 1, std::to_string(number));
  return text;
}

std::string file_of(const Source& source, int lines) {
  std::string out;
  for (int line = 0; line < lines; line += 10) {
    out += numbered(source.head, line);
    for (int i = 0; i < 7; ++i) out += numbered(source.line, line + i);
    out += source.tail;
  }
  return out;
}

/// One line of a file of 2,000 is edited, somewhere else each time; the version before is known, as
/// it is from the last write or read of the gate.
void gate_on_an_edit(benchmark::State& state) {
  const auto& source = sources[state.range(0)];
  TreeSitterSyntax syntax;
  auto text = file_of(source, 2000);
  std::size_t at = text.size() / 2;
  if (!syntax.check(source.path, text)) return state.SkipWithError("it does not parse");
  int number = 0;
  for (auto _ : state) {
    state.PauseTiming();
    at = text.find(" x", text.find("\n", at + 997));
    at = (at == std::string::npos ? text.find(" x") : at) + 2;
    auto after = text;
    after.insert(at, std::to_string(++number % 10));
    state.ResumeTiming();
    auto report = syntax.compare(source.path, text, after);
    if (!report || !report->problems.empty()) return state.SkipWithError("new errors");
    text = std::move(after);
  }
  state.SetLabel(fs::path(source.path).extension().string().substr(1));
}

/// 2,000 files of 200 lines in 40 folders.
const std::string& tree_of_files() {
  static const TempFolder folder;
  static const bool made = [] {
    for (int i = 0; i < 2000; ++i) {
      const auto& source = sources[i % 3];
      const auto below = folder.path() + "/d" + std::to_string(i % 40);
      fs::create_directories(below);
      std::ofstream out(below + "/f" + std::to_string(i) + "." +
                        fs::path(source.path).extension().string().substr(1));
      out << file_of(source, 200);
    }
    return true;
  }();
  (void)made;
  return folder.path();
}

constexpr const char* pattern = "x19[0-9]+.*max<";

void text_search_by_tool(benchmark::State& state) {
  files::LocalFilesOptions options;
  options.root = tree_of_files();
  auto files = files::LocalWorkspaceFiles::open(std::move(options));
  if (!files) return state.SkipWithError("the tree cannot be opened");
  for (auto _ : state) {
    auto found = (*files)->grep(pattern, ".", "");
    if (!found || found->text.empty()) return state.SkipWithError("nothing was found");
    benchmark::DoNotOptimize(found->text);
  }
}

void text_search_by_ripgrep(benchmark::State& state) {
  const auto& root = tree_of_files();
  for (auto _ : state) {
    int ends[2];
    if (::pipe(ends) != 0) return state.SkipWithError("no pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    const char* argv[] = {"rg",   "--line-number", "--hidden",   "--sort",
                          "path", pattern,         root.c_str(), nullptr};
    pid_t child = 0;
    const int failed =
        ::posix_spawnp(&child, "rg", &actions, nullptr, const_cast<char**>(argv), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    std::size_t bytes = 0;
    char buffer[65536];
    for (ssize_t got = 1; failed == 0 && got > 0; bytes += static_cast<std::size_t>(got))
      got = std::max<ssize_t>(::read(ends[0], buffer, sizeof buffer), 0);
    ::close(ends[0]);
    int status = 0;
    if (failed != 0 || ::waitpid(child, &status, 0) < 0 || bytes == 0)
      return state.SkipWithError("ripgrep found nothing");
  }
}

BENCHMARK(gate_on_an_edit)->DenseRange(0, 2)->Unit(benchmark::kMillisecond);
BENCHMARK(text_search_by_tool)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(text_search_by_ripgrep)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace muster::bench
