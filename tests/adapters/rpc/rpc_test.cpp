#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <thread>

#include "adapters/io/io_loop.hpp"
#include "adapters/rpc/json_rpc.hpp"
#include "adapters/rpc/rpc_client.hpp"
#include "adapters/rpc/rpc_server.hpp"
#include "adapters/rpc/unix_socket.hpp"
#include "adapters/rpc/workspace_lock.hpp"

using namespace muster;
using namespace muster::rpc;
using Catch::Matchers::ContainsSubstring;
using json = nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "muster-rpc-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

/// A server with a few methods, on a real socket.
class Engine {
 public:
  explicit Engine(RpcServerOptions options = {}) {
    options.socket_path = folder.path + "/state/control.sock";
    options.methods = {"echo", "fail", "throw", "forget", "hold", "attach", "later"};
    options.info = {{"pid", 42}};
    options.on_disconnect = [this](ClientId) { ++disconnects; };
    auto made =
        RpcServer::listen(loop, std::move(options),
                          [this](const std::string& method, const json& params, ClientId client,
                                 const Reply& reply) { handle(method, params, client, reply); });
    if (!made.ok()) FAIL(made.error().text());
    server = std::move(*made);
  }
  ~Engine() {
    for (auto& thread : threads) thread.join();
  }

  RpcClient client() {
    auto made = RpcClient::connect(server->path(), patience);
    if (!made.ok()) FAIL(made.error().text());
    return std::move(*made);
  }

  Folder folder;
  IoLoop loop;
  std::unique_ptr<RpcServer> server;
  std::atomic<int> disconnects{0};
  std::atomic<int> held_count{0};
  std::promise<ClientId> attached;
  std::vector<Reply> held;  ///< loop thread

 private:
  void handle(const std::string& method, const json& params, ClientId client, const Reply& reply) {
    if (method == "echo") reply(params);
    if (method == "fail") reply(Error{ErrorCode::conflict, "held by another", "M1.T1"});
    if (method == "throw") reply(json(params.at("missing")));
    if (method == "hold") {
      held.push_back(reply);
      ++held_count;
    }
    if (method == "attach") {
      reply(json::object());
      attached.set_value(client);
    }
    if (method == "later")
      threads.emplace_back([reply] { reply(json{{"from", "another thread"}}); });
    // "forget" drops its reply.
  }

  std::vector<std::thread> threads;
};

/// A connection without manners.
class Raw {
 public:
  explicit Raw(const std::string& path) : fd_(std::move(*connect_unix(path))) {
    timeval limit{20, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::fcntl(fd_.get(), F_SETFL, 0);  // blocking, with the timeout above
  }
  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      REQUIRE(size > 0);
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
  }
  json line() {
    std::string text;
    char c = 0;
    while (::recv(fd_.get(), &c, 1, 0) == 1 && c != '\n') text += c;
    return json::parse(text, nullptr, false);
  }
  bool at_end() {
    char c = 0;
    return ::recv(fd_.get(), &c, 1, 0) == 0;
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void initialize() {
    send(make_request(0, "initialize", {{"protocol_version", 1}}));
    REQUIRE(line()["result"]["protocol_version"] == 1);
  }
  UniqueFd fd_;
};

int error_code(const json& message) {
  return message.is_object() && message.contains("error") ? message["error"]["code"].get<int>() : 0;
}

}  // namespace

TEST_CASE("a call goes to the handler and its answer comes back") {
  Engine engine;
  auto client = engine.client();
  CHECK(client.server()["protocol_version"] == 1);
  CHECK(client.server()["pid"] == 42);
  CHECK(*client.call("echo", {{"a", 1}}, patience) == json{{"a", 1}});
  CHECK(*client.call("later", json::object(), patience) == json{{"from", "another thread"}});
}

TEST_CASE("failures keep their code, message and context") {
  Engine engine;
  auto client = engine.client();
  const auto failed = client.call("fail", json::object(), patience);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error() == Error{ErrorCode::conflict, "held by another", "M1.T1"});
  CHECK(client.call("throw", json::object(), patience).error().code == ErrorCode::invalid_argument);
  CHECK(client.call("forget", json::object(), patience).error().code == ErrorCode::internal);
  CHECK(client.call("nonsense", json::object(), patience).error().code ==
        ErrorCode::invalid_argument);
  CHECK(client.call("echo", json::array({1}), patience).error().code ==
        ErrorCode::invalid_argument);
  CHECK(client.call("echo", json::object(), patience).ok());
}

TEST_CASE("the socket is for its user alone") {
  Engine engine;
  struct stat info {};
  REQUIRE(::stat(engine.server->path().c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0600);
  REQUIRE(::stat((engine.folder.path + "/state").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0700);
}

TEST_CASE("initialize comes first and has a version") {
  Engine engine;
  Raw raw(engine.server->path());
  raw.send(make_request(1, "echo", json::object()));
  CHECK(error_code(raw.line()) == not_initialized);
  raw.send(make_request(2, "initialize", json::object()));
  CHECK(error_code(raw.line()) == invalid_params);
  raw.send(make_request(3, "initialize", {{"protocol_version", 99}}));
  CHECK(error_code(raw.line()) == wrong_version);
  raw.initialize();
  raw.send(make_request("x", "echo", {{"ok", true}}));
  const json reply = raw.line();
  CHECK(reply["id"] == "x");
  CHECK(reply["result"]["ok"] == true);
}

TEST_CASE("F6 malformed requests are answered and the engine lives") {
  Engine engine;
  Raw raw(engine.server->path());
  raw.initialize();
  const std::vector<std::pair<std::string, int>> cases{
      {"{oops", parse_error},
      {"[]", invalid_request},
      {"7", invalid_request},
      {"{}", invalid_request},
      {R"({"jsonrpc":"1.0","id":1,"method":"echo"})", invalid_request},
      {R"({"jsonrpc":"2.0","id":1,"method":7})", invalid_request},
      {R"({"jsonrpc":"2.0","id":{},"method":"echo"})", invalid_request},
      {R"({"jsonrpc":"2.0","id":1,"method":"echo","params":3})", invalid_request},
      {R"({"jsonrpc":"2.0","id":1,"method":"echo","params":[3]})", invalid_params},
      {R"({"jsonrpc":"2.0","id":1,"method":"nonsense"})", method_not_found},
      {std::string(100000, '['), parse_error},
      {"{\"a\":\"\xff\xfe\"}", parse_error},
      {std::string("\0\x01\x02", 3), parse_error},
  };
  for (const auto& [text, code] : cases) {
    INFO(text.substr(0, 60));
    raw.send(text + "\n");
    CHECK(error_code(raw.line()) == code);
  }
  CHECK(engine.client().call("echo", json::object(), patience).ok());
}

TEST_CASE("F6 an oversized frame is refused once, and the next one is understood") {
  Engine engine;
  Raw raw(engine.server->path());
  raw.initialize();
  raw.send(std::string(3 * max_frame, 'x'));
  CHECK(error_code(raw.line()) == frame_too_large);
  raw.send("still the same line\n" + make_request(5, "echo", {{"n", 5}}));
  CHECK(raw.line()["result"]["n"] == 5);
}

TEST_CASE("F6 random bytes do not end the engine") {
  Engine engine;
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    Raw raw(engine.server->path());
    std::string bytes(5000, ' ');
    for (char& c : bytes) c = static_cast<char>(random() % 256);
    raw.send(bytes);
  }
  CHECK(engine.client().call("echo", json::object(), patience).ok());
}

TEST_CASE("notifications from a client are carried out without an answer") {
  Engine engine;
  Raw raw(engine.server->path());
  raw.initialize();
  raw.send(make_notification("echo", {{"a", 1}}) + make_notification("nonsense", json::object()) +
           make_request(1, "echo", {{"b", 2}}));
  CHECK(raw.line()["result"]["b"] == 2);
}

TEST_CASE("requests in pieces and several in one write") {
  Engine engine;
  Raw raw(engine.server->path());
  raw.initialize();
  const std::string one = make_request(1, "echo", {{"n", 1}});
  raw.send(one.substr(0, 9));
  raw.send(one.substr(9) + make_request(2, "echo", {{"n", 2}}) + "\n\r\n" +
           make_request(3, "echo", {{"n", 3}}));
  for (int n = 1; n <= 3; ++n) CHECK(raw.line()["result"]["n"] == n);
}

TEST_CASE(
    "a client's end of input lets answers under way arrive, also to a last line without its end") {
  Engine engine;
  Raw raw(engine.server->path());
  raw.initialize();
  std::string last = make_request(2, "echo", {{"n", 2}});
  last.pop_back();
  raw.send(make_request(1, "later", json::object()) + last);
  raw.half_close();
  std::set<int> ids{raw.line()["id"].get<int>(), raw.line()["id"].get<int>()};
  CHECK(ids == std::set<int>{1, 2});
  CHECK(raw.at_end());
}

TEST_CASE("a client with too many requests in flight waits, and loses none") {
  RpcServerOptions options;
  options.max_in_flight = 4;
  Engine engine(options);
  Raw raw(engine.server->path());
  raw.initialize();
  std::string burst;
  for (int i = 0; i < 20; ++i) burst += make_request(i, "hold", json::object());
  raw.send(burst);
  // Another client is served meanwhile, and when it has been, the first one's bytes were read.
  CHECK(engine.client().call("echo", json::object(), patience).ok());
  std::vector<bool> seen(20);
  for (int done = 0; done < 20; ++done) {
    engine.loop.call([&] {
      CHECK(engine.held.size() <= 4);
      REQUIRE_FALSE(engine.held.empty());
      const Reply reply = std::move(engine.held.front());
      engine.held.erase(engine.held.begin());
      reply(json{{"ok", true}});
    });
    seen[raw.line()["id"].get<std::size_t>()] = true;
  }
  CHECK(std::count(seen.begin(), seen.end(), true) == 20);
}

TEST_CASE("a slow subscriber is told what it missed, and the engine's memory stays bounded") {
  RpcServerOptions options;
  options.notify_bytes = 64U << 10U;
  Engine engine(options);
  auto client = engine.client();
  REQUIRE(client.call("attach", json::object(), patience).ok());
  const ClientId id = engine.attached.get_future().get();
  const std::string padding(1000, 'p');
  constexpr int sent = 5000;
  for (int seq = 1; seq <= sent; ++seq)
    engine.server->notify(id, "event", {{"seq", seq}, {"padding", padding}});
  int expected = 1;
  bool lagged = false;
  while (expected <= sent) {
    auto note = client.next(patience);
    REQUIRE(note.ok());
    REQUIRE(note->has_value());
    const json& params = (*note)->params;
    if ((*note)->method == "lagged") {
      lagged = true;
      CHECK(params["first_seq"] == expected);
      CHECK(params["dropped"] == params["last_seq"].get<int>() - expected + 1);
      expected = params["last_seq"].get<int>() + 1;
    } else {
      CHECK(params["seq"] == expected);
      ++expected;
    }
  }
  CHECK(lagged);
  CHECK(client.call("echo", json::object(), patience).ok());
}

TEST_CASE("a client that leaves is reported, and a late reply to it harms nobody") {
  Engine engine;
  {
    Raw raw(engine.server->path());
    raw.initialize();
    raw.send(make_request(1, "hold", json::object()));
    while (engine.held_count == 0) std::this_thread::yield();
  }
  // Its end is only final when its request is answered.
  engine.loop.call([&] { engine.held.clear(); });
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (engine.disconnects == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  CHECK(engine.disconnects == 1);
  engine.server->notify(1, "event", json::object());
  CHECK(engine.client().call("echo", json::object(), patience).ok());
}

TEST_CASE("more clients than allowed are turned away") {
  RpcServerOptions options;
  options.max_clients = 2;
  Engine engine(options);
  auto one = engine.client();
  auto two = engine.client();
  CHECK_FALSE(RpcClient::connect(engine.server->path(), patience).ok());
  CHECK(one.call("echo", json::object(), patience).ok());
}

TEST_CASE("no engine, a stale socket, a socket in use, a path too long") {
  Folder folder;
  const std::string path = folder.path + "/s.sock";
  auto none = RpcClient::connect(path, patience);
  REQUIRE_FALSE(none.ok());
  CHECK(none.error().code == ErrorCode::unavailable);
  CHECK(none.error().message == "no engine runs here");
  { auto stale = bind_unix(path); }  // closed without unlink: nobody serves it
  CHECK(std::filesystem::exists(path));
  IoLoop loop;
  RpcServerOptions options;
  options.socket_path = path;
  auto first = RpcServer::listen(loop, options, [](auto&&...) {});
  REQUIRE(first.ok());
  CHECK(RpcServer::listen(loop, options, [](auto&&...) {}).error().code == ErrorCode::conflict);
  first->reset();
  CHECK_FALSE(std::filesystem::exists(path));
  std::ofstream(path) << "a file of the user";
  CHECK(RpcServer::listen(loop, options, [](auto&&...) {}).error().code ==
        ErrorCode::already_exists);
  CHECK(std::filesystem::exists(path));
  options.socket_path = folder.path + "/" + std::string(120, 'x');
  CHECK(RpcServer::listen(loop, options, [](auto&&...) {}).error().code ==
        ErrorCode::invalid_argument);
}

TEST_CASE("D5 the socket of an engine that is dying is waited for, and taken over") {
  Folder folder;
  const std::string path = folder.path + "/s.sock";
  auto dying = bind_unix(path);
  REQUIRE(dying.ok());
  REQUIRE(::listen(dying->fd.get(), 1) == 0);
  auto next = std::async(std::launch::async, [&] { return bind_unix(path); });
  // Its successor has found somebody there; only then does the kernel close the socket.
  const int found = ::accept(dying->fd.get(), nullptr, nullptr);
  REQUIRE(found >= 0);
  dying->fd.reset();
  ::close(found);
  CHECK(next.get().ok());
}

TEST_CASE("the end of the server ends its clients") {
  Engine engine;
  auto client = engine.client();
  engine.server.reset();
  CHECK(client.call("echo", json::object(), patience).error().code == ErrorCode::unavailable);
  CHECK(client.next(patience).error().code == ErrorCode::unavailable);
}

TEST_CASE("serve --stdio: pipes are connected with the socket until the input ends") {
  Engine engine;
  int in[2];
  int out[2];
  REQUIRE(::pipe(in) == 0);
  REQUIRE(::pipe(out) == 0);
  std::string sent = make_request(0, "initialize", {{"protocol_version", 1}});
  constexpr int count = 300;
  for (int i = 1; i <= count; ++i)
    sent += make_request(i, "echo", {{"text", std::string(2000, 'e')}});
  auto bridge = std::async(std::launch::async, [&] {
    auto status = bridge_stdio(engine.server->path(), in[0], out[1]);
    ::close(out[1]);
    return status;
  });
  auto writer = std::async(std::launch::async, [&] {
    std::string_view rest = sent;
    while (!rest.empty()) {
      const ssize_t size = ::write(in[1], rest.data(), rest.size());
      if (size <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(size));
    }
    ::close(in[1]);
    return true;
  });
  LineFramer framer;
  std::vector<LineFramer::Frame> frames;
  std::vector<char> buffer(4096);
  for (ssize_t size = 0; (size = ::read(out[0], buffer.data(), buffer.size())) > 0;)
    for (auto& frame : framer.feed({buffer.data(), static_cast<std::size_t>(size)}))
      frames.push_back(std::move(frame));
  CHECK(writer.get());
  CHECK(bridge.get().ok());
  CHECK(frames.size() == count + 1);
  ::close(in[0]);
  ::close(out[0]);
}

TEST_CASE("D5 the second engine is refused with the pid of the first") {
  Folder folder;
  const std::string path = folder.path + "/state/lock";
  auto first = WorkspaceLock::acquire(path);
  REQUIRE(first.ok());
  CHECK_FALSE(first->took_over());
  const auto second = WorkspaceLock::acquire(path);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::conflict);
  CHECK_THAT(second.error().message, ContainsSubstring("pid " + std::to_string(::getpid())));
  CHECK(WorkspaceLock::read(path)->pid == ::getpid());
  CHECK_FALSE(WorkspaceLock::read(path)->stale);
}

TEST_CASE("D5 a lock is free again after its holder ended properly, and taken over after it died") {
  Folder folder;
  const std::string path = folder.path + "/state/lock";
  { auto held = WorkspaceLock::acquire(path); }
  CHECK(WorkspaceLock::read(path).error().code == ErrorCode::not_found);
  auto clean = WorkspaceLock::acquire(path);
  REQUIRE(clean.ok());
  CHECK_FALSE(clean->took_over());
  *clean = std::move(*WorkspaceLock::acquire(folder.path + "/other/lock"));

  // A child takes it and is killed: only the kernel's knowledge of the lock may count.
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto held = WorkspaceLock::acquire(path);
    const char answer = held.ok() ? 'y' : 'n';
    [[maybe_unused]] auto written = ::write(ready[1], &answer, 1);
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  CHECK_THAT(WorkspaceLock::acquire(path).error().message,
             ContainsSubstring("pid " + std::to_string(child)));
  REQUIRE(::kill(child, SIGKILL) == 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  ::close(ready[0]);
  ::close(ready[1]);
  CHECK(WorkspaceLock::read(path)->stale);
  auto taken = WorkspaceLock::acquire(path);
  REQUIRE(taken.ok());
  CHECK(taken->took_over());
}

TEST_CASE("a lock of another boot is stale although its pid lives") {
  Folder folder;
  const std::string path = folder.path + "/lock";
  std::ofstream(path) << ::getpid() << " 00000000-0000-0000-0000-000000000000\n";
  CHECK(WorkspaceLock::read(path)->stale);
  for (const char* text : {"", "garbage", "99999999999999999999 x\n", "-5 x\n", " x\n"}) {
    std::ofstream(path) << text;
    CHECK_FALSE(WorkspaceLock::read(path).ok());
    CHECK(WorkspaceLock::acquire(path).ok());
  }
}

TEST_CASE("a private folder is refused when it is a link or open to others is closed") {
  Folder folder;
  const std::string open = folder.path + "/open";
  std::filesystem::create_directory(open);
  std::filesystem::permissions(open, std::filesystem::perms::all);
  CHECK(make_private_folder(open).ok());
  struct stat info {};
  REQUIRE(::stat(open.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777U) == 0700);
  std::filesystem::create_directory_symlink(open, folder.path + "/link");
  CHECK(make_private_folder(folder.path + "/link").error().code == ErrorCode::permission_denied);
}
