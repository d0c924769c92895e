#pragma once
// What the tests of the HTTP client share.

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/http/http_client.hpp"
#include "adapters/io/io_loop.hpp"
#include "tests/support/byte_server.hpp"

namespace muster::test {

/// Records what a transfer reports and lets the test wait for it.
class Recorder final : public http::ResponseHandler {
 public:
  /// Called on the loop thread with all bytes so far; false ends the transfer.
  std::function<bool(const std::string&)> on_bytes;
  bool refuse_head = false;

  bool on_head(const http::ResponseHead& head, http::ClientCall&) override {
    status = head.status;
    return !refuse_head;
  }
  bool on_data(std::string_view bytes) override {
    body += bytes;
    return !on_bytes || on_bytes(body);
  }
  void on_end(http::ClientResult result) override {
    ++ends;
    ended_.set_value(std::move(result));
  }

  http::ClientResult wait() {
    auto future = ended_.get_future();
    if (future.wait_for(std::chrono::seconds{30}) != std::future_status::ready)
      throw std::runtime_error("the transfer did not end");
    return future.get();
  }

  int status = 0;
  int ends = 0;
  std::string body;

 private:
  std::promise<http::ClientResult> ended_;
};

/// A loop and a client on it.
struct ClientFixture {
  explicit ClientFixture(http::ClientOptions options = {}) : client(loop, std::move(options)) {}

  IoLoop loop;
  http::HttpClient client;

  http::ClientResult fetch(http::ClientRequest request) {
    auto recorder = std::make_shared<Recorder>();
    client.start(std::move(request), recorder);
    auto result = recorder->wait();
    result.body = recorder->body;
    return result;
  }
  http::ClientResult get(const std::string& url) { return fetch({.url = url}); }
  /// Everything that was posted so far has run.
  void settle() {
    loop.call([] {});
  }
};

}  // namespace muster::test
