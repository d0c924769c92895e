#include "tests/crash/stage.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <sstream>
#include <thread>

#include "tests/crash/place.hpp"
#include "tests/crash/script.hpp"

namespace muster::crash {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using test::Ended;
using test::Program;
using Clock = std::chrono::steady_clock;

constexpr milliseconds launch_patience{90000};
constexpr milliseconds look_again{5};
constexpr const char* objective = "Be polite";

}  // namespace

// ---- one run
// ---------------------------------------------------------------------------------------

class Stage::Run {
 public:
  Run(Stage& stage, const Cut& cut)
      : stage_(stage), cut_(cut), place_(stage.machine_, stage.folder_) {
    if (!cut.deaths.empty()) plan_faults();
  }

  Ending go(Profile* counts) {
    if (counts != nullptr) place_.environment["MUSTER_FAULT_COUNTS"] = place_.folder() + "/counts";
    const auto before = stage_.model_->stats();
    auto started = Clock::now();
    try {
      place_.finish(launches(), ending_);
    } catch (const std::exception& e) {
      ending_.trouble = e.what();
    }
    ending_.duration = std::chrono::duration_cast<milliseconds>(Clock::now() - started);
    place_.look_for_leftovers(ending_);
    count_calls(before, stage_.model_->stats());
    if (counts != nullptr) read_counts(*counts);
    return std::move(ending_);
  }

 private:
  void count_calls(const nlohmann::json& before, const nlohmann::json& after) {
    auto since = [](const nlohmann::json& from, const nlohmann::json& to, const char* name) {
      return to.at(name).get<std::uint64_t>() - from.at(name).get<std::uint64_t>();
    };
    ending_.model_calls = since(before, after, "calls");
    for (std::size_t i = 0; i < after["rules"].size(); ++i)
      ending_.calls_by_rule.push_back(since(before["rules"][i], after["rules"][i], "used"));
  }

  void plan_faults() {
    std::string lines;
    for (const auto& death : cut_.deaths)
      lines += (death.point.empty() ? std::string()
                                    : death.point + ":" + std::to_string(death.visit) + ":kill") +
               "\n";
    test::write_file(place_.folder() + "/plan", lines);
    place_.environment["MUSTER_FAULT"] = "@" + place_.folder() + "/plan";
  }

  Ended launches() {
    switch (cut_.who) {
      case Who::engine:
        return kept({"run", objective, "--json"}, 0);
      case Who::both:
        return engines_alone();
      default:
        return keeper_dies();
    }
  }

  /// A launch under a keeper, with the deaths from `first` on.
  Ended kept(const std::vector<std::string>& args, std::size_t first) {
    auto program = place_.start(args);
    for (auto i = first; i < cut_.deaths.size() && program->running(); ++i) {
      if (!cut_.deaths[i].point.empty()) continue;
      wait_for_restarts(*program, static_cast<int>(i - first));
      kill_after(*program, cut_.deaths[i].after, [&] { return engine_of(program->pid()); });
    }
    auto ended = program->wait(launch_patience);
    note_output(ended, ending_);
    ending_.deaths += count_of(ended.err, engine_died);
    return ended;
  }

  static void wait_for_restarts(const Program& program, int count) {
    while (program.running() && count_of(program.err(), engine_died) < count)
      std::this_thread::sleep_for(look_again);
  }

  /// Kills by the clock, unless the program ends before.
  static void kill_after(const Program& program, milliseconds delay,
                         const std::function<pid_t()>& whom) {
    auto when = Clock::now() + delay;
    while (program.running() && Clock::now() < when)
      std::this_thread::sleep_for(std::min<Clock::duration>(when - Clock::now(), look_again));
    if (!program.running()) return;
    if (auto pid = whom(); pid > 1) ::kill(pid, SIGKILL);
  }

  /// The engine without a keeper, as when both die at once; then resumed.
  Ended engines_alone() {
    for (const auto& death : cut_.deaths) {
      auto args = place_.go_on(objective);
      args.insert(args.begin(), "__engine");
      auto program = place_.start(args);
      if (death.point.empty()) kill_after(*program, death.after, [&] { return program->pid(); });
      auto ended = program->wait(launch_patience);
      note_output(ended, ending_);
      if (ended.signal == 0) return ended;
      ++ending_.deaths;
      ending_.at_deaths.push_back(place_.read_journal());
    }
    return kept(place_.go_on(objective), cut_.deaths.size());
  }

  Ended keeper_dies() {
    auto program = place_.start({"run", objective, "--json"});
    kill_after(*program, cut_.deaths.front().after, [&] { return program->pid(); });
    auto ended = program->wait(launch_patience);
    note_output(ended, ending_);
    if (ended.signal == 0) return ended;
    ++ending_.deaths;
    // Its engine may still be at it, and the journal says whether there is a mission only when
    // nobody writes it.
    place_.wait_for_the_end();
    return kept(place_.go_on(objective), 1);
  }

  void read_counts(Profile& profile) const {
    profile.duration = ending_.duration;
    std::istringstream lines(text_or_nothing(place_.folder() + "/counts"));
    std::string point;
    for (std::uint64_t visits = 0; lines >> point >> visits;) profile.visits[point] += visits;
  }

  Stage& stage_;
  const Cut& cut_;
  Place place_;
  Ending ending_;
};

// ---- the stage
// -------------------------------------------------------------------------------------

Stage::Stage() : machine_(project()) {
  model_ = std::make_unique<test::ModelServer>(scenario(), machine_.root(), machine_.environment());
  machine_.use_model(*model_);
}

Ending Stage::play(const Cut& cut, Profile* counts) {
  std::error_code ignored;
  if (!keep_ && !folder_.empty()) fs::remove_all(folder_, ignored);
  folder_ = machine_.root() + "/run-" + std::to_string(++runs_);
  fs::create_directories(folder_);
  return Run(*this, cut).go(counts);
}

void Stage::keep() {
  keep_ = true;
  machine_.keep();
}

}  // namespace muster::crash
