#include "tests/soak/kills.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/crash/place.hpp"
#include "tests/soak/work.hpp"

namespace muster::soak {
namespace {

using crash::Ending;
using crash::Machine;
using crash::Place;
using std::chrono::duration;
using std::chrono::milliseconds;
using test::Ended;
using test::Program;
using Clock = std::chrono::steady_clock;

constexpr const char* objective = "Write all parts";
constexpr int workers = 2;
constexpr int calls_of_a_task = 4;  ///< the worker's three, and the reviewer's
constexpr int other_calls = 4;      ///< triage, plan, master review, seal
constexpr milliseconds look_again{10};
constexpr std::size_t shown_output = 6000;

template <class... Args>
void say(fmt::format_string<Args...> text, Args&&... args) {
  fmt::print(text, std::forward<Args>(args)...);
  std::fflush(stdout);
}

/// Who dies. After the keeper's death a person resumes.
enum class Who { engine, both, keeper };

const char* name_of(Who who) {
  if (who == Who::engine) return "the engine";
  return who == Who::both ? "keeper and engine" : "the keeper";
}

struct Kill {
  double at_s = 0;
  Who who = Who::engine;
};

std::vector<Kill> make_kills(const KillOptions& options) {
  std::mt19937_64 random(options.seed);
  std::uniform_real_distribution<double> when(0.02, 0.9);
  std::uniform_int_distribution<int> dice(1, 10);
  std::vector<Kill> out;
  for (int i = 0; i < options.kills; ++i) {
    const auto who = dice(random);
    out.push_back({when(random) * options.minutes * 60, who <= 6   ? Who::engine
                                                        : who <= 9 ? Who::both
                                                                   : Who::keeper});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.at_s < b.at_s; });
  return out;
}

/// As many tasks as the time is good for: short ones mean many places to die at.
Work make_work(const KillOptions& options) {
  Work work;
  work.tasks = std::max(6, static_cast<int>(2 * options.minutes));
  auto in_a_row = other_calls + calls_of_a_task * work.tasks / workers;
  work.latency = milliseconds(static_cast<int>(options.minutes * 60000 / in_a_row));
  return work;
}

bool has_result(const Ended& ended) {
  return ended.out.find("\"type\":\"result\"") != std::string::npos;
}

/// The slow run.
class Run {
 public:
  Run(const Machine& machine, const std::string& folder, std::vector<Kill> kills, double minutes)
      : place_(machine, folder), kills_(std::move(kills)), give_up_s_(minutes * 180 + 300) {}

  Ending go() {
    try {
      place_.finish(launches(), ending_);
    } catch (const std::exception& e) {
      ending_.trouble = e.what();
    }
    ending_.duration = std::chrono::duration_cast<milliseconds>(Clock::now() - started_);
    place_.look_for_leftovers(ending_);
    return std::move(ending_);
  }
  [[nodiscard]] int resumed() const { return resumed_; }

 private:
  [[nodiscard]] double now_s() const { return duration<double>(Clock::now() - started_).count(); }

  Ended launches() {
    auto program = place_.start({"run", objective, "--json"});
    while (true) {
      auto ended = watch(*program);
      note_output(ended, ending_);
      ending_.deaths += crash::count_of(ended.err, crash::engine_died);
      if (has_result(ended)) return ended;
      if (ended.signal == 0 && crash::count_of(ended.err, "giving up") == 0)
        throw std::runtime_error("it ended with exit code " + std::to_string(ended.exit_code));
      if (ended.signal != 0) ++ending_.deaths;
      place_.wait_for_the_end();
      ending_.at_deaths.push_back(place_.read_journal());
      auto args = place_.go_on(objective);
      say("{:7.1f} s  {}: muster {}\n", now_s(),
          ended.signal == 0 ? "the keeper gave up" : "nobody is left", args.front());
      ++resumed_;
      program = place_.start(std::move(args));
    }
  }

  /// Until it has ended, by itself or by our hand.
  Ended watch(Program& program) {
    while (program.running()) {
      if (now_s() > give_up_s_) throw std::runtime_error("it does not come to an end");
      if (next_ < kills_.size() && now_s() >= kills_[next_].at_s) kill(program);
      std::this_thread::sleep_for(look_again);
    }
    return program.wait();
  }

  /// An engine that its keeper is just starting is waited for.
  void kill(Program& program) {
    const auto& planned = kills_[next_];
    auto engine = crash::engine_of(program.pid());
    if (engine == 0) return;
    if (planned.who != Who::engine) program.signal(SIGKILL);
    if (planned.who != Who::keeper) ::kill(engine, SIGKILL);
    ++next_;
    say("{:7.1f} s  kill -9 {} of {}: {}\n", now_s(), next_, kills_.size(), name_of(planned.who));
    while (planned.who == Who::engine && program.running() &&
           crash::engine_of(program.pid()) == engine)
      std::this_thread::sleep_for(look_again);
  }

 public:
  [[nodiscard]] bool all_killed() const { return next_ == kills_.size(); }

 private:
  Place place_;
  std::vector<Kill> kills_;
  double give_up_s_;
  Clock::time_point started_ = Clock::now();
  Ending ending_;
  std::size_t next_ = 0;
  int resumed_ = 0;
};

std::string fresh_folder(const Machine& machine, const std::string& name) {
  auto folder = machine.root() + "/" + name;
  std::filesystem::create_directories(folder);
  return folder;
}

void use_model(const Machine& machine, const test::ModelServer& server) {
  machine.use_model(server, {{"limits", {{"workers", workers}, {"max_tasks", nullptr}}},
                             {"timeouts", {{"model_idle_ms", nullptr}}}});
}

Ending undisturbed(const Machine& machine, Work work) {
  work.latency = milliseconds(0);
  test::ModelServer model(scenario(work), machine.root(), machine.environment());
  use_model(machine, model);
  Run run(machine, fresh_folder(machine, "undisturbed"), {}, 10);
  auto out = run.go();
  out.model_calls = model.stats()["calls"].get<std::uint64_t>();
  return out;
}

/// How many of the commands ran once, and how many not at all.
std::string counted(const Ending& whole, const Ending& ending) {
  std::size_t once = 0;
  std::size_t more = 0;
  for (const auto& [effect, count] : ending.effects) count == 1 ? ++once : ++more;
  return fmt::format(
      "{} commands: {} ran once, {} not at all (their outcome was unknown), {} more often",
      whole.effects.size(), once, whole.effects.size() - once - more, more);
}

}  // namespace

bool survive_kills(const KillOptions& options) {
  const auto work = make_work(options);
  Machine machine(project(work));
  if (options.keep) machine.keep();
  auto whole = undisturbed(machine, work);
  auto wrong = crash::differences(whole, whole);
  if (whole.outcome != "sealed") wrong.push_back("it is not sealed, but '" + whole.outcome + "'");
  for (const auto& what : wrong) say("the undisturbed run: {}\n", what);
  if (!wrong.empty()) {
    say("{}\n", whole.said.substr(whole.said.size() - std::min(whole.said.size(), shown_output)));
    return false;
  }
  say("undisturbed, without latencies: {} in {:.1f} s; {} tasks, {} records, {} model calls\n",
      whole.outcome, static_cast<double>(whole.duration.count()) / 1000, work.tasks,
      whole.journal.size(), whole.model_calls);

  test::ModelServer model(scenario(work), machine.root(), machine.environment());
  use_model(machine, model);
  say("now {} ms before each reply, {} deaths in about {} minutes, seed {}\n", work.latency.count(),
      options.kills, options.minutes, options.seed);
  Run run(machine, fresh_folder(machine, "killed"), make_kills(options), options.minutes);
  auto ending = run.go();
  ending.model_calls = model.stats()["calls"].get<std::uint64_t>();
  wrong = crash::differences(whole, ending);
  if (!run.all_killed()) wrong.emplace_back("it ended before all kills were done");
  say("{} in {:.1f} s, {} deaths of the engine, resumed by hand {} times; {} records, {} model "
      "calls\n",
      ending.outcome.empty() ? "no outcome" : ending.outcome,
      static_cast<double>(ending.duration.count()) / 1000, ending.deaths, run.resumed(),
      ending.journal.size(), ending.model_calls);
  say("{}\n", counted(whole, ending));
  for (const auto& what : wrong) say("FAILED: {}\n", what);
  if (wrong.empty()) {
    say("the same tree, clean; no process, no lock left: the same end\n");
  } else {
    say("{}\n",
        ending.said.substr(ending.said.size() - std::min(ending.said.size(), shown_output)));
    if (options.keep) say("kept: {}\n", machine.root());
  }
  return wrong.empty();
}

}  // namespace muster::soak
