// The model server as a process of its own: its command, and thousands of streams at once.

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapters/io/descriptor_limit.hpp"
#include "adapters/model/model_server.hpp"
#include "tests/adapters/http/server_raw_client.hpp"

using muster::scripted::ModelServerMain;
using muster::test::RawClient;
using nlohmann::json;

namespace {

/// A file that goes with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) {
    std::string pattern = std::filesystem::temp_directory_path() / "muster-scenario-XXXXXX";
    const int fd = ::mkstemp(pattern.data());
    REQUIRE(fd >= 0);
    ::close(fd);
    path_ = pattern;
    std::ofstream(path_) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// model_server_main in a child; stdout and stderr come through one pipe.
class ServerProcess {
 public:
  explicit ServerProcess(const std::string& scenario) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    std::cout.flush();  // or the child writes it a second time
    std::fflush(stdout);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::dup2(ends[1], STDOUT_FILENO);
      ::dup2(ends[1], STDERR_FILENO);
      ModelServerMain options;
      options.scenario = scenario;
      ::_exit(muster::scripted::model_server_main(options));
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~ServerProcess() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    ::close(output_);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// One line of its output; what there was of it when the output ends.
  std::string line() {
    std::string out;
    char c = 0;
    while (::read(output_, &c, 1) == 1 && c != '\n') out += c;
    return out;
  }

  /// The port that it says it listens on.
  std::uint16_t port() {
    const auto text = line();
    INFO(text);
    REQUIRE(text.starts_with("listening on http://127.0.0.1:"));
    REQUIRE(text.ends_with("/v1"));
    return static_cast<std::uint16_t>(std::stoi(text.substr(30)));
  }

  /// Its exit code, or -1 when a signal ended it. `signal` is sent first unless it is 0.
  int end(int signal) {
    if (signal != 0) ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

/// N streams over epoll; counts those that came to their end.
class Crowd {
 public:
  Crowd(std::uint16_t port, std::size_t size, const std::string& agent)
      : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    const std::string body =
        R"({"model":"m","stream":true,"messages":[{"role":"user","content":"[muster agent=)" +
        agent + R"( task=T]\nx"}]})";
    const auto request =
        "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (std::size_t i = 0; i < size; ++i) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      REQUIRE(fd >= 0);
      fds_.push_back(fd);
      REQUIRE(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
      REQUIRE(::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(request.size()));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.fd = fd;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }
    tails_.resize(static_cast<std::size_t>(fds_.back()) + 1);
  }
  ~Crowd() {
    for (const int fd : fds_) ::close(fd);
    ::close(epoll_);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  /// Reads until `wanted` streams have ended; returns how many have after a minute without a byte.
  std::size_t read(std::size_t wanted) {
    std::array<epoll_event, 256> ready{};
    while (finished_ < wanted) {
      const int count = ::epoll_wait(epoll_, ready.data(), ready.size(), 60'000);
      if (count <= 0) break;
      for (int i = 0; i < count; ++i) read_one(ready[static_cast<std::size_t>(i)].data.fd);
    }
    return finished_;
  }

 private:
  void read_one(int fd) {
    std::array<char, 8192> buffer{};
    const auto size = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    auto& tail = tails_[static_cast<std::size_t>(fd)];
    if (size > 0) tail.append(buffer.data(), static_cast<std::size_t>(size));
    const bool done = tail.find("data: [DONE]\n\n\r\n0\r\n\r\n") != std::string::npos;
    if (done) ++finished_;
    if (done || size <= 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  }

  int epoll_;
  std::vector<int> fds_;
  std::vector<std::string> tails_;
  std::size_t finished_ = 0;
};

/// How many streams this test may open: the child has the same limit.
std::size_t affordable(std::size_t wanted) {
  const auto limit = muster::raise_descriptor_limit();
  return std::min<std::size_t>(wanted, limit > 300 ? limit - 300 : 0);
}

/// Asks for the statistics until that many calls are in flight; each question is a round trip.
json stats_with(RawClient& client, std::size_t in_flight) {
  json stats;
  for (int i = 0; i < 200'000; ++i) {
    stats = json::parse(client.ask("GET", "/stats").body);
    if (stats["in_flight"] == in_flight) break;
  }
  return stats;
}

void hold_streams(std::size_t count) {
  const TemporaryFile scenario(R"({"rules": [
    {"when": {"agent": "idle"}, "then": {"text": "never all of it", "fault": "hang_mid_stream"}},
    {"then": {"text": "one two three four five six seven", "chunk_chars": 5, "latency_ms": 1500,
              "token_delay_ms": 100}}]})");
  ServerProcess server(scenario.path());
  const auto port = server.port();
  RawClient client(port);
  {
    // None of these ends by itself, so all of them are open together, however slow the machine is.
    const Crowd idle(port, count, "idle");
    const auto stats = stats_with(client, count);
    CHECK(stats["in_flight"] == count);
    CHECK(stats["max_in_flight"] == count);
  }
  CHECK(stats_with(client, 0)["clients_left"] == count);
  CHECK(client.ask("POST", "/reset").status == 200);
  {
    Crowd crowd(port, count, "crowd");
    CHECK(crowd.read(count) == count);
  }
  const auto stats = stats_with(client, 0);
  CHECK(stats["calls"] == count);
  CHECK(stats["in_flight"] == 0);
  CHECK(stats["errors"].empty());
  CHECK(stats["clients_left"] == 0);
  CHECK(server.end(SIGTERM) == 0);
}

}  // namespace

TEST_CASE("the command says where it listens and ends on SIGTERM and SIGINT", "[model_server]") {
  const TemporaryFile scenario(R"({"rules": [{"then": {"text": "hi"}}]})");
  for (const int signal : {SIGTERM, SIGINT}) {
    ServerProcess server(scenario.path());
    RawClient client(server.port());
    CHECK(client.ask("GET", "/v1/models").status == 200);
    CHECK(server.end(signal) == 0);
    CHECK(server.line().empty());
  }
}

TEST_CASE("a bad scenario ends the command with 2 and names file, line and rule",
          "[model_server]") {
  const TemporaryFile scenario(
      "{\"rules\": [\n{\"then\": {\"text\": \"a\"}},\n{\"then\": {\"txt\": 1}}]}");
  ServerProcess server(scenario.path());
  CHECK(server.line() == scenario.path() +
                             ":3: rules[1].then.txt: unknown key (known here: chunk_chars, fault, "
                             "finish_reason, latency_ms, reasoning, text, token_delay_ms, "
                             "tool_calls, usage)");
  CHECK(server.end(0) == 2);
}

TEST_CASE("1,000 streams at once", "[model_server]") {
  REQUIRE(affordable(1000) == 1000);
  hold_streams(1000);
}

TEST_CASE("10,000 streams at once", "[model_server]") {
  if (affordable(10'000) < 10'000) {
    SKIP("the hard limit of open files is too low: " << muster::raise_descriptor_limit());
  }
  hold_streams(10'000);
}
