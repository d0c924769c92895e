#include "adapters/process/keeper.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "adapters/process/descendants.hpp"
#include "adapters/process/spawn.hpp"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kGaveUp = 1;
constexpr int kInterrupted = 130;
constexpr auto kKeeperFd = "MUSTER_KEEPER_FD";
constexpr auto kResume = "MUSTER_RESUME";
constexpr auto kMission = "MUSTER_MISSION";

timespec to_timespec(milliseconds time) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  const auto rest = std::chrono::duration_cast<std::chrono::nanoseconds>(time - seconds);
  return {.tv_sec = seconds.count(), .tv_nsec = rest.count()};
}

/// All signals that can wait, blocked and then taken one by one: nothing happens behind the
/// keeper's back.
class SignalQueue {
 public:
  SignalQueue() {
    sigfillset(&set_);
    for (const int sig : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
      sigdelset(&set_, sig);
    }
    ::sigprocmask(SIG_BLOCK, &set_, nullptr);
    // An ignored SIGCHLD, inherited from whoever started us, would take the engine's exit status
    // away.
    ::signal(SIGCHLD, SIG_DFL);
  }

  /// The next signal; 0 when none came in time.
  int next(std::optional<milliseconds> timeout) const {
    const timespec limit = to_timespec(timeout.value_or(milliseconds{0}));
    const int sig = ::sigtimedwait(&set_, nullptr, timeout ? &limit : nullptr);
    return sig > 0 ? sig : 0;
  }

 private:
  sigset_t set_;
};

/// The terminal's settings, to be put back when an engine died in the middle of drawing.
class Terminal {
 public:
  Terminal() : known_(::tcgetattr(STDIN_FILENO, &settings_) == 0) {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      if (::isatty(fd) != 0) ours_.push_back(fd);
    }
  }
  void restore() const {
    if (known_) ::tcsetattr(STDIN_FILENO, TCSANOW, &settings_);
  }
  /// After a hang-up: what is written later must not fail, and nobody reads.
  void let_go() {
    known_ = false;
    const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int fd : ours_) {
      if (nothing) ::dup2(nothing.get(), fd);
    }
  }

 private:
  termios settings_{};
  bool known_;
  std::vector<int> ours_;  ///< descriptors on it
};

class Keeper {
 public:
  explicit Keeper(const KeeperOptions& options) : options_(options) {
    const auto mine = descendants_of(::getpid());
    strangers_.insert(mine.begin(), mine.end());
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  }

  int run() {
    for (bool resume = false;; resume = true) {
      if (!start_engine(resume)) return kGaveUp;
      const int status = wait_for_engine();
      end_orphans();
      if (WIFEXITED(status)) return WEXITSTATUS(status);
      terminal_.restore();
      if (interrupts_ > 0) return kInterrupted;
      if (!may_restart(WTERMSIG(status))) return kGaveUp;
    }
  }

 private:
  bool start_engine(bool resume) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      std::perror("muster: cannot make a pipe");
      return false;
    }
    const UniqueFd reader(ends[0]);
    life_ = UniqueFd(ends[1]);
    std::vector<std::string> argv = {"muster", "__engine"};
    argv.insert(argv.end(), options_.engine_args.begin(), options_.engine_args.end());
    const auto pid = spawn({.file = options_.engine_binary,
                            .argv = std::move(argv),
                            .env = engine_environment(reader.get(), resume),
                            .fds = {{reader.get(), reader.get()}},
                            .new_session = true});
    if (!pid) {
      std::fprintf(stderr, "muster: %s\n", pid.error().text().c_str());
      return false;
    }
    engine_ = *pid;
    return true;
  }

  [[nodiscard]] std::vector<std::string> engine_environment(int keeper_fd, bool resume) const {
    std::vector<std::string> env;
    for (auto& entry : own_environment()) {
      const std::string_view name = std::string_view(entry).substr(0, entry.find('='));
      if (name != kKeeperFd && name != kResume && name != kMission) env.push_back(std::move(entry));
    }
    env.push_back(std::string(kKeeperFd) + "=" + std::to_string(keeper_fd));
    if (resume) env.push_back(std::string(kResume) + "=" + std::to_string(began_ms_));
    if (!options_.mission.empty()) env.push_back(std::string(kMission) + "=" + options_.mission);
    return env;
  }

  int wait_for_engine() {
    for (;;) {
      const int sig = signals_.next(std::nullopt);
      if (sig != SIGCHLD) pass_on(sig);
      if (const auto status = reap()) return *status;
    }
  }

  /// Reaps everything that has ended, adopted orphans too; the engine's status when it is among
  /// them.
  std::optional<int> reap() {
    std::optional<int> result;
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid == engine_) result = status;
      strangers_.erase(pid);
    }
    childless_ = pid < 0 && errno == ECHILD;
    if (!childless_ && engine_ == 0 && !strangers_.empty()) {
      childless_ = descendants_of(::getpid(), strangers_).empty();
    }
    return result;
  }

  void pass_on(int sig) {
    switch (sig) {
      case SIGINT:
      case SIGTERM:
        interrupt(sig);
        break;
      case SIGQUIT:
        ++interrupts_;
        ::kill(engine_, SIGQUIT);
        break;
      case SIGTSTP:
        stop_both();
        break;
      case SIGHUP:
        terminal_.let_go();
        break;
      case SIGCONT:
      case SIGWINCH:
      case SIGUSR1:
      case SIGUSR2:
        ::kill(engine_, sig);
        break;
      default:
        break;  // SIGPIPE, SIGTTOU, SIGALRM ...: nothing that the engine should hear of
    }
  }

  void interrupt(int sig) {
    const auto now = Clock::now();
    if (interrupts_ > 0 && now - last_interrupt_ < options_.same_interrupt) return;
    last_interrupt_ = now;
    ++interrupts_;
    if (engine_ > 0) ::kill(engine_, interrupts_ == 1 ? sig : SIGKILL);
  }

  /// The engine has its own session, where the kernel ignores a terminal's stop: it gets SIGSTOP.
  void stop_both() {
    ::kill(engine_, SIGSTOP);
    ::raise(SIGSTOP);
    ::kill(engine_, SIGCONT);
  }

  /// Waits until nothing is left of a dead engine. Its helpers notice by themselves and end their
  /// jobs; what is still there after the grace is killed. A second interrupt does not wait for
  /// that.
  void end_orphans() {
    life_.reset();
    engine_ = 0;
    reap();
    const auto patience = Clock::now() + options_.orphan_grace;
    while (!childless_ && interrupts_ < 2 && Clock::now() < patience) {
      const auto left = std::chrono::ceil<milliseconds>(patience - Clock::now());
      note_interrupt(signals_.next(std::max(left, milliseconds{0})));
      reap();
    }
    DescendantEnder ender(milliseconds{0}, strangers_);
    while (!childless_) {
      ender.step();
      signals_.next(ender.wait());
      reap();
    }
  }

  void note_interrupt(int sig) {
    if (sig == SIGINT || sig == SIGTERM) interrupt(sig);
    if (sig == SIGHUP) terminal_.let_go();
  }

  bool may_restart(int sig) {
    const auto now = Clock::now();
    while (!restarts_.empty() && now - restarts_.front() > options_.restart_window) {
      restarts_.pop_front();
    }
    const auto count = static_cast<int>(restarts_.size());
    if (count >= options_.max_restarts) {
      std::fprintf(stderr,
                   "muster: the engine died of signal %d (%s) after %d restarts in %lld s; giving "
                   "up. `muster resume` goes on from the journal.\n",
                   sig, ::strsignal(sig), count,
                   static_cast<long long>(options_.restart_window.count() / 1000));
      return false;
    }
    std::fprintf(stderr,
                 "muster: the engine died of signal %d (%s); starting it again (%d of %d)\n", sig,
                 ::strsignal(sig), count + 1, options_.max_restarts);
    restarts_.push_back(now);
    return true;
  }

  const KeeperOptions& options_;
  const std::int64_t began_ms_ =
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  SignalQueue signals_;
  Terminal terminal_;
  UniqueFd life_;  ///< never written; its end tells the engine that we have gone
  pid_t engine_ = 0;
  std::set<pid_t>
      strangers_;  ///< children that a shell had before it became us (exec): not ours to end
  bool childless_ = false;  ///< but for strangers
  int interrupts_ = 0;
  Clock::time_point last_interrupt_{};
  std::deque<Clock::time_point> restarts_;
};

}  // namespace

int keeper_main(const KeeperOptions& options) { return Keeper(options).run(); }

bool is_engine(int argc, char** argv) {
  return argc > 1 && std::string_view(argv[1]) == "__engine";
}

UniqueFd take_keeper_fd() {
  const char* text = std::getenv(kKeeperFd);
  const int fd = text != nullptr ? std::atoi(text) : -1;
  ::unsetenv(kKeeperFd);
  // Only a pipe's end that is really there: a stray variable must not make us close a descriptor.
  if (fd <= STDERR_FILENO || ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return UniqueFd();
  return UniqueFd(fd);
}

std::string take_mission_name() {
  const char* text = std::getenv(kMission);
  std::string name = text != nullptr ? text : "";
  ::unsetenv(kMission);
  return name;
}

std::optional<std::int64_t> take_resume_time() {
  const char* text = std::getenv(kResume);
  const std::int64_t began = text != nullptr ? std::strtoll(text, nullptr, 10) : 0;
  ::unsetenv(kResume);
  if (began <= 0) return std::nullopt;
  return began;
}

bool take_resume_flag() { return take_resume_time().has_value(); }

}  // namespace muster
