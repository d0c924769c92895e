#include "tests/adapters/process/fake_engine.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <future>
#include <string>

#include "adapters/io/io_loop.hpp"
#include "adapters/process/keeper.hpp"
#include "adapters/process/uv_process.hpp"

namespace muster::test {
namespace {

void say(const std::string& mailbox, const std::string& word) {
  const UniqueFd fd(::open(mailbox.c_str(), O_WRONLY | O_CLOEXEC));
  const std::string line = word + "\n";
  if (::write(fd.get(), line.data(), line.size()) < 0) ::_exit(99);
}

[[noreturn]] void die_of(int sig) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::signal(sig, SIG_DFL);
  ::raise(sig);
  ::_exit(98);
}

int wait_for_signals(const std::string& mailbox) {
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  say(mailbox, std::to_string(::getpid()));
  for (;;) {
    int sig = 0;
    ::sigwait(&all, &sig);
    say(mailbox, ::sigabbrev_np(sig));
    if (sig == SIGINT) return 9;
  }
}

int run_jobs(const std::string& script, bool cgroups) {
  IoLoop loop;
  UvProcessPort port(loop, UvProcessPort::Options{.cgroups = cgroups});
  port.start({.argv = {"sh", "-c", script}, .cwd = "/"}, [](const ProcessExit&) {});
  for (;;) ::pause();
}

int follow_link(const std::string& mailbox) {
  IoLoop loop;
  std::promise<void> gone;
  const KeeperLink link(loop, take_keeper_fd(), [&] { gone.set_value(); });
  say(mailbox, std::to_string(::getpid()));
  gone.get_future().wait();
  say(mailbox, "gone");
  return 0;
}

}  // namespace

int fake_engine(int argc, char** argv) {
  const auto argument = [&](int i) { return std::string(i < argc ? argv[i] : ""); };
  const auto what = argument(0);
  const bool resumed = what == "crash" || what == "crash_once" ? take_resume_flag() : false;
  if (what == "exit") return std::atoi(argument(1).c_str());
  if (what == "wait") return wait_for_signals(argument(1));
  if (what == "jobs") return run_jobs(argument(1), argument(2) != "none");
  if (what == "link") return follow_link(argument(1));
  say(argument(1), resumed ? "resumed" : "fresh");
  if (what == "crash_once" && resumed) return 5;
  die_of(what == "crash" ? std::atoi(argument(2).c_str()) : SIGKILL);
}

}  // namespace muster::test
