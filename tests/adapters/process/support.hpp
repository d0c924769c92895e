#pragma once
// What the process tests share: temporary folders, messages from children, and waiting for their
// end.

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/io/io_loop.hpp"
#include "adapters/io/unique_fd.hpp"
#include "adapters/process/descendants.hpp"
#include "adapters/process/uv_process.hpp"

namespace muster::test {

/// Far longer than anything here takes: only a broken program waits for it.
constexpr std::chrono::seconds kPatience{30};

/// A folder that goes with the object.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "muster-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }
  [[nodiscard]] std::string str() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// A named pipe through which children report: `echo word > "$path"`.
class Mailbox {
 public:
  explicit Mailbox(std::string path) : path_(std::move(path)) {
    if (::mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    // Also open for writing, so that it never ends.
    fd_ = UniqueFd(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// The next line; throws when none comes.
  std::string line() {
    for (;;) {
      if (const auto end = held_.find('\n'); end != std::string::npos) {
        auto out = held_.substr(0, end);
        held_.erase(0, end + 1);
        return out;
      }
      pollfd polled{fd_.get(), POLLIN, 0};
      const std::chrono::milliseconds limit = kPatience;
      if (::poll(&polled, 1, static_cast<int>(limit.count())) <= 0) {
        throw std::runtime_error("no message from the child");
      }
      char buffer[4096];
      const auto count = ::read(fd_.get(), buffer, sizeof buffer);
      if (count > 0) held_.append(buffer, static_cast<std::size_t>(count));
    }
  }
  pid_t pid() { return static_cast<pid_t>(std::stol(line())); }

  /// Whether nothing has come so far.
  bool empty() {
    pollfd polled{fd_.get(), POLLIN, 0};
    return held_.empty() && ::poll(&polled, 1, 0) == 0;
  }

 private:
  std::string path_;
  UniqueFd fd_;
  std::string held_;
};

/// A script that starts a grandchild, one in its own session, one that ignores TERM, tells the pids
/// of them all and of itself, and runs on.
inline std::string family(const std::string& mailbox) {
  return "sleep 1000 & echo $! > " + mailbox +                             //
         "; setsid sh -c 'echo $$ > " + mailbox + "; sleep 1000; :' & " +  //
         "(trap '' TERM; exec sh -c 'echo $$ > " + mailbox + "; while :; do sleep 1000; done') & " +
         "echo $$ > " + mailbox + "; wait";
}

inline std::vector<pid_t> four_pids(Mailbox& mail) {
  return {mail.pid(), mail.pid(), mail.pid(), mail.pid()};
}

/// Waits until a process has ended; reaps it when it is ours (the tests are a subreaper: orphans
/// are).
inline bool ends(pid_t pid, std::chrono::milliseconds patience = kPatience) {
  const UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) return errno == ESRCH;
  pollfd polled{fd.get(), POLLIN, 0};
  const bool over = ::poll(&polled, 1, static_cast<int>(patience.count())) > 0;
  if (over) ::waitpid(pid, nullptr, WNOHANG);
  return over;
}

/// Waits until everything below us has ended, and reaps it: for tests that make orphans on purpose.
inline bool adopted_end() {
  bool all = true;
  for (const pid_t pid : descendants_of(::getpid())) all = ends(pid) && all;
  return all;
}

inline bool lives(pid_t pid) { return !ends(pid, std::chrono::milliseconds{0}); }

/// Waits for our child and returns its wait status; -1 when it does not end.
inline int status_of(pid_t pid) {
  const UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd polled{fd.get(), POLLIN, 0};
  const std::chrono::milliseconds limit = kPatience;
  int status = -1;
  if (::poll(&polled, 1, static_cast<int>(limit.count())) > 0) ::waitpid(pid, &status, 0);
  return status;
}

inline std::string slurp(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// A loop and a port with this program as helper, and how to run things on it.
struct Bench {
  IoLoop loop;
  UvProcessPort port;

  Bench() : Bench(true) {}
  /// Without control groups, as on a machine that has none.
  explicit Bench(bool cgroups) : port(loop, UvProcessPort::Options{.cgroups = cgroups}) {}

  struct Running {
    std::shared_ptr<Process> process;
    std::shared_future<ProcessExit> exit;
    /// How it ended; throws when it does not.
    ProcessExit wait() const {
      if (exit.wait_for(kPatience) != std::future_status::ready) {
        throw std::runtime_error("the process does not end");
      }
      return exit.get();
    }
    [[nodiscard]] bool over() const {
      return exit.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
    }
  };

  Running start(ProcessSpec spec) {
    if (spec.cwd.empty()) spec.cwd = "/";
    const auto promise = std::make_shared<std::promise<ProcessExit>>();
    Running out;
    out.exit = promise->get_future().share();
    // A second call would throw, and end the test.
    out.process = port.start(std::move(spec),
                             [promise](ProcessExit exit) { promise->set_value(std::move(exit)); });
    return out;
  }
  Running shell(const std::string& script) { return start({.argv = {"sh", "-c", script}}); }
  ProcessExit run(ProcessSpec spec) { return start(std::move(spec)).wait(); }
  ProcessExit run_shell(const std::string& script) { return shell(script).wait(); }
};

}  // namespace muster::test
