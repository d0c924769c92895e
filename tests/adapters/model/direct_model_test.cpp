#include "adapters/model/direct_model.hpp"

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/io/io_loop.hpp"
#include "tests/support/byte_server.hpp"

using muster::ErrorCode;
using muster::ModelFailure;
using muster::ModelOutcome;
using muster::ModelReply;
using muster::ModelRequest;
using muster::test::ByteServer;
using muster::test::Exchange;
using muster::test::Signal;
using std::chrono::milliseconds;

namespace {

const std::string key = "sk-live-0123456789abcdef";

std::string text_chunk(const std::string& text) {
  const nlohmann::json chunk{{"choices", {{{"index", 0}, {"delta", {{"content", text}}}}}}};
  return "data: " + chunk.dump() + "\n\n";
}

const std::string stop_chunk =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const std::string done_chunk = "data: [DONE]\n\n";

/// One call and what it reported.
struct Call {
  std::shared_ptr<muster::ModelCall> handle;
  std::promise<ModelOutcome> outcome;
  std::atomic<int> outcomes{0};
  std::string deltas;

  ModelOutcome wait() {
    auto future = outcome.get_future();
    if (future.wait_for(std::chrono::seconds{30}) != std::future_status::ready)
      throw std::runtime_error("the call did not end");
    return future.get();
  }
  ModelReply reply() {
    auto out = wait();
    if (const auto* const failure = std::get_if<ModelFailure>(&out)) {
      FAIL(failure->error.text());
    }
    return std::get<ModelReply>(std::move(out));
  }
  ModelFailure failure() {
    auto out = wait();
    REQUIRE(std::holds_alternative<ModelFailure>(out));
    auto failure = std::get<ModelFailure>(std::move(out));
    CHECK(failure.error.text().find(key) == std::string::npos);
    CHECK(failure.error.context == "acme/m-1");
    return failure;
  }
};

struct Fixture {
  muster::IoLoop loop;
  muster::http::HttpClient client{loop};
  muster::model::DirectModel model{client};

  static ModelRequest request(const std::string& base_url) {
    ModelRequest request;
    request.endpoint = {.provider = "acme", .base_url = base_url, .api_key = key, .model = "m-1"};
    request.body = R"({"model":"m-1","messages":[],"stream":true})";
    return request;
  }

  std::shared_ptr<Call> start(ModelRequest request, std::function<void()> on_delta = {}) {
    auto call = std::make_shared<Call>();
    call->handle = model.start(
        std::move(request),
        [call, on_delta](std::string_view text) {
          call->deltas += text;
          if (on_delta) on_delta();
        },
        [call, this](ModelOutcome outcome) {
          loop.assert_on_loop();
          if (++call->outcomes == 1) call->outcome.set_value(std::move(outcome));
        });
    return call;
  }
  std::shared_ptr<Call> start(const ByteServer& server) {
    return start(request(server.url("/v1")));
  }
};

}  // namespace

TEST_CASE("a streamed completion, as providers see it asked") {
  std::string head;
  std::string body;
  ByteServer server([&](Exchange& exchange) {
    head = exchange.head();
    body = exchange.body();
    exchange.begin_stream();
    for (const auto& piece : {text_chunk("Hel"), text_chunk("lo"), stop_chunk, done_chunk})
      exchange.chunk(piece);
    exchange.end_stream();
  });
  Fixture fixture;
  auto request = Fixture::request(server.url("/v1/"));
  request.endpoint.headers = {{"X-Title", "muster"}};
  const auto call = fixture.start(request);
  const auto reply = call->reply();
  CHECK(reply.text == "Hello");
  CHECK(call->deltas == "Hello");
  CHECK(reply.finish_reason == "stop");
  CHECK(reply.usage.estimated);
  CHECK(reply.duration_ms >= reply.first_byte_ms);
  CHECK(head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
  CHECK(head.find("\r\nAuthorization: Bearer " + key + "\r\n") != std::string::npos);
  CHECK(head.find("\r\nContent-Type: application/json\r\n") != std::string::npos);
  CHECK(head.find("\r\nX-Title: muster") != std::string::npos);
  CHECK(body == request.body);
}

TEST_CASE("a whole completion, without a key") {
  std::string head;
  ByteServer server([&](Exchange& exchange) {
    head = exchange.head();
    exchange.answer(200, "Content-Type: application/json\r\n",
                    R"({"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]})");
  });
  Fixture fixture;
  auto request = Fixture::request(server.url("/v1"));
  request.endpoint.api_key.clear();
  CHECK(fixture.start(request)->reply().text == "hi");
  CHECK(head.find("Authorization") == std::string::npos);
}

TEST_CASE("an endpoint's own Authorization header wins, and is as secret as a key") {
  std::string head;
  ByteServer server([&](Exchange& exchange) {
    head = exchange.head();
    exchange.answer(401, "", "{\"error\":\"no such token: own-token-77\"}");
  });
  Fixture fixture;
  auto request = Fixture::request(server.url("/v1"));
  request.endpoint.headers = {{"authorization", "Basic own-token-77"}};
  const auto failure = fixture.start(request)->failure();
  CHECK(failure.error.code == ErrorCode::unauthenticated);
  CHECK(failure.error.message == "HTTP 401: no such token: [redacted]");
  CHECK(head.find("Bearer") == std::string::npos);
}

TEST_CASE("F4 a provider that quotes the key back does not get it into a message") {
  const std::string padding(380, 'x');
  for (const auto& body :
       {"{\"error\":{\"message\":\"Incorrect API key provided: " + key + "\"}}",
        "key " + key + " is wrong", "{\"error\":{\"message\":\"" + padding + key + "\"}}"}) {
    ByteServer server([&](Exchange& exchange) { exchange.answer(401, "", body); });
    Fixture fixture;
    const auto failure = fixture.start(server)->failure();
    CHECK(failure.error.code == ErrorCode::unauthenticated);
    CHECK(failure.error.message.find(key.substr(0, 8)) == std::string::npos);
  }
  ByteServer stream([&](Exchange& exchange) {
    exchange.begin_stream();
    exchange.chunk("data: {\"error\":{\"message\":\"" + padding + key + "\"}}\n\n");
    exchange.end_stream();
  });
  Fixture fixture;
  CHECK(fixture.start(stream)->failure().error.message.find(key.substr(0, 8)) == std::string::npos);
}

TEST_CASE("S5 a 429 tells how long to wait") {
  ByteServer server([](Exchange& exchange) {
    exchange.answer(429, "Retry-After: 7\r\n", "{\"error\":{\"message\":\"slow down\"}}");
  });
  Fixture fixture;
  const auto failure = fixture.start(server)->failure();
  CHECK(failure.error.code == ErrorCode::rate_limited);
  CHECK(failure.http_status == 429);
  CHECK(failure.retry_after == milliseconds{7000});
}

TEST_CASE("an error answer is classified even when it is huge or breaks off") {
  ByteServer server([](Exchange& exchange) {
    if (exchange.head().starts_with("POST /huge")) {
      exchange.send("HTTP/1.1 503 Busy\r\nContent-Length: 10000000\r\n\r\n");
      const std::string piece(10'000, 'x');
      while (exchange.send(piece)) {
      }
    } else {
      exchange.send("HTTP/1.1 429 Wait\r\nRetry-After: 1\r\nContent-Length: 100\r\n\r\n{\"err");
    }
    exchange.close();
  });
  Fixture fixture;
  CHECK(fixture.start(Fixture::request(server.url("/huge")))->failure().error.code ==
        ErrorCode::overloaded);
  const auto cut = fixture.start(Fixture::request(server.url("/cut")))->failure();
  CHECK(cut.error.code == ErrorCode::rate_limited);
  CHECK(cut.retry_after == milliseconds{1000});
}

TEST_CASE("T10 a stream that stalls is cut") {
  ByteServer server([](Exchange& exchange) {
    exchange.begin_stream();
    exchange.chunk(text_chunk("Hel"));
    exchange.wait_closed();
    exchange.close();
  });
  Fixture fixture;
  auto request = Fixture::request(server.url("/v1"));
  request.idle_timeout = milliseconds{120};
  const auto call = fixture.start(request);
  const auto failure = call->failure();
  CHECK(failure.error.code == ErrorCode::stalled);
  CHECK(failure.http_status == 200);
  CHECK(call->deltas == "Hel");
}

TEST_CASE("T10 an answer that takes longer than its total time counts as stalled") {
  ByteServer server([](Exchange& exchange) {
    exchange.wait_closed();
    exchange.close();
  });
  Fixture fixture;
  auto request = Fixture::request(server.url("/v1"));
  request.total_timeout = milliseconds{120};
  CHECK(fixture.start(request)->failure().error.code == ErrorCode::stalled);
}

TEST_CASE("cancel in the middle of a stream ends the call once, and the server sees it") {
  Signal streaming;
  Signal closed;
  ByteServer server([&](Exchange& exchange) {
    exchange.begin_stream();
    exchange.chunk(text_chunk("Hel"));
    if (exchange.wait_closed()) closed.set();
    exchange.close();
  });
  Fixture fixture;
  const auto call =
      fixture.start(Fixture::request(server.url("/v1")), [&streaming] { streaming.set(); });
  REQUIRE(streaming.wait());
  call->handle->cancel();
  call->handle->cancel();
  CHECK(call->failure().error.code == ErrorCode::cancelled);
  CHECK(closed.wait());
  call->handle->cancel();
  fixture.loop.call([] {});
  CHECK(call->outcomes == 1);
}

TEST_CASE("what breaks on the way is a network failure") {
  ByteServer server([](Exchange& exchange) {
    if (!exchange.head().starts_with("POST /early")) {
      exchange.begin_stream();
      exchange.chunk(text_chunk("Hel"));
    }
    exchange.close();
  });
  Fixture fixture;
  const auto code = [&](const std::string& url) {
    return fixture.start(Fixture::request(url))->failure().error.code;
  };
  CHECK(code(server.url("/early")) == ErrorCode::network);
  CHECK(code(server.url("/mid")) == ErrorCode::network);
  CHECK(code("http://127.0.0.1:" + std::to_string(muster::test::unused_port())) ==
        ErrorCode::network);
  CHECK(code("not a url") == ErrorCode::invalid_request);
}

TEST_CASE("a stream that ends without finish reason is broken, one that lost only its end is not") {
  ByteServer server([](Exchange& exchange) {
    exchange.begin_stream();
    exchange.chunk(text_chunk("Hello"));
    if (exchange.head().starts_with("POST /finished")) {
      exchange.chunk(stop_chunk);
      exchange.close();
    } else {
      exchange.end_stream();
    }
  });
  Fixture fixture;
  CHECK(fixture.start(Fixture::request(server.url("/unfinished")))->failure().error.code ==
        ErrorCode::network);
  CHECK(fixture.start(Fixture::request(server.url("/finished")))->reply().text == "Hello");
}

TEST_CASE("HTML and other nonsense under a 200 are malformed") {
  for (const char* body : {"<html>log in</html>", "", "plain text", "{\"choices\":[{"}) {
    ByteServer server([&](Exchange& exchange) { exchange.answer(200, "", body); });
    Fixture fixture;
    CHECK(fixture.start(server)->failure().error.code == ErrorCode::malformed);
  }
}

TEST_CASE("a reply above the bound of 10 MB is cut") {
  ByteServer server([](Exchange& exchange) {
    exchange.begin_stream();
    std::string text;
    for (int line = 0; text.size() < 100'000; ++line) text += std::to_string(line) + " things\n";
    const auto chunk = text_chunk(text);
    while (exchange.chunk(chunk)) {
    }
    exchange.close();
  });
  Fixture fixture;
  const auto call = fixture.start(server);
  CHECK(call->failure().error.code == ErrorCode::malformed);
  CHECK(call->deltas.size() <= 10U << 20U);
  CHECK(call->deltas.size() > 10'000'000);
}

TEST_CASE("O1 a model that writes the same for ever is cut, and its connection closed") {
  ByteServer server([](Exchange& exchange) {
    exchange.begin_stream();
    const auto chunk = text_chunk("and so on, ");
    while (exchange.chunk(chunk)) {
    }
    exchange.close();
  });
  Fixture fixture;
  const auto call = fixture.start(server);
  CHECK(call->failure().error.code == ErrorCode::degenerate);
  CHECK(call->deltas.size() < 1'000'000);
}

TEST_CASE("the reply comes with [DONE], and the connection serves the next call") {
  Signal replied;
  ByteServer server([&](Exchange& exchange) {
    exchange.begin_stream();
    exchange.chunk(stop_chunk + done_chunk);
    // The stream's end is held back until the first reply is there.
    if (replied.wait()) exchange.end_stream();
  });
  Fixture fixture;
  const auto first = fixture.start(server);
  CHECK(first->reply().finish_reason == "stop");
  replied.set();
  // in_flight falls when the first transfer has been read to its end.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (fixture.client.in_flight() > 0 && std::chrono::steady_clock::now() < give_up)
    fixture.loop.call([] {});
  CHECK(fixture.start(server)->reply().finish_reason == "stop");
  CHECK(server.connections() == 1);
  CHECK(first->outcomes == 1);
}

TEST_CASE("S1 200 calls at once all get their own reply") {
  constexpr int count = 200;
  std::atomic<int> open{0};
  Signal all_open;
  ByteServer server([&](Exchange& exchange) {
    const auto name = nlohmann::json::parse(exchange.body())["name"].get<std::string>();
    exchange.begin_stream();
    if (++open == count) all_open.set();
    if (!all_open.wait()) exchange.close();
    for (int i = 0; i < 20; ++i) exchange.chunk(text_chunk(name));
    exchange.chunk(stop_chunk + done_chunk);
    exchange.end_stream();
  });
  Fixture fixture;
  std::vector<std::shared_ptr<Call>> calls;
  for (int i = 0; i < count; ++i) {
    auto request = Fixture::request(server.url("/v1"));
    request.body = nlohmann::json{{"name", "<" + std::to_string(i) + ">"}}.dump();
    calls.push_back(fixture.start(std::move(request)));
  }
  for (int i = 0; i < count; ++i) {
    std::string expected;
    for (int k = 0; k < 20; ++k) expected += "<" + std::to_string(i) + ">";
    CHECK(calls[static_cast<std::size_t>(i)]->reply().text == expected);
  }
}

TEST_CASE("the URL of chat completions") {
  using muster::model::chat_completions_url;
  CHECK(chat_completions_url("https://a.b/v1") == "https://a.b/v1/chat/completions");
  CHECK(chat_completions_url("https://a.b/v1//") == "https://a.b/v1/chat/completions");
  CHECK(chat_completions_url(" https://a.b ") == "https://a.b/chat/completions");
  CHECK(chat_completions_url("https://a.b/v1/chat/completions") ==
        "https://a.b/v1/chat/completions");
  CHECK(chat_completions_url("https://a.b/d?api-version=1") ==
        "https://a.b/d/chat/completions?api-version=1");
}
