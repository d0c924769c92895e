// Sessions in one process, round after round: when all of a round have ended, the process holds
// what it held after the rounds before.
//
//   muster_heap [--sessions N] [--cut-short N] [--rounds R] [--warm-up W]

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "adapters/io/descriptor_limit.hpp"
#include "benchmarks/macro/server.hpp"
#include "tests/e2e/script.hpp"
#include "tests/heap/engine.hpp"
#include "tests/heap/meter.hpp"

namespace muster::heap {
namespace {

using nlohmann::json;
using test::call;
using test::rule;

/// Less than the smallest thing that a session could leave behind.
constexpr double bytes_per_session = 8;
constexpr int descriptors = 2;  ///< more than after the warm-up: a connection that comes back late
constexpr int threads = 0;

struct Options {
  std::size_t sessions = 1000;
  std::optional<std::size_t> cut_short;  ///< a tenth
  int rounds = 8;
  int warm_up = 4;
};

/// Each session reads, one in ten runs a command, all ask for the plan, and submit.
json scenario() {
  const json text{{"text",
                   "First I look at what is there, then I write the part anew, and at last the "
                   "check is run. Nothing else is touched."}};
  return test::scenario(
      {rule({{"turn", 1}}, {call("read", {{"path", "README.md"}})}, text),
       rule({{"turn", 2}, {"task_matches", "M1\\.T[0-9]*0"}},
            {call("shell", {{"command", "echo done"}})}, text),
       rule({{"turn", {{"min", 1}, {"max", 3}}}}, {call("todo_read", json::object())}, text),
       rule(json::object(), {test::submit({})}, text)});
}

class Check {
 public:
  explicit Check(Options options) : options_(options) {}

  int run() {
    bench::TempFolder folder;
    test::write_file(folder.path() + "/scenario.json", scenario().dump());
    auto server = bench::ModelServer::start(MUSTER_BINARY, folder.path() + "/scenario.json");
    if (!server) return fail(server.error());
    auto engine = SessionEngine::start(server->url);
    if (!engine) return fail(engine.error());
    std::printf("%6s %9s %14s %12s %8s\n", "round", "sessions", "heap bytes", "descriptors",
                "threads");
    for (int i = 1; i <= options_.warm_up + options_.rounds; ++i) {
      auto status = (*engine)->round_cut_short(options_.cut_short.value_or(options_.sessions / 10));
      if (status) status = (*engine)->round(options_.sessions);
      if (!status) return fail(status.error());
      note(i);
    }
    return verdict();
  }

 private:
  static int fail(const Error& error) {
    std::printf("muster_heap: %s\n", error.text().c_str());
    return 1;
  }

  void note(int round) {
    auto now = measure();
    const bool warm = round > options_.warm_up;
    std::printf("%6d %9zu %14lld %12d %8d%s\n", round, options_.sessions,
                static_cast<long long>(now.heap_bytes), now.descriptors, now.threads,
                warm ? "" : "  warm-up");
    std::fflush(stdout);
    if (warm)
      heap_.push_back(static_cast<double>(now.heap_bytes));
    else
      base_ = now;
    last_ = now;
  }

  int verdict() const {
    const auto growth = slope(heap_) / static_cast<double>(options_.sessions);
    const bool heap = growth <= bytes_per_session;
    const bool fds = last_.descriptors <= base_.descriptors + descriptors;
    const bool tasks = last_.threads <= base_.threads + threads;
    std::printf("heap: %+.2f bytes for each session (at most %.0f): %s\n", growth,
                bytes_per_session, heap ? "no growth" : "GROWS");
    std::printf("descriptors: %d after the warm-up, %d at the end: %s\n", base_.descriptors,
                last_.descriptors, fds ? "no growth" : "GROW");
    std::printf("threads: %d after the warm-up, %d at the end: %s\n", base_.threads, last_.threads,
                tasks ? "no growth" : "GROW");
    return heap && fds && tasks ? 0 : 1;
  }

  Options options_;
  std::vector<double> heap_;  ///< after the warm-up
  Holding base_;
  Holding last_;
};

}  // namespace
}  // namespace muster::heap

int main(int argc, char** argv) {
  muster::heap::run_without_caches(argv);
  muster::heap::Options options;
  CLI::App app(
      "Runs sessions round after round, and says whether this process holds more each time");
  app.add_option("--sessions", options.sessions, "At once, and of a round")
      ->check(CLI::Range(1, 100000));
  app.add_option("--cut-short", options.cut_short, "So many more, stopped while they work");
  app.add_option("--rounds", options.rounds, "That count")->check(CLI::Range(2, 10000));
  app.add_option("--warm-up", options.warm_up, "Rounds before these")->check(CLI::Range(1, 10000));
  CLI11_PARSE(app, argc, argv);
  muster::raise_descriptor_limit();  // a connection for each session
  try {
    return muster::heap::Check(options).run();
  } catch (const std::exception& e) {
    std::printf("muster_heap: %s\n", e.what());
    return 1;
  }
}
