#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "tests/adapters/http/client_support.hpp"

namespace {

/// Sets the proxy variables and puts them back. Make it before any loop, end it after.
class ProxyEnvironment {
 public:
  explicit ProxyEnvironment(const std::string& proxy) {
    for (const char* name : names) {
      const char* const old = std::getenv(name);
      before_[name] = old == nullptr ? std::nullopt : std::optional<std::string>{old};
      ::unsetenv(name);
    }
    ::setenv("http_proxy", proxy.c_str(), 1);
  }
  ~ProxyEnvironment() {
    for (const auto& [name, value] : before_) {
      if (value) {
        ::setenv(name, value->c_str(), 1);
      } else {
        ::unsetenv(name);
      }
    }
  }
  ProxyEnvironment(const ProxyEnvironment&) = delete;
  ProxyEnvironment& operator=(const ProxyEnvironment&) = delete;

 private:
  static constexpr std::array names{"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                    "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
  std::map<const char*, std::optional<std::string>> before_;
};

using muster::test::ByteServer;
using muster::test::ClientFixture;
using muster::test::Exchange;

}  // namespace

TEST_CASE("a proxy of the environment is used, and never for loopback addresses") {
  std::string seen;
  ByteServer proxy([&](Exchange& exchange) {
    seen = exchange.head().substr(0, exchange.head().find("\r\n"));
    exchange.answer(200, "", "from the proxy");
  });
  ByteServer direct([](Exchange& exchange) { exchange.answer(200, "", "direct"); });
  const ProxyEnvironment environment(proxy.url(""));
  ClientFixture fixture;
  CHECK(fixture.get("http://models.invalid/v1").body == "from the proxy");
  CHECK(seen == "GET http://models.invalid/v1 HTTP/1.1");
  CHECK(fixture.get(direct.url("/")).body == "direct");
  const auto by_name = "http://localhost:" + std::to_string(direct.port()) + "/";
  CHECK(fixture.get(by_name).body == "direct");
}

TEST_CASE("transfers to one name that start together all get their answer") {
  ByteServer proxy([](Exchange& exchange) {
    const auto line = exchange.head().substr(0, exchange.head().find(" HTTP"));
    exchange.answer(200, "", line);
  });
  const ProxyEnvironment environment(proxy.url(""));
  ClientFixture fixture;
  std::vector<std::shared_ptr<muster::test::Recorder>> recorders;
  std::vector<std::shared_ptr<muster::http::ClientCall>> calls;
  for (int i = 0; i < 60; ++i) {
    recorders.push_back(std::make_shared<muster::test::Recorder>());
    const auto url = "http://models.invalid/" + std::to_string(i);
    calls.push_back(fixture.client.start({.url = url}, recorders.back()));
    // The one that opens the way is among those that are given up: another must take its place.
    if (i % 20 == 0) calls.back()->cancel();
  }
  for (int i = 0; i < 60; ++i) {
    const auto result = recorders[static_cast<std::size_t>(i)]->wait();
    if (i % 20 == 0 && result.error) continue;
    CHECK_FALSE(result.error);
    CHECK(recorders[static_cast<std::size_t>(i)]->body ==
          "GET http://models.invalid/" + std::to_string(i));
  }
}
