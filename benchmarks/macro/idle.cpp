#include "benchmarks/macro/idle.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/io/unique_fd.hpp"
#include "adapters/process/spawn.hpp"
#include "adapters/rpc/rpc_client.hpp"
#include "benchmarks/macro/server.hpp"
#include "benchmarks/support/temp_folder.hpp"

namespace muster::bench {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto start_patience = 30s;
constexpr auto rest = 3s;  ///< from its readiness until nothing of the start is left to do

/// A terminal that somebody reads and nobody looks at.
class Terminal {
 public:
  Terminal() {
    int ours = -1;
    int theirs = -1;
    if (::openpty(&ours, &theirs, nullptr, nullptr, nullptr) != 0) return;
    ours_ = UniqueFd(ours);
    theirs_ = UniqueFd(theirs);
    ::fcntl(ours, F_SETFD, FD_CLOEXEC);
    ::fcntl(theirs, F_SETFD, FD_CLOEXEC);
    reader_ = std::thread([this] { read_all(); });
  }
  ~Terminal() {
    done_ = true;
    if (reader_.joinable()) reader_.join();
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] int fd() const { return theirs_.get(); }

 private:
  void read_all() {
    char bytes[4096];
    while (!done_) {
      pollfd wanted{ours_.get(), POLLIN, 0};
      if (::poll(&wanted, 1, 100) > 0 && ::read(ours_.get(), bytes, sizeof bytes) < 0) return;
    }
  }

  UniqueFd ours_;
  UniqueFd theirs_;
  std::atomic<bool> done_{false};
  std::thread reader_;
};

/// The engine's process, without a keeper: that one sleeps in one call.
class Engine {
 public:
  explicit Engine(std::string program) : program_(std::move(program)) {
    std::filesystem::create_directories(home());
    std::filesystem::create_directories(project());
    std::ofstream(project() + "/greet.sh") << "echo hello\n";
  }
  ~Engine() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Status start(std::vector<std::string> arguments, const std::string& model_url) {
    SpawnSpec spec;
    spec.file = program_;
    spec.argv = {"muster", "__engine"};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.env = child_environment({}, {{"HOME", home()},
                                      {"MUSTER_SOCKET", socket()},
                                      {"MUSTER_MODEL", "ollama/scripted"},
                                      {"MUSTER_BASE_URL", model_url}});
    UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    spec.fds = {{terminal_.fd(), 0}, {nothing.get(), 1}, {terminal_.fd(), 2}};
    spec.cwd = project();
    spec.new_session = true;
    auto pid = spawn(spec);
    if (!pid) return pid.error();
    pid_ = *pid;
    return ok_status();
  }

  /// Until it answers, and a mission (if it has one) waits for a person.
  Status await(bool mission) {
    for (auto until = Clock::now() + start_patience; Clock::now() < until;) {
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
        pid_ = 0;
        return Error{ErrorCode::unavailable, "the engine ended"};
      }
      auto client = rpc::RpcClient::connect(socket(), 1000ms);
      if (client && !mission) return ok_status();
      if (client) {
        auto status = client->call("status", json::object(), 5000ms);
        if (status && status->value("phase", "") == "needs_user") return ok_status();
      }
      std::this_thread::sleep_for(50ms);
    }
    return Error{ErrorCode::timeout, "the engine did not come to rest"};
  }

  [[nodiscard]] std::chrono::nanoseconds cpu() const {
    clockid_t clock{};
    timespec used{};
    if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return {};
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
  }

  /// Of all threads, since the process began.
  [[nodiscard]] std::int64_t wakeups() const {
    std::int64_t out = 0;
    const auto tasks = "/proc/" + std::to_string(pid_) + "/task";
    for (const auto& task : std::filesystem::directory_iterator(tasks)) {
      std::ifstream in(task.path() / "status");
      for (std::string name; in >> name;)
        if (std::int64_t count = 0; name == "voluntary_ctxt_switches:" && in >> count) out += count;
    }
    return out;
  }

 private:
  [[nodiscard]] std::string home() const { return folder_.path() + "/home"; }
  [[nodiscard]] std::string project() const { return folder_.path() + "/project"; }
  [[nodiscard]] std::string socket() const { return folder_.path() + "/socket"; }

  TempFolder folder_;
  Terminal terminal_;
  std::string program_;
  pid_t pid_ = 0;
};

}  // namespace

Result<json> run_idle(Idle what, const std::string& program, const std::string& scenario,
                      std::chrono::seconds time) {
  auto server = ModelServer::start(program, scenario);
  if (!server) return server.error();
  Engine engine(program);
  const bool mission = what == Idle::asking;
  std::vector<std::string> arguments{"serve"};
  if (mission) arguments = {"run", "Be polite"};
  if (auto started = engine.start(arguments, server->url); !started) return started.error();
  if (auto ready = engine.await(mission); !ready) return ready.error();
  std::this_thread::sleep_for(rest);
  const auto began = Clock::now();
  const auto cpu = engine.cpu();
  const auto wakeups = engine.wakeups();
  std::this_thread::sleep_for(time);
  const std::chrono::duration<double> wall = Clock::now() - began;
  const std::chrono::duration<double> used = engine.cpu() - cpu;
  return json{{"cpu_percent", used.count() / wall.count() * 100},
              {"wakeups_per_s", static_cast<double>(engine.wakeups() - wakeups) / wall.count()},
              {"wall_s", wall.count()}};
}

}  // namespace muster::bench
