// The crash matrix (D1, D2): one tiny mission on the real program, killed at every event boundary
// and at random points inside of what it does, must come to the end that it has undisturbed.
//
//   muster_crash_matrix [--cuts N] [--seed S] [--jobs J]   N cuts; J at a time
//   muster_crash_matrix --replay CUT [--keep]              one cut, as a failure prints it

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <thread>

#include "tests/crash/stage.hpp"

namespace muster::crash {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t shown_output = 6000;
constexpr int failures_with_output = 5;

struct Options {
  std::uint64_t cuts = 300;
  std::uint64_t first = 0;
  std::uint64_t seed = 1;
  unsigned jobs = 2;
  std::string replay;
  bool keep = false;
};

std::string end_of(const std::string& text) {
  return text.size() <= shown_output ? text : text.substr(text.size() - shown_output);
}

class Matrix {
 public:
  explicit Matrix(Options options) : options_(std::move(options)) {}

  int run() {
    Stage stage;
    whole_ = stage.play(Cut{}, &profile_);
    if (!whole_is_sane()) return 1;
    std::printf("undisturbed: %s in %lld ms, %zu records, %llu model calls, %zu commands\n",
                whole_.outcome.c_str(), static_cast<long long>(whole_.duration.count()),
                whole_.journal.size(), static_cast<unsigned long long>(whole_.model_calls),
                whole_.effects.size());
    for (const auto& [point, visits] : profile_.visits)
      std::printf("  %-32s %llu\n", point.c_str(), static_cast<unsigned long long>(visits));
    std::fflush(stdout);
    if (!options_.replay.empty()) return replay(stage);
    return all_cuts(stage);
  }

 private:
  bool whole_is_sane() {
    auto wrong = differences(whole_, whole_);
    if (whole_.outcome != "sealed") wrong.push_back("the outcome is '" + whole_.outcome + "'");
    if (!whole_.status.empty()) wrong.push_back("the tree is not clean: " + whole_.status);
    if (whole_.effects.size() != 2) wrong.emplace_back("a command did not run");
    if (profile_.visits.empty()) wrong.emplace_back("the program has no fault points");
    for (const auto& what : wrong) std::printf("the undisturbed run: %s\n", what.c_str());
    if (!wrong.empty()) std::printf("%s\n", end_of(whole_.said).c_str());
    return wrong.empty();
  }

  int replay(Stage& stage) {
    auto cut = Cut::parse(options_.replay);
    if (!cut || (cut->who == Who::keeper && cut->deaths.empty())) {
      std::printf("not a cut: %s\n", options_.replay.c_str());
      return 2;
    }
    if (options_.keep) stage.keep();
    play(stage, 0, *cut);
    if (options_.keep) std::printf("kept: %s\n", stage.folder().c_str());
    return failures_ == 0 ? 0 : 1;
  }

  int all_cuts(Stage& first) {
    auto started = Clock::now();
    std::vector<std::thread> threads;
    for (unsigned i = 1; i < options_.jobs; ++i)
      threads.emplace_back([this] {
        Stage stage;
        work(stage);
      });
    work(first);
    for (auto& thread : threads) thread.join();
    auto took = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - started);
    std::printf("%llu cuts, %d deaths, %d failures; seed %llu, %lld s\n",
                static_cast<unsigned long long>(options_.cuts), deaths_.load(), failures_.load(),
                static_cast<unsigned long long>(options_.seed),
                static_cast<long long>(took.count()));
    return failures_ == 0 ? 0 : 1;
  }

  void work(Stage& stage) {
    for (auto i = next_++; i < options_.cuts; i = next_++)
      play(stage, options_.first + i, make_cut(options_.seed, options_.first + i, profile_));
  }

  void play(Stage& stage, std::uint64_t index, const Cut& cut) {
    auto ending = stage.play(cut);
    deaths_ += ending.deaths;
    auto wrong = differences(whole_, ending);
    std::lock_guard lock(mutex_);
    if (wrong.empty()) return;
    std::printf("FAILED cut %llu of seed %llu: --replay %s (%d deaths)\n",
                static_cast<unsigned long long>(index),
                static_cast<unsigned long long>(options_.seed), cut.text().c_str(), ending.deaths);
    for (const auto& what : wrong) std::printf("  %s\n", what.c_str());
    if (++failures_ <= failures_with_output) std::printf("%s\n", end_of(ending.said).c_str());
    std::fflush(stdout);
  }

  Options options_;
  Ending whole_;
  Profile profile_;
  std::atomic<std::uint64_t> next_{0};
  std::atomic<int> deaths_{0};
  std::atomic<int> failures_{0};
  std::mutex mutex_;  ///< of standard output
};

}  // namespace
}  // namespace muster::crash

int main(int argc, char** argv) {
  muster::crash::Options options;
  CLI::App app("Kills the engine at many points of a mission and compares how it ends");
  app.add_option("--cuts", options.cuts, "How many");
  app.add_option("--first", options.first, "Number of the first one");
  app.add_option("--seed", options.seed, "Of what is random");
  app.add_option("--jobs", options.jobs, "How many at a time")->check(CLI::Range(1, 64));
  app.add_option("--replay", options.replay, "Only this cut, as a failure prints it");
  app.add_flag("--keep", options.keep, "With --replay: keep its folder");
  CLI11_PARSE(app, argc, argv);
  try {
    return muster::crash::Matrix(options).run();
  } catch (const std::exception& e) {
    std::printf("muster_crash_matrix: %s\n", e.what());
    return 1;
  }
}
