#include "adapters/process/uv_job.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "adapters/io/wall_clock.hpp"
#include "adapters/process/descendants.hpp"
#include "adapters/process/job_helper.hpp"
#include "adapters/process/spawn.hpp"

namespace muster {
namespace {

using job_protocol::Kind;
using job_protocol::Report;
using std::chrono::milliseconds;

const std::string kMark = "MUSTER_JOB=";
constexpr std::size_t kPiece = 65536;
// Fewer switches between a loud child and us than with the usual 64 KiB; a wish, not a need.
constexpr int kPipeSize = 262144;
constexpr milliseconds kLongestReapPause{50};
constexpr milliseconds kMarkPause{10};
constexpr int kMarkRounds = 200;

}  // namespace

UvJob::UvJob(IoLoop& loop, ProcessSpec spec, std::function<void(ProcessExit)> on_exit)
    : loop_(loop), spec_(std::move(spec)), on_exit_(std::move(on_exit)), ring_(spec_.ring_bytes) {}

// ---- Process: any thread
// -----------------------------------------------------------------------------

void UvJob::kill() {
  if (finished_) return;
  // A stopped loop has no running job left.
  loop_.post([self = shared_from_this()] { self->ask_end(Ending::killed); });
}

std::string UvJob::tail(std::size_t max_bytes) const {
  const std::lock_guard lock(ring_mutex_);
  return ring_.tail(max_bytes);
}

std::uint64_t UvJob::output_bytes() const {
  const std::lock_guard lock(ring_mutex_);
  return ring_.total();
}

// ---- start: loop thread
// ------------------------------------------------------------------------------

bool UvJob::launch(const std::string& helper, const std::vector<std::string>& base_env,
                   const std::string& mark, std::shared_ptr<const JobCgroups> cgroups,
                   std::function<void()> on_gone) {
  if (ending_ != Ending::none) {
    refuse(Error{ErrorCode::cancelled, "killed before it started"});
    return false;
  }
  mark_ = mark;
  cgroups_ = std::move(cgroups);
  const auto pid = spawn_helper(helper, base_env);
  if (!pid) {
    refuse(pid.error());
    return false;
  }
  helper_ = *pid;
  on_gone_ = std::move(on_gone);
  started_ = Clock::now();
  started_at_ms_ = wall_ms();
  if (spec_.deadline) {
    deadline_ = loop_.run_after(*spec_.deadline, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->ask_end(Ending::deadline);
    });
  }
  return true;
}

Result<pid_t> UvJob::spawn_helper(const std::string& helper,
                                  const std::vector<std::string>& base_env) {
  if (spec_.argv.empty()) return Error{ErrorCode::invalid_argument, "a command needs a name"};
  std::array<int, 2> control{};
  std::array<int, 2> pipe{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control.data()) != 0) {
    return errno_error(errno, "cannot make a control socket");
  }
  UniqueFd ours(control[0]);
  const UniqueFd theirs(control[1]);
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return errno_error(errno, "cannot make a pipe");
  ::fcntl(pipe[1], F_SETPIPE_SZ, kPipeSize);
  UniqueFd reader(pipe[0]);
  const UniqueFd writer(pipe[1]);
  const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nothing) return errno_error(errno, "cannot open /dev/null");
  const auto leaf = cgroups_ ? cgroups_->leaf(mark_) : std::string();
  auto argv = job_helper_arguments(spec_.kill_grace, leaf, spec_.cwd, spec_.argv);
  argv.insert(argv.begin(), "muster");
  auto env = child_environment(base_env, spec_.unset_env, spec_.env);
  env.push_back(kMark + mark_);
  auto pid = spawn({.file = helper,
                    .argv = std::move(argv),
                    .env = std::move(env),
                    .fds = {{nothing.get(), 0},
                            {writer.get(), 1},
                            {writer.get(), 2},
                            {theirs.get(), job_protocol::kControlFd}},
                    .new_session = true});
  if (!pid) return pid;
  // The watchers do not outlive the job: they go at its end, on this thread.
  control_.emplace(loop_, std::move(ours), [this] { read_control(); });
  output_.emplace(loop_, std::move(reader), [this] { read_output(); });
  return pid;
}

void UvJob::refuse(Error error) {
  ProcessExit exit;
  exit.killed = ending_ == Ending::killed;
  exit.start_error = std::move(error);
  exit.started_at_ms = wall_ms();
  started_ = Clock::now();
  finish(std::move(exit));
}

// ---- the end
// -----------------------------------------------------------------------------------------

void UvJob::ask_end(Ending why) {
  if (finished_ || ending_ != Ending::none) return;
  ending_ = why;
  // A full socket cannot be: this is the only packet. A dead helper shows as the end of its stream.
  if (control_) {
    ::send(control_->fd(), &job_protocol::kEnd, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
  }
}

void UvJob::read_control() {
  const auto keep = shared_from_this();
  Report report{};
  const auto count = ::recv(control_->fd(), &report, sizeof report, MSG_DONTWAIT);
  if (count == sizeof report) {
    handle(report);
  } else if (count >= 0 || (errno != EAGAIN && errno != EINTR)) {
    helper_gone();
  }
}

void UvJob::handle(const Report& report) {
  switch (report.kind) {
    case Kind::started:
      pid_ = report.value;
      break;
    case Kind::cwd_failed:
      refuse(errno_error(report.value, "cannot enter '" + spec_.cwd + "'"));
      break;
    case Kind::exec_failed:
      refuse(errno_error(report.value, "cannot start '" + spec_.argv.front() + "'"));
      break;
    case Kind::exited:
    case Kind::signalled:
      ended(report);
      break;
  }
}

void UvJob::ended(const Report& report) {
  ProcessExit exit;
  if (report.kind == Kind::signalled) {
    exit.signal = report.value;
  } else {
    exit.exit_code = report.value;
  }
  exit.timed_out = report.end_was_asked != 0 && ending_ == Ending::deadline;
  exit.killed = report.end_was_asked != 0 && ending_ == Ending::killed;
  finish(std::move(exit));
}

void UvJob::abandon() {
  ending_ = Ending::killed;
  ProcessExit exit;
  exit.signal = SIGKILL;
  exit.killed = true;
  finish(std::move(exit));
  control_.reset();
}

void UvJob::finish(ProcessExit exit) {
  if (finished_) return;
  drain_output();
  if (deadline_) deadline_->cancel();
  const auto duration = Clock::now() - started_;
  exit.duration_ms = std::chrono::duration_cast<milliseconds>(duration).count();
  if (exit.started_at_ms == 0) exit.started_at_ms = started_at_ms_;
  exit.output = tail(spec_.ring_bytes);
  exit.output_bytes = output_bytes();
  exit.output_digest = digest_.hex();
  finished_ = true;
  const auto on_exit = std::move(on_exit_);
  on_exit_ = nullptr;
  if (on_exit) on_exit(std::move(exit));
}

/// The helper goes last; when it goes without a word, something killed it.
void UvJob::helper_gone() {
  control_.reset();
  if (finished_) {
    reap_helper(milliseconds{1});
    return;
  }
  if (pid_ == 0) {
    refuse(Error{ErrorCode::io_error, "the job helper ended before the command started"});
  } else {
    ProcessExit exit;
    exit.signal = SIGKILL;  // the child dies with its helper
    exit.killed = ending_ == Ending::killed;
    exit.timed_out = ending_ == Ending::deadline;
    finish(std::move(exit));
  }
  end_marked(kMarkRounds);
}

void UvJob::reap_helper(milliseconds pause) {
  const pid_t got = ::waitpid(helper_, nullptr, WNOHANG);
  if (got == 0) {
    // It has closed its socket, so it is about to exit.
    loop_.run_after(pause, [self = shared_from_this(), pause] {
      self->reap_helper(std::min(pause * 2, kLongestReapPause));
    });
    return;
  }
  if (const auto on_gone = std::exchange(on_gone_, nullptr)) on_gone();
}

/// Ends what a killed helper could not end. Its descendants moved elsewhere in the tree, but they
/// are in the job's leaf still, and their environment names the job.
void UvJob::end_marked(int rounds) {
  const bool leaf_gone = !cgroups_ || cgroups_->end(mark_);
  const auto mark = kMark + mark_;
  const auto found = processes_with_env(mark);
  for (const pid_t pid : found) {
    if (pid != helper_) signal_if(pid, SIGKILL, [&] { return has_env(pid, mark); });
  }
  const bool left = !found.empty() || !leaf_gone;
  const bool again = rounds > 0 && (left || rounds == kMarkRounds);
  if (!again) {
    reap_helper(milliseconds{1});
    return;
  }
  // Once more also when nothing was found: an exec hides the environment for a moment.
  loop_.run_after(kMarkPause,
                  [self = shared_from_this(), rounds] { self->end_marked(rounds - 1); });
}

// ---- output
// ------------------------------------------------------------------------------------------

/// One piece each turn of the loop: a job that floods its pipe gets no more of the thread than the
/// others.
void UvJob::read_output() {
  if (!read_piece()) output_.reset();
}

/// False at the end of the stream.
bool UvJob::read_piece() {
  std::array<char, kPiece> buffer;
  const auto count = ::read(output_->fd(), buffer.data(), buffer.size());
  if (count < 0) return errno == EAGAIN || errno == EINTR;
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(count));
  digest_.update(bytes);
  const std::lock_guard lock(ring_mutex_);
  ring_.add(bytes);
  return count > 0;
}

/// What the child wrote stands in the pipe when it has exited. What a grandchild adds from now on
/// is not waited for: the pipe is closed under it.
void UvJob::drain_output() {
  if (!output_) return;
  int waiting = 0;
  if (::ioctl(output_->fd(), FIONREAD, &waiting) != 0) waiting = 0;
  for (; waiting > 0; waiting -= static_cast<int>(kPiece)) {
    if (!read_piece()) break;
  }
  output_.reset();
}

}  // namespace muster
