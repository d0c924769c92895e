#include "tests/crash/place.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "adapters/store/sqlite_store.hpp"

namespace muster::crash {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds leftovers_patience{15000};
constexpr milliseconds look_again{5};

std::string make_root(const std::string& below) {
  std::string name = below + "/muster-crash-XXXXXX";
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

/// Lock files below a folder, without those that are only there to be locked.
void find_locks(const std::string& folder, std::vector<std::string>& out) {
  std::error_code failed;
  for (auto at = fs::recursive_directory_iterator(folder, failed);
       !failed && at != fs::recursive_directory_iterator(); at.increment(failed)) {
    auto name = at->path().filename().string();
    auto ours = name == "repository.lock" || name == "pool.lock" || name == "index.db.lock";
    if (name.ends_with(".lock") && !ours) out.push_back(at->path().string());
  }
}

}  // namespace

std::string text_or_nothing(const std::string& path) {
  try {
    return test::read_file(path);
  } catch (const std::exception&) {
    return {};  // a process that ends while it is read makes reading fail
  }
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

pid_t engine_of(pid_t keeper) {
  auto path = "/proc/" + std::to_string(keeper) + "/task/" + std::to_string(keeper) + "/children";
  std::istringstream children(text_or_nothing(path));
  for (pid_t child = 0; children >> child;)
    if (text_or_nothing("/proc/" + std::to_string(child) + "/cmdline")
            .find(std::string("__engine")) != std::string::npos)
      return child;
  return 0;
}

void note_output(const test::Ended& ended, Ending& ending) {
  ending.said += "--- exit " + std::to_string(ended.exit_code) + ", signal " +
                 std::to_string(ended.signal) + "\n" + ended.err + ended.out;
}

// ---- the machine
// -----------------------------------------------------------------------------------

std::string folder_in_memory() {
  std::error_code failed;
  const std::string memory = "/dev/shm";
  if (fs::exists(memory, failed) && ::access(memory.c_str(), W_OK | X_OK) == 0) return memory;
  return fs::temp_directory_path().string();
}

Machine::Machine(const test::Files& project, const std::string& below) : root_(make_root(below)) {
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
  auto folder = this->project();
  for (const auto& [path, content] : project) test::write_file(folder + "/" + path, content);
  run_git(folder, environment_, {"init", "-q", "--template="});
  run_git(folder, environment_, {"add", "-A"});
  run_git(folder, environment_, {"commit", "-q", "-m", "first"});
}

Machine::~Machine() {
  std::error_code ignored;
  if (!keep_) fs::remove_all(root_, ignored);
}

void Machine::use_model(const test::ModelServer& server, const json& extra) const {
  json config{
      {"model", "scripted/model"},
      {"providers", {{"scripted", {{"base_url", server.base_url()}, {"api_key", "none"}}}}}};
  if (extra.is_object()) config.update(extra, true);  // unlike a merge patch it keeps nulls
  test::write_file(root_ + "/home/.config/muster/config.json", config.dump(2));
}

// ---- a mission's place
// -----------------------------------------------------------------------------

Place::Place(const Machine& machine, std::string folder)
    : environment(machine.environment()), folder_(std::move(folder)) {
  environment["XDG_STATE_HOME"] = folder_ + "/state";
  environment["EFFECTS"] = folder_ + "/effects";
  environment["TMPDIR"] = folder_ + "/tmp";
  fs::create_directories(folder_ + "/tmp");
  fs::copy(machine.project(), project(), fs::copy_options::recursive);
  run_git(project(), environment, {"update-index", "-q", "--refresh"});
}

std::unique_ptr<test::Program> Place::start(std::vector<std::string> args) const {
  args.insert(args.begin(), MUSTER_BINARY);
  return std::make_unique<test::Program>(std::move(args), project(), environment);
}

std::vector<std::string> Place::go_on(const std::string& objective) const {
  if (read_journal().empty()) return {"run", objective, "--json"};
  return {"resume", "--json"};
}

void Place::wait_for_the_end() const {
  auto give_up = Clock::now() + leftovers_patience;
  while (!test::processes_of(folder_).empty() && Clock::now() < give_up)
    std::this_thread::sleep_for(look_again);
}

std::vector<StoredRecord> Place::read_journal() const {
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

void Place::finish(const test::Ended& ended, Ending& ending) const {
  ending.exit_code = ended.exit_code;
  ending.outcome = test::last_json_line(ended.out).value("outcome", "");
  ending.tree = one_line(run_git(project(), environment, {"rev-parse", "HEAD^{tree}"}));
  ending.files = test::files_below(project());
  ending.status = run_git(project(), environment, {"status", "--porcelain"});
  ending.commits = one_line(run_git(project(), environment, {"rev-list", "--count", "HEAD"}));
  std::istringstream effects(text_or_nothing(folder_ + "/effects"));
  for (std::string line; std::getline(effects, line);) ++ending.effects[line];
  ending.journal = read_journal();
}

void Place::look_for_leftovers(Ending& ending) const {
  auto give_up = Clock::now() + leftovers_patience;
  ending.processes = test::processes_of(folder_);
  while (!ending.processes.empty() && Clock::now() < give_up) {
    std::this_thread::sleep_for(look_again);
    ending.processes = test::processes_of(folder_);
  }
  find_locks(project(), ending.locks);
  find_locks(folder_ + "/state", ending.locks);
}

}  // namespace muster::crash
