#include "adapters/process/piped_process.hpp"

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

#include "adapters/io/unique_fd.hpp"
#include "adapters/io/wall_clock.hpp"
#include "adapters/process/job_helper.hpp"
#include "adapters/process/spawn.hpp"

namespace muster {
namespace {

using job_protocol::Kind;
using job_protocol::Report;
using std::chrono::milliseconds;

constexpr std::size_t kPiece = 65536;
constexpr int kPipeSize = 262144;
constexpr milliseconds kLongestReapPause{50};

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error(errno, "cannot make a pipe");
  ::fcntl(ends[1], F_SETPIPE_SZ, kPipeSize);  // a wish, not a need
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// One bounded piece; nullopt at the end of the stream, "" when there is nothing at the moment.
std::optional<std::string_view> read_piece(int fd, std::array<char, kPiece>& buffer) {
  const auto count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) return std::string_view(buffer.data(), static_cast<std::size_t>(count));
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::string_view();
  return std::nullopt;
}

/// A helper whose socket is closed on either side is about to exit: no event says when.
void reap(IoLoop& loop, pid_t helper, milliseconds pause) {
  if (::waitpid(helper, nullptr, WNOHANG) != 0) return;
  loop.run_after(pause, [&loop, helper, pause] {
    reap(loop, helper, std::min(pause * 2, kLongestReapPause));
  });
}

/// Bytes that stand in a pipe.
int waiting_in(const std::optional<FdWatcher>& pipe) {
  int waiting = 0;
  if (!pipe || ::ioctl(pipe->fd(), FIONREAD, &waiting) != 0) return 0;
  return waiting;
}

}  // namespace

std::shared_ptr<PipedProcess> PipedProcess::start(IoLoop& loop, PipedSpec spec, OnOutput on_output,
                                                  OnExit on_exit) {
  loop.assert_on_loop();
  std::shared_ptr<PipedProcess> out(
      new PipedProcess(loop, std::move(spec), std::move(on_output), std::move(on_exit)));
  out->started_at_ms_ = wall_ms();
  if (auto spawned = out->spawn_helper(); !spawned) {
    loop.post([out, error = spawned.error()] {
      ProcessExit exit;
      exit.start_error = error;
      out->finish(std::move(exit));
    });
  }
  return out;
}

PipedProcess::PipedProcess(IoLoop& loop, PipedSpec spec, OnOutput on_output, OnExit on_exit)
    : loop_(loop),
      spec_(std::move(spec)),
      on_output_(std::move(on_output)),
      on_exit_(std::move(on_exit)),
      errors_(spec_.error_bytes) {}

PipedProcess::~PipedProcess() {
  control_.reset();  // to the helper the end of the socket is the order to end everything
  if (helper_ != 0) reap(loop_, helper_, milliseconds{1});
}

Status PipedProcess::spawn_helper() {
  if (spec_.argv.empty()) return Error{ErrorCode::invalid_argument, "a command needs a name"};
  std::array<int, 2> control{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control.data()) != 0)
    return errno_error(errno, "cannot make a control socket");
  UniqueFd ours(control[0]);
  const UniqueFd theirs(control[1]);
  auto in = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  for (const auto* pipe : {&in, &out, &err})
    if (!*pipe) return pipe->error();
  auto argv = job_helper_arguments(spec_.kill_grace, "", spec_.cwd, spec_.argv);
  argv.insert(argv.begin(), "muster");
  auto pid = spawn({.file = spec_.helper_binary,
                    .argv = std::move(argv),
                    .env = child_environment(spec_.unset_env, spec_.env),
                    .fds = {{in->reader.get(), 0},
                            {out->writer.get(), 1},
                            {err->writer.get(), 2},
                            {theirs.get(), job_protocol::kControlFd}},
                    .new_session = true});
  if (!pid) return pid.error();
  helper_ = *pid;
  // The watchers do not outlive the object, which goes on this thread.
  input_.emplace(loop_, std::move(in->writer), spec_.max_unsent);
  control_.emplace(loop_, std::move(ours), [this] { read_control(); });
  output_.emplace(loop_, std::move(out->reader), [this] {
    const auto keep = shared_from_this();
    if (!read_output()) output_.reset();
  });
  error_output_.emplace(loop_, std::move(err->reader), [this] {
    if (!read_errors()) error_output_.reset();
  });
  return ok_status();
}

Status PipedProcess::write(std::string_view bytes) {
  if (!input_) return Error{ErrorCode::unavailable, "the process has ended"};
  return input_->write(bytes);
}

void PipedProcess::kill() {
  if (std::exchange(kill_asked_, true) || !control_) return;
  // A full socket cannot be: this is the only packet. A dead helper shows as the end of its stream.
  ::send(control_->fd(), &job_protocol::kEnd, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void PipedProcess::read_control() {
  const auto keep = shared_from_this();
  Report report{};
  const auto count = ::recv(control_->fd(), &report, sizeof report, MSG_DONTWAIT);
  if (count == sizeof report)
    handle(report);
  else if (count >= 0 || (errno != EAGAIN && errno != EINTR))
    helper_gone();
}

void PipedProcess::handle(const Report& report) {
  ProcessExit exit;
  switch (report.kind) {
    case Kind::started:
      pid_ = report.value;
      return;
    case Kind::cwd_failed:
      exit.start_error = errno_error(report.value, "cannot enter '" + spec_.cwd + "'");
      break;
    case Kind::exec_failed:
      exit.start_error = errno_error(report.value, "cannot start '" + spec_.argv.front() + "'");
      break;
    case Kind::exited:
      exit.exit_code = report.value;
      break;
    case Kind::signalled:
      exit.signal = report.value;
      break;
  }
  exit.killed = kill_asked_ && report.end_was_asked != 0;
  finish(std::move(exit));
}

/// The helper goes last; when it goes without a word, something killed it, and its child with it
/// (PR_SET_PDEATHSIG).
void PipedProcess::helper_gone() {
  control_.reset();
  if (!finished_) {
    ProcessExit exit;
    exit.signal = SIGKILL;
    exit.killed = kill_asked_;
    finish(std::move(exit));
  }
  reap(loop_, std::exchange(helper_, 0), milliseconds{1});
}

/// False at the end of the stream.
bool PipedProcess::read_output() {
  std::array<char, kPiece> buffer;
  const auto piece = read_piece(output_->fd(), buffer);
  if (!piece) return false;
  if (!piece->empty() && on_output_) {
    const auto on_output = on_output_;  // the callback may take it away
    on_output(*piece);
  }
  return true;
}

bool PipedProcess::read_errors() {
  std::array<char, kPiece> buffer;
  const auto piece = read_piece(error_output_->fd(), buffer);
  if (piece) errors_.add(*piece);
  return piece.has_value();
}

/// What the child wrote stands in its pipes when it has exited. What a grandchild adds from now on
/// is not waited for.
void PipedProcess::drain() {
  for (int left = waiting_in(error_output_); left > 0; left -= static_cast<int>(kPiece))
    if (!read_errors()) break;
  error_output_.reset();
  for (int left = waiting_in(output_); left > 0; left -= static_cast<int>(kPiece))
    if (!read_output()) break;
  output_.reset();
}

void PipedProcess::finish(ProcessExit exit) {
  if (std::exchange(finished_, true)) return;
  drain();
  input_.reset();
  exit.started_at_ms = started_at_ms_;
  exit.duration_ms = std::chrono::duration_cast<milliseconds>(Clock::now() - started_).count();
  exit.output = errors_.tail(spec_.error_bytes);
  const auto on_exit = std::exchange(on_exit_, nullptr);
  on_output_ = nullptr;
  if (on_exit) on_exit(exit);
}

}  // namespace muster
