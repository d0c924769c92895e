#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <csignal>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/adapters/http/client_support.hpp"

namespace {

using muster::ErrorCode;
using muster::test::ClientFixture;

/// A child of the test; ended with it.
class Child {
 public:
  Child(std::vector<std::string> arguments, int output) {
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (output >= 0) {
      posix_spawn_file_actions_adddup2(&actions, output, 1);
    } else {
      posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    }
    if (posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Child() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    wait();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool wait() {
    int status = -1;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status == 0;
  }

 private:
  pid_t pid_ = -1;
};

/// `openssl s_server` with a fresh certificate for localhost that nobody has signed.
class TlsServer {
 public:
  explicit TlsServer(const std::filesystem::path& folder) : certificate_(folder / "cert.pem") {
    const std::string key = folder / "key.pem";
    Child make({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-keyout", key, "-out", certificate_, "-days", "2", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"},
               -1);
    if (!make.wait()) return;
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return;
    server_.emplace(std::vector<std::string>{"openssl", "s_server", "-accept", "127.0.0.1:0",
                                             "-cert", certificate_, "-key", key, "-www"},
                    pipe[1]);
    ::close(pipe[1]);
    port_ = read_port(pipe[0]);
    output_ = pipe[0];
  }
  ~TlsServer() {
    server_.reset();
    if (output_ >= 0) ::close(output_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] bool ready() const { return !port_.empty(); }
  [[nodiscard]] std::string url(const std::string& host) const {
    return "https://" + host + ":" + port_ + "/";
  }
  [[nodiscard]] const std::string& certificate() const { return certificate_; }

 private:
  /// From the line "ACCEPT 127.0.0.1:40123".
  static std::string read_port(int fd) {
    std::string text;
    std::array<char, 512> bytes{};
    const std::string mark = "ACCEPT 127.0.0.1:";
    while (true) {
      const auto at = text.find(mark);
      const auto end = at == std::string::npos ? at : text.find('\n', at);
      if (end != std::string::npos) return text.substr(at + mark.size(), end - at - mark.size());
      const auto count = ::read(fd, bytes.data(), bytes.size());
      if (count <= 0) return {};
      text.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }

  std::string certificate_;
  std::optional<Child> server_;
  std::string port_;
  int output_ = -1;
};

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "muster-tls-XXXXXX";
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("TLS: a certificate is verified, and so is its name") {
  const Folder folder;
  const TlsServer server(folder.path);
  if (!server.ready()) SKIP("no openssl program to make a certificate and a server with");
  {
    ClientFixture distrusting;
    const auto result = distrusting.get(server.url("localhost"));
    REQUIRE(result.error);
    CHECK(result.error->code == ErrorCode::network);
    CHECK(result.error->message.find("certificate") != std::string::npos);
    CHECK(result.head.status == 0);
  }
  ClientFixture trusting({.ca_file = server.certificate()});
  const auto good = trusting.get(server.url("localhost"));
  INFO((good.error ? good.error->message : ""));
  CHECK_FALSE(good.error);
  CHECK(good.head.status == 200);
  const auto other_name = trusting.get(server.url("127.0.0.1"));
  REQUIRE(other_name.error);
  CHECK(other_name.error->code == ErrorCode::network);
}
