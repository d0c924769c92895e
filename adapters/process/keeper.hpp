#pragma once
// The process that a person starts: it holds the terminal and keeps an engine running.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/io/io_loop.hpp"
#include "adapters/io/unique_fd.hpp"

namespace muster {

/// What keeper_main starts and how patient it is.
struct KeeperOptions {
  std::string engine_binary = "/proc/self/exe";
  std::vector<std::string> engine_args;  ///< follow `__engine` on the engine's command line
  std::string mission;   ///< what a new mission is to be called; see take_mission_name
  int max_restarts = 3;  ///< within restart_window
  std::chrono::milliseconds restart_window{300000};
  /// How long the helpers of a dead engine get to end their jobs before the keeper kills what is
  /// left.
  std::chrono::milliseconds orphan_grace{5000};
  /// A second interrupt that follows sooner is the same one, told twice (a terminal signals the
  /// whole group, and launchers such as npm pass it on as well).
  std::chrono::milliseconds same_interrupt{250};
};

/// Runs the engine until it exits and returns its exit code. Call it with one thread, before
/// anything else is started; it changes the signal mask of the process.
///
/// The engine is `<engine_binary> __engine <engine_args>` with the same descriptors, in a session
/// of its own: what the terminal sends arrives here. SIGINT and SIGTERM are passed on (the engine
/// drains); the second one kills the engine and all below it (130). SIGTSTP stops both, SIGCONT
/// continues both. SIGHUP only lets go of the terminal. SIGWINCH, SIGUSR1 and SIGUSR2 are passed
/// on.
///
/// An engine that dies of a signal is started again with MUSTER_RESUME=1, after everything that it
/// left behind has ended; the fourth time within the window the keeper gives up with a line on
/// stderr and 1. The keeper is the child subreaper: nothing below it outlives it. Should the keeper
/// itself be killed, the engine learns it from KeeperLink.
int keeper_main(const KeeperOptions& options);

/// Whether the command line is that of an engine under a keeper (`__engine` is its first argument).
bool is_engine(int argc, char** argv);

/// The engine's end of the pipe to its keeper; empty without a keeper. Once, at the start of the
/// engine, before it has threads: takes MUSTER_KEEPER_FD out of the environment and makes the
/// descriptor close-on-exec.
UniqueFd take_keeper_fd();

/// When the keeper began (wall clock, ms), if it asks to resume after a crash; takes MUSTER_RESUME
/// out of the environment. As above.
std::optional<std::int64_t> take_resume_time();
/// Whether it asks. As above.
bool take_resume_flag();

/// The name that the keeper has for a mission that the engine starts, so that the engine after a
/// crash finds that one and no other; takes MUSTER_MISSION out of the environment. Empty without
/// one. As above.
std::string take_mission_name();

/// Calls `on_gone`, once, on the loop thread, when the keeper has died. Destroy it before the loop
/// stops.
class KeeperLink {
 public:
  KeeperLink(IoLoop& loop, UniqueFd fd, std::function<void()> on_gone);
  ~KeeperLink();
  KeeperLink(const KeeperLink&) = delete;
  KeeperLink& operator=(const KeeperLink&) = delete;

 private:
  struct Watch;
  IoLoop& loop_;
  std::shared_ptr<Watch> watch_;
};

}  // namespace muster
