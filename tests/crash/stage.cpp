#include "tests/crash/stage.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "adapters/store/sqlite_store.hpp"
#include "tests/crash/script.hpp"

namespace muster::crash {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;
using test::Ended;
using test::Program;
using Clock = std::chrono::steady_clock;

constexpr milliseconds launch_patience{90000};
constexpr milliseconds leftovers_patience{15000};
constexpr milliseconds look_again{5};
constexpr const char* objective = "Be polite";
constexpr const char* died = "the engine died of signal";

/// In memory where there is such a place: what a killed process wrote is in the page cache either
/// way, so syncing tests nothing here and costs most of the time.
std::string make_root() {
  std::error_code failed;
  auto base = fs::exists("/dev/shm", failed) && ::access("/dev/shm", W_OK | X_OK) == 0
                  ? std::string("/dev/shm")
                  : fs::temp_directory_path().string();
  std::string name = base + "/muster-crash-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
  return fs::canonical(name).string();
}

std::string run_git(const std::string& folder, const test::Environment& environment,
                    std::vector<std::string> args) {
  args.insert(args.begin(), "git");
  auto ended = test::run_program(args, folder, environment);
  if (ended.exit_code != 0) throw std::runtime_error("git failed: " + ended.err);
  return ended.out;
}

std::string one_line(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

std::string text_or_nothing(const std::string& path) {
  std::error_code failed;
  return fs::exists(path, failed) ? test::read_file(path) : std::string();
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// The engine below a keeper, 0 when there is none just now.
pid_t engine_of(pid_t keeper) {
  auto path = "/proc/" + std::to_string(keeper) + "/task/" + std::to_string(keeper) + "/children";
  std::istringstream children(text_or_nothing(path));
  for (pid_t child = 0; children >> child;)
    if (text_or_nothing("/proc/" + std::to_string(child) + "/cmdline")
            .find(std::string("__engine")) != std::string::npos)
      return child;
  return 0;
}

/// Lock files below a folder, without those that are only there to be locked.
void find_locks(const std::string& folder, std::vector<std::string>& out) {
  std::error_code failed;
  for (auto at = fs::recursive_directory_iterator(folder, failed);
       !failed && at != fs::recursive_directory_iterator(); at.increment(failed)) {
    auto name = at->path().filename().string();
    auto ours = name == "repository.lock" || name == "pool.lock";
    if (name.ends_with(".lock") && !ours) out.push_back(at->path().string());
  }
}

}  // namespace

// ---- one run
// ---------------------------------------------------------------------------------------

class Stage::Run {
 public:
  Run(Stage& stage, const Cut& cut)
      : stage_(stage), cut_(cut), folder_(stage.folder_), environment_(stage.environment_) {
    environment_["XDG_STATE_HOME"] = folder_ + "/state";
    environment_["EFFECTS"] = folder_ + "/effects";
    environment_["TMPDIR"] = folder_ + "/tmp";
    fs::create_directories(folder_ + "/tmp");
    fs::copy(stage.root_ + "/template", project(), fs::copy_options::recursive);
    run_git(project(), environment_, {"update-index", "-q", "--refresh"});
    if (!cut.deaths.empty()) plan_faults();
  }

  Ending go(Profile* counts) {
    if (counts != nullptr) environment_["MUSTER_FAULT_COUNTS"] = folder_ + "/counts";
    auto calls_before = stage_.model_->stats()["calls"].get<std::uint64_t>();
    auto started = Clock::now();
    try {
      finish(launches());
    } catch (const std::exception& e) {
      ending_.trouble = e.what();
    }
    ending_.duration = std::chrono::duration_cast<milliseconds>(Clock::now() - started);
    look_for_leftovers();
    ending_.model_calls = stage_.model_->stats()["calls"].get<std::uint64_t>() - calls_before;
    if (counts != nullptr) read_counts(*counts);
    return std::move(ending_);
  }

 private:
  [[nodiscard]] std::string project() const { return folder_ + "/project"; }

  void plan_faults() {
    std::string lines;
    for (const auto& death : cut_.deaths)
      lines += (death.point.empty() ? std::string()
                                    : death.point + ":" + std::to_string(death.visit) + ":kill") +
               "\n";
    test::write_file(folder_ + "/plan", lines);
    environment_["MUSTER_FAULT"] = "@" + folder_ + "/plan";
  }

  std::unique_ptr<Program> start(std::vector<std::string> args) {
    args.insert(args.begin(), MUSTER_BINARY);
    return std::make_unique<Program>(std::move(args), project(), environment_);
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
    auto program = start(args);
    for (auto i = first; i < cut_.deaths.size() && program->running(); ++i) {
      if (!cut_.deaths[i].point.empty()) continue;
      wait_for_restarts(*program, static_cast<int>(i - first));
      kill_after(*program, cut_.deaths[i].after, [&] { return engine_of(program->pid()); });
    }
    auto ended = program->wait(launch_patience);
    note(ended);
    ending_.deaths += count_of(ended.err, died);
    return ended;
  }

  static void wait_for_restarts(const Program& program, int count) {
    while (program.running() && count_of(program.err(), died) < count)
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
      auto args = go_on();
      args.insert(args.begin(), "__engine");
      auto program = start(args);
      if (death.point.empty()) kill_after(*program, death.after, [&] { return program->pid(); });
      auto ended = program->wait(launch_patience);
      note(ended);
      if (ended.signal == 0) return ended;
      ++ending_.deaths;
      ending_.at_deaths.push_back(read_journal());
    }
    return kept(go_on(), cut_.deaths.size());
  }

  Ended keeper_dies() {
    auto program = start({"run", objective, "--json"});
    kill_after(*program, cut_.deaths.front().after, [&] { return program->pid(); });
    auto ended = program->wait(launch_patience);
    note(ended);
    if (ended.signal == 0) return ended;
    ++ending_.deaths;
    // Its engine may still be at it: the next one waits for the workspace.
    return kept(go_on(true), 1);
  }

  /// What a person types now: resume, or run when nothing of the mission was recorded yet.
  std::vector<std::string> go_on(bool wait = false) {
    if (wait) wait_for_engines_end();
    if (read_journal().empty()) return {"run", objective, "--json"};
    return {"resume", "--json"};
  }

  /// The journal says whether there is a mission only when nobody writes it.
  void wait_for_engines_end() const {
    auto give_up = Clock::now() + leftovers_patience;
    while (!test::processes_of(folder_).empty() && Clock::now() < give_up)
      std::this_thread::sleep_for(look_again);
  }

  /// Of the only mission, from a copy: reading must not mend what the engine is to mend.
  std::vector<StoredRecord> read_journal() {
    auto copy = folder_ + "/journal-copy";
    fs::remove_all(copy);
    std::error_code failed;
    for (const auto& workspace : fs::directory_iterator(folder_ + "/state/muster", failed))
      if (fs::exists(workspace.path() / "journal"))
        fs::copy(workspace.path() / "journal", copy, fs::copy_options::recursive);
    if (!fs::exists(copy)) return {};
    SqliteStoreConfig config;
    config.folder = copy;
    auto store = SqliteStore::open(std::move(config));
    if (!store) throw std::runtime_error("journal: " + store.error().text());
    auto missions = (*store)->missions();
    if (!missions) throw std::runtime_error("journal: " + missions.error().text());
    // A file without a record is a mission that never began.
    std::erase_if(*missions, [](const auto& mission) { return mission.last_seq == 0; });
    if (missions->empty()) return {};
    if (missions->size() > 1) throw std::runtime_error("there are two missions");
    auto records = (*store)->load(missions->front().mission);
    if (!records) throw std::runtime_error("journal: " + records.error().text());
    return std::move(*records);
  }

  void note(const Ended& ended) {
    ending_.said += "--- exit " + std::to_string(ended.exit_code) + ", signal " +
                    std::to_string(ended.signal) + "\n" + ended.err + ended.out;
  }

  void finish(const Ended& ended) {
    ending_.exit_code = ended.exit_code;
    ending_.outcome = test::last_json_line(ended.out).value("outcome", "");
    ending_.tree = one_line(run_git(project(), environment_, {"rev-parse", "HEAD^{tree}"}));
    ending_.files = test::files_below(project());
    ending_.status = run_git(project(), environment_, {"status", "--porcelain"});
    ending_.commits = one_line(run_git(project(), environment_, {"rev-list", "--count", "HEAD"}));
    std::istringstream effects(text_or_nothing(folder_ + "/effects"));
    for (std::string line; std::getline(effects, line);) ++ending_.effects[line];
    ending_.journal = read_journal();
  }

  void look_for_leftovers() {
    auto give_up = Clock::now() + leftovers_patience;
    ending_.processes = test::processes_of(folder_);
    while (!ending_.processes.empty() && Clock::now() < give_up) {
      std::this_thread::sleep_for(look_again);
      ending_.processes = test::processes_of(folder_);
    }
    find_locks(project(), ending_.locks);
    find_locks(folder_ + "/state", ending_.locks);
  }

  void read_counts(Profile& profile) const {
    profile.duration = ending_.duration;
    std::istringstream lines(text_or_nothing(folder_ + "/counts"));
    std::string point;
    for (std::uint64_t visits = 0; lines >> point >> visits;) profile.visits[point] += visits;
  }

  Stage& stage_;
  const Cut& cut_;
  std::string folder_;
  test::Environment environment_;
  Ending ending_;
};

// ---- the stage
// -------------------------------------------------------------------------------------

Stage::Stage() : root_(make_root()) {
  auto home = root_ + "/home";
  environment_ = {{"PATH", std::getenv("PATH")},
                  {"HOME", home},
                  {"LANG", "C.UTF-8"},
                  {"GIT_CONFIG_NOSYSTEM", "1"}};
  for (const char* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"})
    if (const char* value = std::getenv(name)) environment_[name] = value;
  test::write_file(
      home + "/.gitconfig",
      "[user]\n\tname = Ada\n\temail = ada@localhost\n[init]\n\tdefaultBranch = main\n");
  auto folder = root_ + "/template";
  for (const auto& [path, content] : project()) test::write_file(folder + "/" + path, content);
  run_git(folder, environment_, {"init", "-q", "--template="});
  run_git(folder, environment_, {"add", "-A"});
  run_git(folder, environment_, {"commit", "-q", "-m", "first"});
  model_ = std::make_unique<test::ModelServer>(scenario(), root_, environment_);
  json config{
      {"model", "scripted/model"},
      {"providers", {{"scripted", {{"base_url", model_->base_url()}, {"api_key", "none"}}}}}};
  test::write_file(home + "/.config/muster/config.json", config.dump(2));
}

Stage::~Stage() {
  model_.reset();
  std::error_code ignored;
  if (!keep_) fs::remove_all(root_, ignored);
}

Ending Stage::play(const Cut& cut, Profile* counts) {
  std::error_code ignored;
  if (!keep_ && !folder_.empty()) fs::remove_all(folder_, ignored);
  folder_ = root_ + "/run-" + std::to_string(++runs_);
  fs::create_directories(folder_);
  return Run(*this, cut).go(counts);
}

}  // namespace muster::crash
