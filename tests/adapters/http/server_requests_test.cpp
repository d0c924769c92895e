// Requests in, answers out: framing, order, limits, garbage.

#include <catch2/catch_test_macros.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/http/http_server.hpp"
#include "adapters/io/io_loop.hpp"
#include "tests/adapters/http/server_raw_client.hpp"

using muster::ErrorCode;
using muster::IoLoop;
using muster::http::HttpHandler;
using muster::http::HttpRequest;
using muster::http::HttpServer;
using muster::http::HttpServerOptions;
using muster::test::RawClient;
using namespace std::chrono_literals;

namespace {

using Writer = std::shared_ptr<muster::http::ResponseWriter>;

std::unique_ptr<HttpServer> serve(IoLoop& loop, HttpHandler handler,
                                  HttpServerOptions options = {}) {
  auto server = HttpServer::start(loop, std::move(options), std::move(handler));
  REQUIRE(server.ok());
  return std::move(server).value();
}

/// Says what it was asked.
void echo(const HttpRequest& request, const Writer& writer) {
  writer->send(200, {{"X-Query", request.query}},
               request.method + " " + request.path + " " + request.body);
}

}  // namespace

TEST_CASE("a request arrives whole and its answer too", "[http]") {
  IoLoop loop;
  std::promise<HttpRequest> seen;
  const auto server = serve(loop, [&](HttpRequest request, const Writer& writer) {
    writer->send(201, {{"X-One", "1"}, {"X-Two", "a\r\nInjected: b"}}, "hello");
    seen.set_value(std::move(request));
  });
  RawClient client(server->port());
  client.send(
      "PUT /a/b?c=d&e HTTP/1.1\r\nHost: x\r\nx-MiXed: yes\r\nContent-Length: 4\r\n\r\nbody");
  const auto response = client.read_response();
  CHECK(response.status == 201);
  CHECK(response.head.starts_with("HTTP/1.1 201 Created\r\n"));
  CHECK(response.header("x-one") == "1");
  CHECK(response.header("injected").empty());
  CHECK(response.body == "hello");
  const auto request = seen.get_future().get();
  CHECK(request.method == "PUT");
  CHECK(request.path == "/a/b");
  CHECK(request.query == "c=d&e");
  CHECK(request.body == "body");
  CHECK(request.header("X-Mixed") == "yes");
  CHECK(request.header("absent").empty());
}

TEST_CASE("a connection stays open for further requests, chunked ones included", "[http]") {
  IoLoop loop;
  const auto server = serve(loop, echo);
  RawClient client(server->port());
  CHECK(client.ask("POST", "/1", "one").body == "POST /1 one");
  client.send(
      "POST /2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n4\r\n too\r\n0\r\n\r\n");
  CHECK(client.read_response().body == "POST /2 two too");
  client.send("GET http://host:1/3?q HTTP/1.1\r\nConnection: close\r\n\r\n");
  const auto last = client.read_response();
  CHECK(last.body == "GET /3 ");
  CHECK(last.header("x-query") == "q");
  CHECK(last.header("connection") == "close");
  CHECK(client.read_all().empty());
}

TEST_CASE("a request may come byte by byte", "[http]") {
  IoLoop loop;
  const auto server = serve(loop, echo);
  RawClient client(server->port());
  for (const char c : std::string("POST /slow HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")) {
    REQUIRE(client.send(std::string(1, c)));
  }
  CHECK(client.read_response().body == "POST /slow abc");
}

TEST_CASE("pipelined requests are answered one at a time and in order", "[http]") {
  IoLoop loop;
  int running = 0;
  bool overlap = false;
  const auto server = serve(loop, [&](const HttpRequest& request, const Writer& writer) {
    overlap = overlap || running > 0;
    const auto answer = [&running, writer, path = request.path] {
      --running;
      writer->send(200, {}, path);
    };
    ++running;
    // Every third one is answered at once, inside the call.
    if (std::stoi(request.path.substr(1)) % 3 == 0) return answer();
    loop.run_after(1ms, answer);
  });
  RawClient client(server->port());
  std::string all;
  constexpr int kRequests = 300;
  for (int i = 0; i < kRequests; ++i) {
    all += "POST /" + std::to_string(i) + " HTTP/1.1\r\nContent-Length: 2\r\n\r\nxy";
  }
  REQUIRE(client.send(all));
  for (int i = 0; i < kRequests; ++i) {
    REQUIRE(client.read_response().body == "/" + std::to_string(i));
  }
  CHECK_FALSE(overlap);
}

TEST_CASE("more pipelined bytes than are kept wait in the kernel and are not lost", "[http]") {
  IoLoop loop;
  const auto server = serve(loop, [&](const HttpRequest& request, const Writer& writer) {
    loop.run_after(
        1ms, [writer, size = request.body.size()] { writer->send(200, {}, std::to_string(size)); });
  });
  RawClient client(server->port());
  const std::string body(50'000, 'b');
  std::thread sender([&] {
    for (int i = 0; i < 20; ++i) {
      client.send("POST / HTTP/1.1\r\nContent-Length: 50000\r\n\r\n" + body);
    }
  });
  std::string sizes;
  for (int i = 0; i < 20; ++i) sizes += client.read_response().body;
  sender.join();
  std::string expected;
  for (int i = 0; i < 20; ++i) expected += "50000";
  CHECK(sizes == expected);
}

TEST_CASE("HEAD has the headers of its answer and no body; HTTP/1.0 ends with the connection",
          "[http]") {
  IoLoop loop;
  const auto server = serve(loop, [](const HttpRequest& request, const Writer& writer) {
    if (request.path == "/whole") return writer->send(200, {}, "12345");
    writer->start(200, {});
    writer->write_chunk("abc");
    writer->write_chunk("def");
    writer->end();
  });
  RawClient client(server->port());
  client.send("HEAD /whole HTTP/1.1\r\n\r\n");
  CHECK(client.read_response(true).header("content-length") == "5");
  client.send("HEAD /stream HTTP/1.1\r\n\r\n");
  CHECK(client.read_response(true).status == 200);
  CHECK(client.ask("GET", "/whole").body == "12345");

  RawClient old(server->port());
  old.send("GET /stream HTTP/1.0\r\n\r\n");
  const auto response = old.read_response();
  CHECK(response.header("transfer-encoding").empty());
  CHECK(response.body == "abcdef");

  RawClient kept(server->port());
  kept.send("GET /whole HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(kept.read_response().header("connection") == "keep-alive");
  CHECK(kept.ask("GET", "/whole").body == "12345");
}

TEST_CASE("Expect: 100-continue is granted before the body, or refused", "[http]") {
  IoLoop loop;
  HttpServerOptions options;
  options.max_body_bytes = 1000;
  const auto server = serve(loop, echo, options);
  RawClient client(server->port());
  client.send("POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ok");
  CHECK(client.read_response().body == "POST /x ok");
  client.send("POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n");
  CHECK(client.read_response().status == 413);
}

TEST_CASE("a body over the limit is 413, announced or chunked; a large head is 431", "[http]") {
  IoLoop loop;
  HttpServerOptions options;
  options.max_body_bytes = 100'000;
  options.max_header_bytes = 8'000;
  const auto server = serve(loop, echo, options);

  RawClient announced(server->port());
  announced.send("POST / HTTP/1.1\r\nContent-Length: 100001\r\n\r\n" + std::string(100'001, 'x'));
  CHECK(announced.read_response().status == 413);
  CHECK(announced.read_all().empty());

  RawClient chunked(server->port());
  chunked.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  const auto chunk = "4e20\r\n" + std::string(0x4e20, 'y') + "\r\n";
  for (int i = 0; i < 6; ++i) chunked.send(chunk);
  CHECK(chunked.read_response().status == 413);

  RawClient header(server->port());
  header.send("GET / HTTP/1.1\r\nX-Long: " + std::string(9'000, 'z') + "\r\n\r\n");
  CHECK(header.read_response().status == 431);

  RawClient many(server->port());
  std::string lines = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 1000; ++i) lines += "a: b\r\n";
  many.send(lines + "\r\n");
  CHECK(many.read_response().status == 431);

  RawClient target(server->port());
  target.send("GET /" + std::string(9'000, 'u') + " HTTP/1.1\r\n\r\n");
  CHECK(target.read_response().status == 431);

  RawClient fits(server->port());
  CHECK(fits.ask("POST", "/", std::string(100'000, 'x')).status == 200);
}

TEST_CASE("F6 garbage bytes get a 400 and the server lives", "[http]") {
  IoLoop loop;
  const auto server = serve(loop, echo);
  const std::vector<std::string> wrong{
      std::string("\0\x01\x02\xff\xfe garbage\r\n\r\n", 18),
      "GET\r\n\r\n",
      "BREW /pot HTTP/1.1\r\n\r\n",
      "GET / HTTP/9x\r\n\r\n",
      "GET / HTTP/1.1\r\nno colon here\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: ten\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
      "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS hello",
  };
  for (const auto& bytes : wrong) {
    INFO("sent: " << bytes);
    RawClient client(server->port());
    client.send(bytes);
    const auto response = client.read_response();
    CHECK(response.status == 400);
    CHECK(response.header("connection") == "close");
    CHECK(client.read_all().empty());
  }
  RawClient after(server->port());
  CHECK(after.ask("GET", "/alive").status == 200);
  after.send("garbage after a good request\r\n\r\n");
  CHECK(after.read_response().status == 400);
}

TEST_CASE("random bytes never stop the server", "[http]") {
  IoLoop loop;
  const auto server = serve(loop, echo);
  std::uint32_t state = 12345;  // a fixed seed: the same bytes in every run
  for (int round = 0; round < 100; ++round) {
    std::string bytes = round % 2 == 0 ? "POST / HTTP/1.1\r\n" : "";
    for (int i = 0; i < 200; ++i) {
      state = state * 1664525 + 1013904223;
      bytes += static_cast<char>(state >> 24);
    }
    RawClient client(server->port());
    client.send(bytes);
    client.end_sending();
    const auto answer = client.read_all();
    CHECK((answer.empty() || answer.starts_with("HTTP/1.1 4")));
  }
  RawClient after(server->port());
  CHECK(after.ask("GET", "/alive").status == 200);
}

TEST_CASE("a request that does not end is 408; an idle connection is closed", "[http]") {
  IoLoop loop;
  HttpServerOptions options;
  options.request_timeout = 50ms;
  options.idle_timeout = 50ms;
  const auto server = serve(loop, echo, options);
  RawClient slow(server->port());
  slow.send("GET / HTT");
  CHECK(slow.read_response().status == 408);
  RawClient idle(server->port());
  CHECK(idle.ask("GET", "/").status == 200);
  CHECK(idle.read_all().empty());
}

TEST_CASE("an address that cannot be bound is an error that names it", "[http]") {
  IoLoop loop;
  const auto first = serve(loop, echo);
  HttpServerOptions taken;
  taken.port = first->port();
  const auto second = HttpServer::start(loop, taken, echo);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::already_exists);
  CHECK(second.error().text().find(std::to_string(first->port())) != std::string::npos);
  HttpServerOptions name;
  name.address = "not-an-address";
  const auto third = HttpServer::start(loop, name, echo);
  REQUIRE_FALSE(third.ok());
  CHECK(third.error().code == ErrorCode::invalid_argument);
  CHECK(first->url() == "http://127.0.0.1:" + std::to_string(first->port()));
}
