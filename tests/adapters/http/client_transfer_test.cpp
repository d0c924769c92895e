#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>

#include "tests/adapters/http/client_support.hpp"

using muster::ErrorCode;
using muster::http::ClientRequest;
using muster::test::ByteServer;
using muster::test::ClientFixture;
using muster::test::Exchange;
using muster::test::Recorder;
using muster::test::Signal;
using std::chrono::milliseconds;

namespace {

ErrorCode code_of(const muster::http::ClientResult& result) {
  REQUIRE(result.error);
  return result.error->code;
}

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i) + ",";
  return text;
}

}  // namespace

TEST_CASE("a request arrives as it was made, and the answer comes back") {
  std::string head;
  std::string body;
  ByteServer server([&](Exchange& exchange) {
    head = exchange.head();
    body = exchange.body();
    exchange.answer(201, "X-Thing:  a b \r\nX-Empty:\r\n", "hello");
  });
  ClientFixture fixture;
  const auto result = fixture.fetch({.method = "POST",
                                     .url = server.url("/a/b?c=d"),
                                     .headers = {{"X-One", "1"}, {"X-None", ""}},
                                     .body = std::string("x\0y", 3)});
  CHECK_FALSE(result.error);
  CHECK(result.head.status == 201);
  CHECK(result.body == "hello");
  CHECK(result.head.header("x-thing") == "a b");
  CHECK(result.head.header("X-EMPTY") == "");
  CHECK_FALSE(result.head.header("x-thin").has_value());
  CHECK(head.starts_with("POST /a/b?c=d HTTP/1.1\r\n"));
  CHECK(head.find("\r\nX-One: 1\r\n") != std::string::npos);
  CHECK(head.find("\r\nX-None:\r\n") != std::string::npos);
  CHECK(head.find("Expect") == std::string::npos);
  CHECK(body == std::string("x\0y", 3));
}

TEST_CASE("methods with and without a body, one handle after the other") {
  std::vector<std::string> seen;
  ByteServer server([&](Exchange& exchange) {
    const auto line = exchange.head().substr(0, exchange.head().find(" HTTP"));
    seen.push_back(line + " " + exchange.body());
    exchange.answer(200, "", line.starts_with("HEAD") ? "" : "ok");
  });
  ClientFixture fixture;
  const auto ask = [&](const char* method, const char* body) {
    const auto result = fixture.fetch({.method = method, .url = server.url("/"), .body = body});
    CHECK_FALSE(result.error);
  };
  for (const char* method : {"PATCH", "GET", "DELETE", "HEAD", "POST", "GET", "PUT"})
    ask(method, "");
  ask("DELETE", "why");
  ask("GET", "");
  CHECK(seen == std::vector<std::string>{"PATCH / ", "GET / ", "DELETE / ", "HEAD / ", "POST / ",
                                         "GET / ", "PUT / ", "DELETE / why", "GET / "});
  CHECK(server.connections() == 1);
}

TEST_CASE("a connection is used again, also after an answer that was no success") {
  ByteServer server([](Exchange& exchange) {
    if (exchange.head().starts_with("GET /bad")) {
      exchange.answer(503, "", "no");
    } else {
      exchange.begin_stream();
      exchange.chunk("data: 1\n\n");
      exchange.end_stream();
    }
  });
  ClientFixture fixture;
  for (int i = 0; i < 5; ++i) {
    CHECK(fixture.get(server.url("/")).body == "data: 1\n\n");
    CHECK(fixture.get(server.url("/bad")).head.status == 503);
  }
  CHECK(server.requests() == 10);
  CHECK(server.connections() == 1);
}

TEST_CASE("a kept connection that the server closed meanwhile costs no failure") {
  ByteServer server([](Exchange& exchange) {
    exchange.answer(200, "", "ok");
    exchange.close();
  });
  ClientFixture fixture;
  for (int i = 0; i < 20; ++i) {
    const auto result = fixture.get(server.url("/"));
    INFO((result.error ? result.error->message : ""));
    CHECK_FALSE(result.error);
    CHECK(result.body == "ok");
  }
  CHECK(server.connections() == 20);
}

TEST_CASE("a kept connection that dies under a request is replaced, any number of times") {
  std::array<std::atomic<int>, 64> served{};  // by connection
  ByteServer server([&](Exchange& exchange) {
    if (served.at(static_cast<std::size_t>(exchange.connection()))++ == 0) {
      exchange.answer(200, "", "ok");
    } else {
      exchange.reset();
    }
  });
  ClientFixture fixture;
  for (int i = 0; i < 20; ++i) {
    const auto result = fixture.fetch({.method = "POST", .url = server.url("/"), .body = "x"});
    INFO((result.error ? result.error->message : ""));
    CHECK(result.body == "ok");
  }
  CHECK(server.connections() == 20);
}

TEST_CASE(
    "the final response's headers are told, not those of a 1xx, and trailers are no headers") {
  ByteServer server([](Exchange& exchange) {
    exchange.send("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n");
    exchange.send("HTTP/1.1 200 OK\r\nX-Real: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
    exchange.send("2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n");
  });
  ClientFixture fixture;
  const auto result = fixture.get(server.url("/"));
  CHECK_FALSE(result.error);
  CHECK(result.head.status == 200);
  CHECK(result.head.header("x-real") == "1");
  CHECK_FALSE(result.head.header("x-early").has_value());
  CHECK_FALSE(result.head.header("x-trailer").has_value());
  CHECK(result.body == "ok");
}

TEST_CASE("redirects are not followed: the request carries keys") {
  ByteServer server(
      [](Exchange& exchange) { exchange.answer(307, "Location: /elsewhere\r\n", ""); });
  ClientFixture fixture;
  CHECK(fixture.get(server.url("/")).head.status == 307);
  CHECK(server.requests() == 1);
}

TEST_CASE("bytes are handed over as they come") {
  Signal first_seen;
  ByteServer server([&](Exchange& exchange) {
    exchange.begin_stream();
    exchange.chunk("one");
    exchange.chunk(first_seen.wait() ? "two" : "never");
    exchange.end_stream();
  });
  ClientFixture fixture;
  auto recorder = std::make_shared<Recorder>();
  recorder->on_bytes = [&](const std::string& bytes) {
    if (bytes == "one") first_seen.set();
    return true;
  };
  fixture.client.start({.url = server.url()}, recorder);
  CHECK_FALSE(recorder->wait().error);
  CHECK(recorder->body == "onetwo");
}

TEST_CASE("a refused connection, a name that does not exist, a URL that is none") {
  ClientFixture fixture;
  const auto refused =
      fixture.get("http://127.0.0.1:" + std::to_string(muster::test::unused_port()) + "/");
  CHECK(code_of(refused) == ErrorCode::network);
  CHECK(refused.head.status == 0);
  CHECK(code_of(fixture.get("http://no-such-host.invalid/")) == ErrorCode::network);
  for (const char* url : {"", "127.0.0.1", "ftp://127.0.0.1/", "file:///etc/passwd", "http://",
                          "http://127.0.0.1/\r\nX: y"}) {
    INFO(url);
    CHECK(code_of(fixture.get(url)) == ErrorCode::invalid_argument);
  }
}

TEST_CASE("many transfers to a name that does not exist all fail, with one look-up at a time") {
  ClientFixture fixture;
  std::vector<std::shared_ptr<Recorder>> recorders;
  for (int i = 0; i < 50; ++i) {
    recorders.push_back(std::make_shared<Recorder>());
    fixture.client.start({.url = "http://no-such-host.invalid/"}, recorders.back());
  }
  for (const auto& recorder : recorders) CHECK(code_of(recorder->wait()) == ErrorCode::network);
  CHECK(fixture.client.in_flight() == 0);
}

TEST_CASE("F6 headers that would smuggle others are refused, and their values not told") {
  ClientFixture fixture;
  const auto result =
      fixture.fetch({.url = "http://127.0.0.1:1/", .headers = {{"A", "secret\r\nB: c"}}});
  CHECK(code_of(result) == ErrorCode::invalid_argument);
  CHECK(result.error->text().find("secret") == std::string::npos);
  const auto name = fixture.fetch({.url = "http://127.0.0.1:1/", .headers = {{"A: b\r\nC", "d"}}});
  CHECK(code_of(name) == ErrorCode::invalid_argument);
}

TEST_CASE("a connection that drops is a network failure, wherever it drops") {
  const auto outcome = [](const std::function<void(Exchange&)>& script) {
    ByteServer server(script);
    ClientFixture fixture;
    // A GET on a fresh connection: curl itself repeats only what was sent on a used one.
    return fixture.get(server.url());
  };
  CHECK(code_of(outcome([](Exchange& e) { e.close(); })) == ErrorCode::network);
  CHECK(code_of(outcome([](Exchange& e) { e.reset(); })) == ErrorCode::network);
  const auto half_head = outcome([](Exchange& e) {
    e.send("HTTP/1.1 200 OK\r\nX-A");
    e.close();
  });
  CHECK(half_head.head.status == 0);
  const auto mid_stream = outcome([](Exchange& e) {
    e.begin_stream();
    e.chunk("data: 1\n\n");
    e.close();
  });
  CHECK(code_of(mid_stream) == ErrorCode::network);
  CHECK(mid_stream.head.status == 200);
  CHECK(mid_stream.body == "data: 1\n\n");
  CHECK(code_of(outcome([](Exchange& e) {
          e.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
          e.close();
        })) == ErrorCode::network);
  CHECK(code_of(outcome([](Exchange& e) {
          e.send("\x16\x03\x01 this is no HTTP at all\r\n\r\n");
          e.close();
        })) == ErrorCode::network);
}

TEST_CASE(
    "T10 no byte for the idle timeout ends a transfer, before the headers and inside the body") {
  ByteServer server([](Exchange& exchange) {
    if (exchange.head().starts_with("GET /body")) {
      exchange.begin_stream();
      exchange.chunk("data: 1\n\n");
    }
    exchange.wait_closed();
    exchange.close();
  });
  ClientFixture fixture;
  const auto before = fixture.fetch({.url = server.url("/"), .idle_timeout = milliseconds{120}});
  CHECK(code_of(before) == ErrorCode::stalled);
  CHECK(before.duration_ms >= 110);
  CHECK(before.first_byte_ms == 0);
  const auto inside =
      fixture.fetch({.url = server.url("/body"), .idle_timeout = milliseconds{120}});
  CHECK(code_of(inside) == ErrorCode::stalled);
  CHECK(inside.head.status == 200);
  CHECK(inside.first_byte_ms > 0);
}

TEST_CASE("bytes that keep coming reset the idle timeout, the total timeout they do not") {
  Signal stop;
  ByteServer server([&](Exchange& exchange) {
    exchange.begin_stream();
    // A byte whenever the client has closed nothing within a moment: a steady, slow server.
    while (!stop.is_set() && exchange.chunk(".")) std::this_thread::sleep_for(milliseconds{20});
    exchange.end_stream();
  });
  ClientFixture fixture;
  const auto total = fixture.fetch(
      {.url = server.url(), .idle_timeout = milliseconds{400}, .total_timeout = milliseconds{900}});
  CHECK(code_of(total) == ErrorCode::timeout);
  CHECK(total.duration_ms >= 890);  // two clocks of milliseconds
  stop.set();
}

TEST_CASE("connecting has a time limit of its own") {
  // A listener whose queue is full and never emptied: the handshake does not end.
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(listener, any, size) == 0);
  REQUIRE(::getsockname(listener, any, &size) == 0);
  REQUIRE(::listen(listener, 0) == 0);
  std::vector<int> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    ::connect(fillers.back(), any, size);
  }
  ClientFixture fixture;
  const auto result =
      fixture.fetch({.url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/",
                     .connect_timeout = milliseconds{150}});
  CHECK(code_of(result) == ErrorCode::network);
  CHECK(result.error->message.find("150 ms") != std::string::npos);
  for (const int fd : fillers) ::close(fd);
  ::close(listener);
}

TEST_CASE("cancel ends a transfer in every state, once") {
  Signal reached;
  Signal closed;
  ByteServer server([&](Exchange& exchange) {
    exchange.begin_stream();
    exchange.chunk("data: 1\n\n");
    if (exchange.wait_closed()) closed.set();
    exchange.close();
  });
  ClientFixture fixture({.max_active = 1});
  auto running = std::make_shared<Recorder>();
  running->on_bytes = [&](const std::string&) {
    reached.set();
    return true;
  };
  const auto call = fixture.client.start({.url = server.url()}, running);
  REQUIRE(reached.wait());
  auto waiting = std::make_shared<Recorder>();
  const auto waiting_call = fixture.client.start({.url = server.url()}, waiting);
  waiting_call->cancel();
  CHECK(code_of(waiting->wait()) == ErrorCode::cancelled);
  CHECK(server.requests() == 1);
  call->cancel();
  call->cancel();
  const auto result = running->wait();
  CHECK(code_of(result) == ErrorCode::cancelled);
  CHECK(result.head.status == 200);
  CHECK(closed.wait());
  call->cancel();
  fixture.settle();
  CHECK(running->ends == 1);
  CHECK(waiting->ends == 1);
  CHECK(fixture.client.in_flight() == 0);
}

TEST_CASE("a handler can end its transfer at the headers and inside the body") {
  ByteServer server([](Exchange& exchange) { exchange.answer(200, "", "0123456789"); });
  ClientFixture fixture;
  auto at_head = std::make_shared<Recorder>();
  at_head->refuse_head = true;
  fixture.client.start({.url = server.url()}, at_head);
  CHECK(code_of(at_head->wait()) == ErrorCode::cancelled);
  CHECK(at_head->body.empty());
  auto inside = std::make_shared<Recorder>();
  inside->on_bytes = [](const std::string&) { return false; };
  fixture.client.start({.url = server.url()}, inside);
  CHECK(code_of(inside->wait()) == ErrorCode::cancelled);
}

TEST_CASE("headers and bodies are bounded") {
  ByteServer server([](Exchange& exchange) {
    if (exchange.head().starts_with("GET /headers")) {
      exchange.send("HTTP/1.1 200 OK\r\n");
      const std::string line = "X-Filler: " + std::string(900, 'x') + "\r\n";
      while (exchange.send(line)) {
      }
    } else {
      exchange.begin_stream();
      const std::string piece(10'000, 'y');
      while (exchange.chunk(piece)) {
      }
    }
    exchange.close();
  });
  ClientFixture fixture;
  const auto headers = fixture.fetch({.url = server.url("/headers"), .max_header_bytes = 10'000});
  CHECK(code_of(headers) == ErrorCode::limit_reached);
  const auto body = fixture.fetch({.url = server.url("/body"), .max_body_bytes = 10U << 20U});
  CHECK(code_of(body) == ErrorCode::limit_reached);
  CHECK(body.body.size() <= 10U << 20U);
  CHECK(body.body.size() > (10U << 20U) - 20'000);
}

TEST_CASE("200 streams run at once and end as they should") {
  constexpr int count = 200;
  std::atomic<int> open{0};
  Signal all_open;
  ByteServer server([&](Exchange& exchange) {
    exchange.begin_stream();
    exchange.chunk("data: ");
    if (++open == count) all_open.set();
    // Nobody goes on before everybody is there.
    if (!all_open.wait()) exchange.close();
    for (int i = 0; i < 20; ++i) exchange.chunk(std::to_string(i) + ",");
    exchange.end_stream();
  });
  ClientFixture fixture;
  std::vector<std::shared_ptr<Recorder>> recorders;
  for (int i = 0; i < count; ++i) {
    recorders.push_back(std::make_shared<Recorder>());
    fixture.client.start({.url = server.url()}, recorders.back());
  }
  for (const auto& recorder : recorders) {
    CHECK_FALSE(recorder->wait().error);
    CHECK(recorder->body == "data: " + numbers(20));
  }
  CHECK(server.connections() == count);
}

TEST_CASE("transfers above the limit wait in line, and a line that is full refuses") {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  Signal go;
  ByteServer server([&](Exchange& exchange) {
    const int running = ++now;
    int seen = most;
    while (running > seen && !most.compare_exchange_weak(seen, running)) {
    }
    go.wait();
    --now;
    exchange.answer(200, "", "ok");
  });
  ClientFixture fixture({.max_active = 3, .max_waiting = 10});
  std::vector<std::shared_ptr<Recorder>> recorders;
  for (int i = 0; i < 14; ++i) {
    recorders.push_back(std::make_shared<Recorder>());
    fixture.client.start({.url = server.url()}, recorders.back());
  }
  CHECK(code_of(recorders.back()->wait()) == ErrorCode::unavailable);
  recorders.pop_back();
  go.set();
  for (const auto& recorder : recorders) CHECK_FALSE(recorder->wait().error);
  CHECK(most <= 3);
}

TEST_CASE("destroying the client ends what runs, and it starts nothing any more") {
  Signal reached;
  ByteServer server([&](Exchange& exchange) {
    reached.set();
    exchange.wait_closed();
    exchange.close();
  });
  muster::IoLoop loop;
  auto running = std::make_shared<Recorder>();
  std::shared_ptr<muster::http::ClientCall> call;
  {
    muster::http::HttpClient client(loop);
    call = client.start({.url = server.url()}, running);
    REQUIRE(reached.wait());
  }
  CHECK(code_of(running->wait()) == ErrorCode::cancelled);
  call->cancel();
  loop.call([] {});
  CHECK(running->ends == 1);
}

TEST_CASE("fetch keeps the body together") {
  ByteServer server([](Exchange& exchange) { exchange.answer(200, "", "whole"); });
  ClientFixture fixture;
  std::promise<muster::http::ClientResult> done;
  fixture.client.fetch({.url = server.url()}, [&](muster::http::ClientResult result) {
    done.set_value(std::move(result));
  });
  CHECK(done.get_future().get().body == "whole");
}
