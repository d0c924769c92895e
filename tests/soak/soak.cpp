#include "tests/soak/soak.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "tests/crash/place.hpp"
#include "tests/soak/watch.hpp"
#include "tests/soak/work.hpp"

namespace muster::soak {
namespace {

namespace fs = std::filesystem;
using crash::Ending;
using crash::Machine;
using crash::Place;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr const char* objective = "Write all parts";
constexpr int tasks = 32;
constexpr int workers = 16;
constexpr milliseconds sample_every{2000};
constexpr int rows = 12;  ///< of a mission's table
constexpr std::size_t shown_output = 4000;

// The bounds. Of the first thousand tasks that finish the mission remembers all (State), of later
// ones little more than their names: so memory may grow with those, and otherwise hardly.
constexpr double remembered_tasks = 1000;
constexpr double rss_of_task_kb = 24;      ///< and of its share of snapshots, and of a heap's holes
constexpr double rss_growth = 0.15;        ///< from the second quarter of a mission to its last
constexpr double rss_allowance_kb = 8192;  ///< and this much, for what a heap's holes come to
constexpr double most_rss_kb = 400.0 * 1024;
constexpr double descriptor_growth = 16;
constexpr double most_descriptors = 64 + 16 * workers;
constexpr double thread_growth = 2;
constexpr int zombie_looks = 5;    ///< after which a dead child counts as forgotten
constexpr int least_samples = 24;  ///< for a mission's growth to mean anything

template <class... Args>
void say(fmt::format_string<Args...> text, Args&&... args) {
  fmt::print(text, std::forward<Args>(args)...);
  std::fflush(stdout);
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// One mission on one engine.
class Run {
 public:
  Run(const Machine& machine, std::string folder, int iterations)
      : machine_(machine), iterations_(iterations), folder_(std::move(folder)) {
    fs::create_directories(folder_);
  }

  /// What was wrong with it.
  std::vector<std::string> go() {
    Work work{tasks, iterations_, {}};
    test::ModelServer model(scenario(work), machine_.root(), machine_.environment());
    machine_.use_model(model, {{"limits",
                                {{"workers", workers},
                                 {"jobs", workers},
                                 {"iterations", nullptr},
                                 {"max_tasks", nullptr}}}});
    Place place(machine_, folder_);
    Ending ending;
    try {
      auto program = place.start({"run", objective, "--json"});
      watch(*program);
      auto ended = program->wait();
      note_output(ended, ending);
      place.finish(ended, ending);
    } catch (const std::exception& e) {
      ending.trouble = e.what();
    }
    seconds_ = seconds_since(started_);
    place.look_for_leftovers(ending);
    calls_ = model.stats()["calls"].get<std::uint64_t>();
    tell();
    judge(ending);
    return std::move(wrong_);
  }
  [[nodiscard]] double seconds() const { return seconds_; }

 private:
  void watch(const test::Program& program) {
    std::map<pid_t, int> dead;  // and for how many looks
    while (program.running()) {
      Sample sample;
      sample.at_s = seconds_since(started_);
      sample.tasks = crash::count_of(crash::text_or_nothing(folder_ + "/effects"), "\n");
      auto engine = crash::engine_of(program.pid());
      if (engine != 0 && look_at(engine, sample)) {
        // One that waits for its parent's next breath is none: the machine is full of work.
        std::map<pid_t, int> still;
        for (auto pid : sample.zombies)
          if ((still[pid] = dead[pid] + 1) > zombie_looks) zombies_.insert(pid);
        dead = std::move(still);
        samples_.push_back(std::move(sample));
      }
      for (auto next = Clock::now() + sample_every; program.running() && Clock::now() < next;)
        std::this_thread::sleep_for(milliseconds(20));
    }
  }

  void tell() const {
    say("\n{} iterations of {} tasks, {} at once: {:.0f} s, {} model calls, {:.1f} calls/s\n",
        iterations_, tasks, workers, seconds_, calls_, static_cast<double>(calls_) / seconds_);
    say("{:>8} {:>8} {:>10} {:>10} {:>12} {:>8} {:>9} {:>8}\n", "s", "tasks", "RSS MB", "peak MB",
        "descriptors", "threads", "children", "zombies");
    const auto step = std::max<std::size_t>(1, samples_.size() / rows);
    for (std::size_t i = 0; i < samples_.size(); i += step) {
      const auto& s = samples_[i];
      say("{:>8.0f} {:>8} {:>10.1f} {:>10.1f} {:>12} {:>8} {:>9} {:>8}\n", s.at_s, s.tasks,
          static_cast<double>(s.rss_kb) / 1024, static_cast<double>(s.peak_kb) / 1024,
          s.descriptors, s.threads, s.children, s.zombies.size());
    }
  }

  template <class Value>
  Course course(Value value) const {
    std::vector<double> values;
    for (const auto& sample : samples_) values.push_back(static_cast<double>(value(sample)));
    return course_of(std::move(values));
  }

  void unless(bool fine, const std::string& what) {
    if (!fine) wrong_.push_back(what);
  }

  void judge(const Ending& ending) {
    if (!ending.trouble.empty()) {
      wrong_.push_back(ending.trouble);
      return;
    }
    unless(ending.outcome == "sealed", "the outcome is '" + ending.outcome + "'");
    unless(ending.status.empty(), "the tree is not clean: " + ending.status);
    for (const auto& process : ending.processes) unless(false, "a process was left: " + process);
    for (const auto& lock : ending.locks) unless(false, "a lock was left: " + lock);
    for (const auto& tree : trees_held()) unless(false, "a work tree is still held: " + tree);
    for (const auto& [effect, count] : ending.effects)
      unless(count == 1, "the command '" + effect + "' ran " + std::to_string(count) + " times");
    const auto commands = static_cast<std::size_t>(tasks) * static_cast<std::size_t>(iterations_);
    unless(ending.effects.size() == commands,
           fmt::format("{} commands ran instead of {}", ending.effects.size(), commands));
    for (auto pid : zombies_) unless(false, "a zombie: " + std::to_string(pid));
    if (!wrong_.empty() && !ending.said.empty())
      say("{}\n",
          ending.said.substr(ending.said.size() - std::min(ending.said.size(), shown_output)));
    judge_course();
  }

  void judge_course() {
    auto rss = course([](const Sample& s) { return s.rss_kb; });
    auto descriptors = course([](const Sample& s) { return s.descriptors; });
    auto threads = course([](const Sample& s) { return s.threads; });
    say("from the second quarter to the last (medians): RSS {:.1f} -> {:.1f} MB, descriptors "
        "{:.0f} "
        "-> {:.0f} (most {:.0f}), threads {:.0f} -> {:.0f}\n",
        rss.early / 1024, rss.late / 1024, descriptors.early, descriptors.late, descriptors.most,
        threads.early, threads.late);
    unless(rss.most <= most_rss_kb, fmt::format("RSS reached {:.0f} MB", rss.most / 1024));
    unless(descriptors.most <= most_descriptors,
           fmt::format("{:.0f} descriptors were open", descriptors.most));
    if (samples_.size() < least_samples) return;
    auto tasks_done = course([](const Sample& s) { return s.tasks; });
    auto remembered =
        std::min(tasks_done.late, remembered_tasks) - std::min(tasks_done.early, remembered_tasks);
    auto allowed = rss.early * (1 + rss_growth) + rss_allowance_kb + rss_of_task_kb * remembered;
    say("RSS may reach {:.1f} MB there: {:.0f} more tasks are remembered\n", allowed / 1024,
        remembered);
    unless(rss.late <= allowed,
           fmt::format("RSS grew from {:.0f} to {:.0f} MB", rss.early / 1024, rss.late / 1024));
    unless(
        descriptors.late <= descriptors.early + descriptor_growth,
        fmt::format("descriptors grew from {:.0f} to {:.0f}", descriptors.early, descriptors.late));
    unless(threads.late <= threads.early + thread_growth,
           fmt::format("threads grew from {:.0f} to {:.0f}", threads.early, threads.late));
  }

  /// Work trees that somebody still holds; free ones wait for the next mission.
  [[nodiscard]] std::vector<std::string> trees_held() const {
    std::vector<std::string> out;
    std::error_code failed;
    for (const auto& workspace : fs::directory_iterator(folder_ + "/state/muster", failed))
      for (const auto& slot : fs::directory_iterator(workspace.path() / "slots", failed))
        if (fs::exists(slot.path() / "lease.json"))
          out.push_back(test::read_file(slot.path() / "lease.json"));
    return out;
  }

  const Machine& machine_;
  int iterations_;
  std::string folder_;
  Clock::time_point started_ = Clock::now();
  double seconds_ = 0;
  std::uint64_t calls_ = 0;
  std::vector<Sample> samples_;
  std::set<pid_t> zombies_;
  std::vector<std::string> wrong_;
};

}  // namespace

bool soak(const SoakOptions& options) {
  const auto started = Clock::now();
  Machine machine(project({tasks, 1, {}}), fs::temp_directory_path().string());
  if (options.keep) machine.keep();
  std::vector<std::string> wrong;
  int iterations = 2;  // of the first mission, which says how long one takes
  int missions = 0;
  while (wrong.empty()) {
    const auto folder = machine.root() + "/mission-" + std::to_string(++missions);
    Run run(machine, folder, iterations);
    wrong = run.go();
    std::error_code ignored;
    if (!options.keep) fs::remove_all(folder, ignored);
    const auto left = options.minutes * 60 - seconds_since(started);
    const auto one = run.seconds() / iterations;
    iterations = static_cast<int>(std::floor(left / one));
    if (iterations < 2) break;
  }
  for (const auto& what : wrong) say("FAILED: {}\n", what);
  say("{} missions in {:.0f} s: {}\n", missions, seconds_since(started),
      wrong.empty() ? "bounded, and nothing left" : "FAILED");
  if (options.keep) say("kept: {}\n", machine.root());
  return wrong.empty();
}

}  // namespace muster::soak
