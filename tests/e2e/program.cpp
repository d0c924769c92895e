#include "tests/e2e/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "adapters/io/unique_fd.hpp"
#include "adapters/process/spawn.hpp"

namespace muster::test {
namespace {

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// A terminal: our end, and the program's.
Pipe make_terminal() {
  int ours = -1;
  int theirs = -1;
  if (::openpty(&ours, &theirs, nullptr, nullptr, nullptr) != 0)
    throw std::runtime_error("openpty");
  ::fcntl(ours, F_SETFD, FD_CLOEXEC);
  ::fcntl(theirs, F_SETFD, FD_CLOEXEC);
  return {UniqueFd(ours), UniqueFd(theirs)};
}

/// Appends what is there. False at the end of the stream.
bool read_some(int fd, std::string& text) {
  std::array<char, 65536> buffer;
  auto count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

std::vector<std::string> as_list(const Environment& environment) {
  std::vector<std::string> out;
  for (const auto& [name, value] : environment) out.push_back(name + "=" + value);
  return out;
}

}  // namespace

Program::Program(std::vector<std::string> argv, const std::string& cwd,
                 const Environment& environment, Stdio stdio)
    : started_(std::chrono::steady_clock::now()) {
  auto out = make_pipe();
  auto err = stdio == Stdio::terminal ? make_terminal() : make_pipe();
  UniqueFd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  // A test that is killed takes what it started along.
  argv.insert(argv.begin(), {"setpriv", "--pdeathsig", "KILL", "--"});
  SpawnSpec spec;
  spec.file = argv.front();
  spec.argv = std::move(argv);
  spec.env = as_list(environment);
  spec.fds = {{stdio == Stdio::terminal ? err.write.get() : nothing.get(), 0},
              {out.write.get(), 1},
              {err.write.get(), 2}};
  spec.cwd = cwd;
  spec.search_path = true;
  spec.new_group = true;
  auto pid = spawn(spec);
  if (!pid) throw std::runtime_error("cannot start " + spec.file + ": " + pid.error().text());
  pid_ = *pid;
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  reader_ = std::thread(
      [this, out = std::move(out.read), err = std::move(err.read), process = std::move(process)] {
        read_all(out.get(), err.get(), process.get());
      });
}

void Program::read_all(int out, int err, int process) {
  std::array<pollfd, 3> polled{{{out, POLLIN, 0}, {err, POLLIN, 0}, {process, POLLIN, 0}}};
  for (bool over = false; !over;) {
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) break;
    over = polled[2].revents != 0;
    std::array<std::string, 2> fresh;
    for (std::size_t i = 0; i < 2; ++i) {
      // After its exit only what is in the pipe already counts: a grandchild may hold the other
      // end.
      pollfd now{polled[i].fd, POLLIN, 0};
      while (polled[i].fd >= 0 && ::poll(&now, 1, 0) > 0)
        if (!read_some(polled[i].fd, fresh[i])) polled[i].fd = -1;
    }
    std::lock_guard lock(mutex_);
    out_ += fresh[0];
    err_ += fresh[1];
    changed_.notify_all();
  }
  int status = 0;
  ::waitpid(pid_, &status, 0);
  std::lock_guard lock(mutex_);
  Ended ended{-1, 0, out_, err_, {}};
  if (WIFEXITED(status)) ended.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  ended.duration = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - started_);
  ended_ = std::move(ended);
  changed_.notify_all();
}

Program::~Program() {
  for (int number : {SIGINT, SIGTERM, SIGKILL}) {
    std::unique_lock lock(mutex_);
    if (ended_) break;
    ::kill(pid_, number);
    changed_.wait_for(lock, std::chrono::seconds(10), [this] { return ended_.has_value(); });
  }
  reader_.join();
}

void Program::signal(int number) {
  std::lock_guard lock(mutex_);
  if (!ended_) ::kill(pid_, number);
}

bool Program::running() const {
  std::lock_guard lock(mutex_);
  return !ended_;
}

std::string Program::wait_in(const std::string& text,
                             const std::function<bool(const std::string&)>& wanted) {
  std::unique_lock lock(mutex_);
  std::size_t from = 0;
  std::string line;
  auto found = [&] {
    for (auto end = text.find('\n', from); end != std::string::npos; end = text.find('\n', from)) {
      line = text.substr(from, end - from);
      from = end + 1;
      if (wanted(line)) return true;
    }
    return false;
  };
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (!found()) {
    if (ended_ || changed_.wait_until(lock, deadline) == std::cv_status::timeout)
      throw std::runtime_error("the line did not come; out:\n" + out_ + "\nerr:\n" + err_);
  }
  return line;
}

std::string Program::wait_line(const std::function<bool(const std::string&)>& wanted) {
  return wait_in(out_, wanted);
}

std::string Program::wait_line(const std::string& part) {
  return wait_in(out_,
                 [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

std::string Program::wait_error_line(const std::string& part) {
  return wait_in(err_,
                 [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

Ended Program::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, limit, [this] { return ended_.has_value(); }))
    throw std::runtime_error("it did not end in time; out:\n" + out_ + "\nerr:\n" + err_);
  return *ended_;
}

std::string Program::out() const {
  std::lock_guard lock(mutex_);
  return out_;
}

std::string Program::err() const {
  std::lock_guard lock(mutex_);
  return err_;
}

Ended run_program(std::vector<std::string> argv, const std::string& cwd,
                  const Environment& environment) {
  return Program(std::move(argv), cwd, environment).wait();
}

}  // namespace muster::test
