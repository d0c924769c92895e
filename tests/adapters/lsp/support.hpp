#pragma once
// What the tests of language servers share: folders, and servers that are used from the test's
// thread.

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "adapters/io/io_loop.hpp"
#include "adapters/lsp/language_server.hpp"

namespace muster::lsp::test {

/// Far longer than anything here takes: only a broken program waits for it.
constexpr std::chrono::seconds patience{90};

/// A folder that goes with the object; its path has no links in it.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "muster-lsp-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = std::filesystem::canonical(name);
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string str() const { return path_.string(); }
  [[nodiscard]] std::string path(const std::string& name) const { return path_ / name; }
  std::string put(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return path(name);
  }
  std::string put_program(const std::string& name, const std::string& text) const {
    const auto at = put(name, text);
    std::filesystem::permissions(at, std::filesystem::perms::owner_all);
    return at;
  }

 private:
  std::filesystem::path path_;
};

template <class T>
T wait_for(std::future<T> future) {
  if (future.wait_for(patience) != std::future_status::ready)
    throw std::runtime_error("nothing came for a very long time");
  return future.get();
}

inline std::vector<std::string> fake_server(const std::vector<std::string>& modes) {
  std::vector<std::string> out{"node",
                               MUSTER_SOURCE_DIR "/tests/adapters/lsp/fixtures/fake_server.mjs"};
  out.insert(out.end(), modes.begin(), modes.end());
  return out;
}

inline ClientOptions fake_options(const std::vector<std::string>& modes, const std::string& root) {
  ClientOptions out;
  out.name = "fake";
  out.argv = fake_server(modes);
  out.root = root;
  return out;
}

/// A server, from another thread than the loop's.
class Server {
 public:
  explicit Server(ClientOptions client, CheckOptions options = {std::chrono::milliseconds{0}}) {
    auto ready = std::make_shared<std::promise<Status>>();
    auto ended = std::make_shared<std::promise<Error>>();
    ready_ = ready->get_future().share();
    ended_ = ended->get_future().share();
    loop_.call([&] {
      server_ = LanguageServer::start(
          loop_, std::move(client), options,
          [ready](const Status& status) { ready->set_value(status); },
          [ended](const Error& why) { ended->set_value(why); });
    });
  }
  ~Server() {
    loop_.call([this] { server_.reset(); });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  Status ready() { return wait(ready_); }
  /// Why it ended; waits for the end.
  Error end() { return wait(ended_); }
  bool has_ended() { return ended_.wait_for(std::chrono::seconds{0}) == std::future_status::ready; }
  Error stop() {
    loop_.call([this] { server_->stop(); });
    return end();
  }
  void kill() {
    int pid = 0;
    loop_.call([&] { pid = server_->client().pid(); });
    if (pid > 0) ::kill(pid, SIGKILL);
  }

  using Found = Result<std::vector<Diagnostic>>;

  std::future<Found> begin_check(const std::string& path, const std::string& language,
                                 const std::string& text) {
    auto done = std::make_shared<std::promise<Found>>();
    auto out = done->get_future();
    loop_.call([&] {
      server_->check(path, language, text, [done](Found found) { done->set_value(found); });
    });
    return out;
  }
  Found check(const std::string& path, const std::string& language, const std::string& text) {
    return wait_for(begin_check(path, language, text));
  }

  std::future<Result<LanguageAnswer>> begin_ask(LanguageQuestion question) {
    auto done = std::make_shared<std::promise<Result<LanguageAnswer>>>();
    auto out = done->get_future();
    auto shared = std::make_shared<const LanguageQuestion>(std::move(question));
    loop_.call([&] {
      server_->ask(shared, [done](Result<LanguageAnswer> answer) { done->set_value(answer); });
    });
    return out;
  }
  Result<LanguageAnswer> ask(LanguageQuestion question) {
    return wait_for(begin_ask(std::move(question)));
  }

  Result<nlohmann::json> request(const std::string& method, const nlohmann::json& params = nullptr,
                                 std::chrono::milliseconds timeout = patience) {
    return ask<nlohmann::json>([&](LspClient& client, LspClient::Answer<nlohmann::json> answer) {
      client.request(method, params, timeout, std::move(answer));
    });
  }

  /// Calls `call(client, answer)` on the loop and waits for the answer.
  template <class T, class Call>
  Result<T> ask(Call call) {
    auto done = std::make_shared<std::promise<Result<T>>>();
    auto out = done->get_future();
    loop_.call([&] {
      call(server_->client(),
           LspClient::Answer<T>([done](Result<T> result) { done->set_value(std::move(result)); }));
    });
    return wait_for(std::move(out));
  }
  void on_client(const std::function<void(LspClient&)>& use) {
    loop_.call([&] { use(server_->client()); });
  }

 private:
  template <class T>
  T wait(std::shared_future<T>& future) {
    if (future.wait_for(patience) != std::future_status::ready)
      throw std::runtime_error("nothing came for a very long time");
    return future.get();
  }

  IoLoop loop_;
  std::shared_ptr<LanguageServer> server_;
  std::shared_future<Status> ready_;
  std::shared_future<Error> ended_;
};

}  // namespace muster::lsp::test
