// The code index: a tree from nothing, after one change, and its map.

#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "adapters/index/code_index.hpp"
#include "benchmarks/support/temp_folder.hpp"

namespace muster::bench {
namespace {

constexpr int kFiles = 3000;

/// About 34 lines that define, use and import what other files have.
std::string source_of(int number, int salt = 0) {
  std::string out = "#include \"folder" + std::to_string(number % 37) + "/file" +
                    std::to_string(number / 2) + ".hpp\"\n\nnamespace project {\n\n";
  for (int i = 0; i < 4; ++i) {
    const auto name = "step_" + std::to_string(number) + "_" + std::to_string(i);
    out += "/// Does its part.\nint " + name + "(const Input& input, Output& output) {\n";
    out += "  if (input.size() > " + std::to_string(salt + i) + ") return output.count();\n";
    out += "  auto value = step_" + std::to_string(number / 2) + "_" + std::to_string(i) +
           "(input, output);\n";
    out += "  output.append(value, input.name());\n  return value + 1;\n}\n";
  }
  return out + "\n}  // namespace project\n";
}

void write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

std::string path_of(const TempFolder& folder, int number) {
  return folder.path() + "/tree/folder" + std::to_string(number % 37) + "/file" +
         std::to_string(number) + ".hpp";
}

/// kFiles files, a hundred thousand lines.
const TempFolder& tree() {
  static const TempFolder folder;
  static const bool written = [] {
    for (int i = 0; i < kFiles; ++i) write(path_of(folder, i), source_of(i));
    return true;
  }();
  (void)written;
  return folder;
}

std::shared_ptr<CodeIndex> open_index(const std::string& database) {
  index::CodeIndexOptions options;
  options.database = database;
  auto index = index::SqliteCodeIndex(options).open(tree().path() + "/tree");
  if (!index) throw std::runtime_error(index.error().text());
  return *index;
}

std::shared_ptr<CodeIndex> warm_index() {
  static const auto index = open_index(tree().path() + "/warm.db");
  if (!index->refresh()) throw std::runtime_error("the tree cannot be indexed");
  return index;
}

double processor_seconds() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

void index_full(benchmark::State& state) {
  static int round = 0;  // each time from nothing
  std::uint64_t lines = 0;
  double seconds = 0;
  for (auto _ : state) {
    const auto index = open_index(tree().path() + "/full" + std::to_string(round++) + ".db");
    const auto before = processor_seconds();
    const auto report = index->refresh();
    seconds += processor_seconds() - before;
    if (report) lines += report->lines;
  }
  state.counters["lines/s/core"] = static_cast<double>(lines) / seconds;
}

/// One of kFiles files changes; then a question.
void index_after_one_change(benchmark::State& state) {
  const auto index = warm_index();
  int round = 0;
  for (auto _ : state) {
    state.PauseTiming();
    write(path_of(tree(), 1234), source_of(1234, ++round));
    state.ResumeTiming();
    benchmark::DoNotOptimize(index->refresh());
  }
}

void index_unchanged(benchmark::State& state) {
  const auto index = warm_index();
  for (auto _ : state) benchmark::DoNotOptimize(index->refresh());
}

void index_map(benchmark::State& state) {
  const auto index = warm_index();
  for (auto _ : state)
    benchmark::DoNotOptimize(index->map({2000, "mend step_12_3 in file77.hpp", {}}));
}

void index_references(benchmark::State& state) {
  const auto index = warm_index();
  bool more = false;
  for (auto _ : state) benchmark::DoNotOptimize(index->references("step_12_3", 200, more));
}

BENCHMARK(index_full)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(index_after_one_change)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(index_unchanged)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(index_map)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(index_references)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace muster::bench
