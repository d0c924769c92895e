// muster_sim: the whole engine under virtual time, with everything that can go wrong.
// docs/simulator.md

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "messages/types.hpp"
#include "tests/sim/self_test.hpp"
#include "tests/sim/shrink.hpp"

namespace muster::sim {
namespace {

std::string counts(const std::map<std::string, int>& all) {
  std::string out;
  for (const auto& [name, count] : all)
    out += (out.empty() ? "" : ",") + name + ":" + std::to_string(count);
  return out.empty() ? "none" : out;
}

/// All runs of one call.
struct Totals {
  Tally tally;
  std::uint64_t messages = 0;
  Micros virtual_time = 0;
  std::map<std::string, int> ends;
  std::uint64_t hash = 0;
  std::uint64_t runs = 0;

  void add(const Outcome& outcome) {
    ++runs;
    tally.events += outcome.tally.events;
    tally.model_calls += outcome.tally.model_calls;
    tally.processes += outcome.tally.processes;
    tally.most_calls = std::max(tally.most_calls, outcome.tally.most_calls);
    for (const auto& [name, count] : outcome.tally.faults) tally.faults[name] += count;
    for (const auto& [name, count] : outcome.ends) ends[name] += count;
    messages += outcome.messages;
    virtual_time += outcome.virtual_time;
    hash = runs == 1 ? outcome.hash : Hash().add(hash).add(outcome.hash).value();
  }
};

void print_summary(const CommandLine& line, const Totals& totals, double wall) {
  const auto& options = line.options;
  std::printf(
      "seed %llu%s, missions %d, agents %d: %llu events, %llu messages, %llu model calls "
      "(%zu at once), %llu processes, virtual %.0f s, wall %.2f s, outcomes %s, faults %s, "
      "trace %016llx\n",
      static_cast<unsigned long long>(options.seed),
      totals.runs > 1 ? (".." + std::to_string(options.seed + totals.runs - 1)).c_str() : "",
      options.missions, options.agents, static_cast<unsigned long long>(totals.tally.events),
      static_cast<unsigned long long>(totals.messages),
      static_cast<unsigned long long>(totals.tally.model_calls), totals.tally.most_calls,
      static_cast<unsigned long long>(totals.tally.processes),
      static_cast<double>(totals.virtual_time) / 1e6, wall, counts(totals.ends).c_str(),
      counts(totals.tally.faults).c_str(), static_cast<unsigned long long>(totals.hash));
}

void print_failure(const Options& options, const Outcome& outcome) {
  std::printf("FAILED seed %llu: %s: %s\n", static_cast<unsigned long long>(options.seed),
              outcome.violation->invariant.c_str(), outcome.violation->detail.c_str());
  std::printf("  %s\n", command_of(options).c_str());
  std::fflush(stdout);
  auto shrunk = shrink(options, outcome);
  std::printf("the last of it, after %d tries to make it smaller:\n", shrunk.tries);
  for (const auto& line : shrunk.outcome.last_lines) std::printf("  %s\n", line.c_str());
  std::printf("%s: %s\n", shrunk.outcome.violation->invariant.c_str(),
              shrunk.outcome.violation->detail.c_str());
  std::printf("trace %016llx, replay with:\n  %s --trace\n",
              static_cast<unsigned long long>(shrunk.outcome.hash),
              command_of(shrunk.options).c_str());
}

/// T9: the same run again and again, stopped one event later each time.
int stop_everywhere(const CommandLine& line) {
  auto begun = std::chrono::steady_clock::now();
  std::uint64_t calls = 0;
  auto whole = simulate(line.options);
  if (whole.violation) {
    print_failure(line.options, whole);
    return 1;
  }
  auto step = line.bound == 0 ? 1 : std::max<std::uint64_t>(1, whole.tally.events / line.bound);
  for (std::uint64_t at = 1; at <= whole.tally.events; at += step) {
    auto options = line.options;
    options.stop_at = at;
    auto outcome = simulate(options);
    calls += outcome.tally.model_calls;
    if (!outcome.violation) continue;
    print_failure(options, outcome);
    return 1;
  }
  std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;
  std::printf(
      "seed %llu: stopped at %s%llu events of a mission of %llu sessions: nothing began "
      "after the stop, nothing was left; %llu model calls, wall %.2f s\n",
      static_cast<unsigned long long>(line.options.seed), step == 1 ? "each of " : "some of ",
      static_cast<unsigned long long>(whole.tally.events),
      static_cast<unsigned long long>(whole.tally.sessions), static_cast<unsigned long long>(calls),
      wall.count());
  return 0;
}

int run(const CommandLine& line) {
  auto begun = std::chrono::steady_clock::now();
  Totals totals;
  for (std::uint64_t i = 0; i < line.seeds; ++i) {
    auto options = line.options;
    options.seed += i;
    auto outcome = simulate(options, line.trace);
    if (outcome.violation) {
      print_failure(options, outcome);
      return 1;
    }
    totals.add(outcome);
  }
  std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begun;
  print_summary(line, totals, wall.count());
  return 0;
}

}  // namespace
}  // namespace muster::sim

int main(int argc, char** argv) {
  using namespace muster;
  auto line = sim::parse_command_line({argv + 1, argv + argc});
  if (!line) {
    std::fprintf(stderr, "muster_sim: %s\n%s", line.error().text().c_str(), sim::usage().c_str());
    return 2;
  }
  if (line->help) {
    std::fputs(sim::usage().c_str(), stdout);
    return 0;
  }
  init_message_types();
  if (line->self_test) return sim::self_test() ? 0 : 1;
  if (line->stop_everywhere) return sim::stop_everywhere(*line);
  return sim::run(*line);
}
