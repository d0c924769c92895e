#include "adapters/process/job_helper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <optional>
#include <string_view>

#include "adapters/io/descriptor_limit.hpp"
#include "adapters/io/unique_fd.hpp"
#include "adapters/process/descendants.hpp"
#include "adapters/process/job_cgroup.hpp"
#include "adapters/process/job_protocol.hpp"

namespace muster {
namespace {

using job_protocol::kControlFd;
using job_protocol::Kind;
using job_protocol::Report;

constexpr int kFirstArgument = 6;  // program, __job, grace, descriptors, leaf, cwd, command...
constexpr int kExecFailed = 127;

std::uint64_t number_of(std::string_view text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

/// Of this process and its children; 0 = as it is.
void limit_descriptors(std::uint64_t soft) {
  rlimit limit{};
  if (soft == 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(soft, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// How the child tells why it did not become the command.
struct ExecFailure {
  Kind kind;
  int number;
};

/// In the forked child, which has one thread: becomes the command or says why not.
[[noreturn]] void become(char** command, const char* cwd, pid_t helper, const CgroupLeaf& leaf,
                         int failure_fd) {
  const auto fail = [failure_fd](Kind kind) {
    const ExecFailure failure{kind, errno};
    [[maybe_unused]] const auto told = ::write(failure_fd, &failure, sizeof failure);
    ::_exit(kExecFailed);
  };
  ::setsid();
  // Outside of its leaf it is ended like all descendants.
  [[maybe_unused]] const bool entered = leaf.enter();
  // Should the helper be killed, the child goes with it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != helper) ::_exit(kExecFailed);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::chdir(cwd) != 0) fail(Kind::cwd_failed);
  ::execvp(command[0], command);
  fail(Kind::exec_failed);
  ::_exit(kExecFailed);
}

class Helper {
 public:
  Helper(std::chrono::milliseconds grace, const char* leaf, const char* cwd, char** command)
      : grace_(grace), leaf_folder_(leaf), cwd_(cwd), command_(command) {}

  int run() {
    prepare();
    const bool started = start();
    while (started && !childless_) {
      turn();
      if (ending_ && !childless_) step();
    }
    leaf_.remove();
    return started ? 0 : 1;
  }

 private:
  void prepare() {
    ::setsid();
    ::close_range(kControlFd + 1, ~0U, 0);
    ::fcntl(kControlFd, F_SETFD, FD_CLOEXEC);
    leaf_ = CgroupLeaf::make(leaf_folder_);
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    // The second safety beside the socket's end: the engine's I/O thread started us.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    sigset_t watched;
    sigemptyset(&watched);
    for (const int sig : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT}) sigaddset(&watched, sig);
    signals_ = UniqueFd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  /// Forks the child and waits until it has become the command.
  bool start() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return refuse(Kind::exec_failed, errno);
    UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    const pid_t self = ::getpid();
    child_ = ::fork();
    if (child_ < 0) return refuse(Kind::exec_failed, errno);
    if (child_ == 0) become(command_, cwd_, self, leaf_, writer.get());
    writer.reset();
    release_output();
    ExecFailure failure{};
    if (::read(reader.get(), &failure, sizeof failure) == sizeof failure) {
      ::waitpid(child_, nullptr, 0);
      return refuse(failure.kind, failure.number);
    }
    report({Kind::started, child_, 0});
    return true;
  }

  /// The output ends when the job's processes have closed it: we must not hold it.
  static void release_output() {
    ::dup2(0, 1);
    ::dup2(0, 2);
  }

  static bool refuse(Kind kind, int number) {
    report({kind, number, 0});
    return false;
  }

  static void report(const Report& report) {
    // Nobody listens any more when the engine has gone.
    ::send(kControlFd, &report, sizeof report, MSG_NOSIGNAL);
  }

  void step() {
    if (ending_->kills()) leaf_.kill();
    ending_->step();
  }

  void turn() {
    std::array<pollfd, 2> polled = {pollfd{signals_.get(), POLLIN, 0},
                                    pollfd{control_open_ ? kControlFd : -1, POLLIN, 0}};
    const int timeout = ending_ ? static_cast<int>(ending_->wait().count()) : -1;
    if (::poll(polled.data(), polled.size(), timeout) < 0) return;
    const bool told_to_end = polled[0].revents != 0 && read_signals();
    // First what has ended by itself, so that it does not count as ended by us.
    reap();
    if (told_to_end) end();
    if (polled[1].revents != 0) read_control();
  }

  /// Whether one of them asks for the end.
  bool read_signals() {
    bool asked = false;
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
      asked = asked || info.ssi_signo != SIGCHLD;
    }
    return asked;
  }

  void read_control() {
    char order = 0;
    const auto count = ::recv(kControlFd, &order, 1, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) control_open_ = false;
    end();
  }

  void end() {
    if (!ending_) ending_.emplace(grace_);
  }

  void reap() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (pid == child_) child_exited(status);
    }
    childless_ = pid < 0 && errno == ECHILD;
  }

  void child_exited(int status) {
    const bool signalled = WIFSIGNALED(status);
    report({signalled ? Kind::signalled : Kind::exited,
            signalled ? WTERMSIG(status) : WEXITSTATUS(status), ending_ ? 1 : 0});
    end();  // what it left behind
  }

  std::chrono::milliseconds grace_;
  const char* leaf_folder_;
  CgroupLeaf leaf_;
  const char* cwd_;
  char** command_;
  UniqueFd signals_;
  pid_t child_ = 0;
  bool control_open_ = true;
  bool childless_ = false;
  std::optional<DescendantEnder> ending_;
};

}  // namespace

bool is_job_helper(int argc, char** argv) {
  return argc > 1 && std::string_view(argv[1]) == "__job";
}

int job_helper_main(int argc, char** argv) {
  if (argc <= kFirstArgument) return 2;
  limit_descriptors(number_of(argv[3]));
  return Helper(std::chrono::milliseconds(number_of(argv[2])), argv[4], argv[5],
                argv + kFirstArgument)
      .run();
}

std::vector<std::string> job_helper_arguments(std::chrono::milliseconds grace,
                                              const std::string& leaf, const std::string& cwd,
                                              const std::vector<std::string>& command) {
  std::vector<std::string> out = {"__job", std::to_string(grace.count()),
                                  std::to_string(descriptor_limit_of_children().value_or(0)), leaf,
                                  cwd};
  out.insert(out.end(), command.begin(), command.end());
  return out;
}

}  // namespace muster
