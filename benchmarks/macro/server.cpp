#include "benchmarks/macro/server.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "adapters/process/spawn.hpp"

namespace muster::bench {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

}  // namespace

Result<Child> Child::start(const std::vector<std::string>& argv) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error(errno, "pipe");
  SpawnSpec spec;
  spec.file = argv.front();
  spec.argv = argv;
  spec.env = own_environment();
  spec.fds = {{ends[1], 1}, {2, 2}};
  auto pid = spawn(spec);
  ::close(ends[1]);
  if (!pid) {
    ::close(ends[0]);
    return pid.error();
  }
  return Child(*pid, ends[0]);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      output_(std::exchange(other.output_, -1)),
      buffer_(std::move(other.buffer_)) {}

Child::~Child() {
  stop();
  if (output_ >= 0) ::close(output_);
}

Result<std::string> Child::line(std::chrono::seconds at_most) {
  const auto deadline = Clock::now() + at_most;
  while (true) {
    if (auto end = buffer_.find('\n'); end != std::string::npos) {
      auto line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    pollfd wanted{output_, POLLIN, 0};
    if (left <= 0ms || ::poll(&wanted, 1, static_cast<int>(left.count())) <= 0)
      return Error{ErrorCode::timeout, "the process said nothing"};
    char bytes[4096];
    auto size = ::read(output_, bytes, sizeof bytes);
    if (size <= 0) return Error{ErrorCode::unavailable, "the process ended"};
    buffer_.append(bytes, static_cast<std::size_t>(size));
  }
}

std::chrono::microseconds Child::cpu() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  auto after_name = text.rfind(')');
  if (after_name == std::string::npos) return {};
  std::istringstream fields(text.substr(after_name + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;  // state is field 3; utime is 14
  long user = 0;
  long system = 0;
  fields >> user >> system;
  return std::chrono::microseconds((user + system) * 1'000'000 / ::sysconf(_SC_CLK_TCK));
}

void Child::stop() {
  if (pid_ <= 0) return;
  const auto pid = std::exchange(pid_, 0);
  ::kill(pid, SIGTERM);
  for (auto until = Clock::now() + 5s; Clock::now() < until;) {
    if (::waitpid(pid, nullptr, WNOHANG) != 0) return;
    std::this_thread::sleep_for(5ms);
  }
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

Result<ModelServer> ModelServer::start(const std::string& program, const std::string& scenario) {
  auto process = Child::start({program, "model-server", "--scenario", scenario});
  if (!process) return process.error();
  auto said = process->line(30s);
  if (!said) return said.error();
  auto at = said->find("http://");
  if (at == std::string::npos)
    return Error{ErrorCode::malformed, "the model server said: " + *said};
  return ModelServer{std::move(*process), said->substr(at)};
}

}  // namespace muster::bench
