#include "adapters/process/run_command.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>
#include <utility>

#include "adapters/io/unique_fd.hpp"
#include "adapters/process/spawn.hpp"

namespace muster {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kKillGrace{2000};  // git removes its lock files on TERM

/// One output stream: the reading end and what is kept of it.
struct Stream {
  UniqueFd fd;
  std::string* into;
  std::size_t limit;
  bool* truncated;

  /// Reads one piece; false at the end of the stream.
  bool read_some() {
    std::array<char, 65536> buffer;
    const auto count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0) return errno == EAGAIN || errno == EINTR;
    const auto size = static_cast<std::size_t>(count);
    const auto keep = std::min(size, limit - std::min(limit, into->size()));
    into->append(buffer.data(), keep);
    if (keep < size) *truncated = true;
    return size > 0;
  }

  void read_ready() {
    if (!read_some()) fd.reset();
  }

  /// What stands in the pipe now, and nothing that a grandchild writes later.
  void drain() {
    int waiting = 0;
    if (!fd || ::ioctl(fd.get(), FIONREAD, &waiting) != 0) return;
    for (; waiting > 0 && fd; waiting -= 65536) read_ready();
    fd.reset();
  }
};

/// The whole text as a file without a name: no writer, so nothing to wait for and no SIGPIPE.
Result<UniqueFd> stdin_of(const std::string& text) {
  if (text.empty()) return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  UniqueFd file(::memfd_create("muster-stdin", MFD_CLOEXEC));
  std::string_view left = text;
  while (file && !left.empty()) {
    const auto count = ::write(file.get(), left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return errno_error(errno, "cannot hold the standard input");
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  if (!file || ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return errno_error(errno, "cannot hold the standard input");
  }
  return file;
}

/// A pipe whose reading end does not block.
Result<std::pair<UniqueFd, UniqueFd>> output_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error(errno, "cannot make a pipe");
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

/// A command that runs: waits for its exit while reading what it writes.
class Running {
 public:
  Running(pid_t pid, UniqueFd out, UniqueFd err, std::size_t limit)
      : pid_(pid),
        exited_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))),
        streams_{Stream{std::move(out), &output_.out, limit, &output_.truncated},
                 Stream{std::move(err), &output_.err, limit, &output_.truncated}} {}
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// nullopt when the deadline ended it.
  std::optional<CommandOutput> wait(std::chrono::milliseconds timeout) {
    bool in_time = wait_until(Clock::now() + timeout);
    if (!in_time) {
      ::kill(-pid_, SIGTERM);
      wait_until(Clock::now() + kKillGrace);
      ::kill(-pid_, SIGKILL);  // also members that the leader left behind
    }
    collect();
    if (!in_time) return std::nullopt;
    return std::move(output_);
  }

  [[nodiscard]] std::string error_tail() const {
    constexpr std::size_t kTail = 400;
    const auto& err = output_.err;
    return err.substr(err.size() > kTail ? err.size() - kTail : 0);
  }

 private:
  bool wait_until(Clock::time_point deadline) {
    while (!is_over()) {
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return false;
      turn(static_cast<int>(std::min<std::int64_t>(left, exited_ ? 60000 : 5)));
    }
    return true;
  }

  /// Whether it has exited; it stays a zombie, so that its group can still be signalled.
  bool is_over() const {
    siginfo_t info{};
    const int result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    return result != 0 ? errno == ECHILD : info.si_pid == pid_;
  }

  void turn(int timeout_ms) {
    std::array<pollfd, 3> polled = {pollfd{exited_.get(), POLLIN, 0},
                                    pollfd{streams_[0].fd.get(), POLLIN, 0},
                                    pollfd{streams_[1].fd.get(), POLLIN, 0}};
    if (::poll(polled.data(), polled.size(), timeout_ms) <= 0) return;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (polled[i + 1].revents != 0) streams_[i].read_ready();
    }
  }

  void collect() {
    int status = 0;
    pid_t got = -1;
    do {
      got = ::waitpid(pid_, &status, 0);
    } while (got < 0 && errno == EINTR);
    for (auto& stream : streams_) stream.drain();
    if (got != pid_) return;
    if (WIFSIGNALED(status)) output_.signal = WTERMSIG(status);
    if (WIFEXITED(status)) output_.exit_code = WEXITSTATUS(status);
  }

  pid_t pid_;
  UniqueFd exited_;  ///< pidfd; none on kernels without it, then the exit is polled for
  CommandOutput output_;
  std::array<Stream, 2> streams_;
};

}  // namespace

Result<CommandOutput> run_command(const CommandSpec& spec) {
  if (spec.argv.empty()) return Error{ErrorCode::invalid_argument, "a command needs a name"};
  struct stat info {};
  // posix_spawn reports a missing folder and a missing program with the same errno.
  if (!spec.cwd.empty() && ::stat(spec.cwd.c_str(), &info) != 0) {
    return errno_error(errno, "cannot enter '" + spec.cwd + "'");
  }
  auto input = stdin_of(spec.stdin_text);
  if (!input) return input.error();
  auto out = output_pipe();
  auto err = output_pipe();
  if (!out) return out.error();
  if (!err) return err.error();
  std::vector<std::pair<int, int>> fds = {
      {input->get(), 0}, {out->second.get(), 1}, {err->second.get(), 2}};
  for (const int fd : spec.held_fds) fds.emplace_back(fd, static_cast<int>(fds.size()));
  const auto pid = spawn({.file = spec.argv.front(),
                          .argv = spec.argv,
                          .env = child_environment(spec.unset_env, spec.env),
                          .fds = std::move(fds),
                          .cwd = spec.cwd,
                          .search_path = true,
                          .new_group = true});
  if (!pid) return pid.error();
  input->reset();
  out->second.reset();
  err->second.reset();
  Running running(*pid, std::move(out->first), std::move(err->first), spec.max_output);
  auto result = running.wait(spec.timeout);
  if (result) return std::move(*result);
  return Error{ErrorCode::timeout,
               "'" + spec.argv.front() + "' took longer than " +
                   std::to_string(spec.timeout.count()) + " ms",
               running.error_tail()};
}

Result<CommandOutput> run_command(std::vector<std::string> argv, std::string cwd,
                                  std::map<std::string, std::string> env, std::string stdin_text,
                                  std::chrono::milliseconds timeout, std::size_t max_output) {
  return run_command(CommandSpec{.argv = std::move(argv),
                                 .cwd = std::move(cwd),
                                 .env = std::move(env),
                                 .stdin_text = std::move(stdin_text),
                                 .timeout = timeout,
                                 .max_output = max_output});
}

}  // namespace muster
