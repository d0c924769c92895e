// Answers that take their time, break off, or are never given; clients that leave.

#include <catch2/catch_test_macros.hpp>
#include <future>
#include <memory>
#include <string>

#include "adapters/http/http_server.hpp"
#include "adapters/io/io_loop.hpp"
#include "tests/adapters/http/server_raw_client.hpp"

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

/// Hands the writer of its one request to the test.
struct Catcher {
  std::promise<Writer> caught;
  HttpHandler handler() {
    return [this](const HttpRequest&, Writer writer) { caught.set_value(std::move(writer)); };
  }
  Writer get() { return caught.get_future().get(); }
};

const std::string kGet = "GET / HTTP/1.1\r\n\r\n";

}  // namespace

TEST_CASE("a chunk is on its way when it is written", "[http]") {
  IoLoop loop;
  Catcher catcher;
  const auto server = serve(loop, catcher.handler());
  RawClient client(server->port());
  client.send(kGet);
  auto writer = catcher.get();
  bool complete = true;
  loop.call([&] {
    writer->start(200, {{"Content-Type", "text/event-stream"}});
    writer->write_chunk("first");
  });
  CHECK(client.read_until("\r\n\r\n").find("text/event-stream") != std::string::npos);
  CHECK(client.read_chunk(complete) == "first");
  loop.call([&] {
    writer->write_chunk("");  // no chunk: it would be the end
    writer->write_chunk("second");
  });
  CHECK(client.read_chunk(complete) == "second");
  loop.call([&] {
    CHECK(writer->open());
    writer->end();
    CHECK_FALSE(writer->open());
    writer->write_chunk("too late");
    writer->end();
    writer.reset();
  });
  CHECK(client.read_chunk(complete).empty());
  CHECK(complete);
}

TEST_CASE("a corked answer is one piece on the wire", "[http]") {
  IoLoop loop;
  Catcher catcher;
  const auto server = serve(loop, catcher.handler());
  RawClient client(server->port());
  client.send(kGet);
  auto writer = catcher.get();
  loop.call([&] {
    writer->cork();
    writer->start(200, {});
    writer->write_chunk("a");
    writer->write_chunk("b");
    writer->end();
    writer->uncork();
    writer.reset();
  });
  CHECK(client.read_response().body == "ab");
}

TEST_CASE("the handler hears when its client leaves", "[http]") {
  IoLoop loop;
  Catcher catcher;
  const auto server = serve(loop, catcher.handler());
  RawClient client(server->port());
  client.send(kGet);
  auto writer = catcher.get();
  std::promise<bool> gone;
  loop.call([&] { writer->on_disconnect([&] { gone.set_value(writer->open()); }); });
  client.close();
  CHECK_FALSE(gone.get_future().get());
  loop.call([&] {
    writer->send(200, {}, "nobody reads this");
    writer.reset();
    CHECK(server->connections() == 0);
  });
}

TEST_CASE("a client that left before on_disconnect was set is still reported", "[http]") {
  IoLoop loop;
  Catcher catcher;
  const auto server = serve(loop, catcher.handler());
  auto client = std::make_unique<RawClient>(server->port());
  client->send(kGet);
  auto writer = catcher.get();
  client.reset();
  std::promise<void> gone;
  loop.call([] {});  // one more turn of the loop, in which it may see the end of the connection
  loop.call([&] {
    writer->on_disconnect([&] { gone.set_value(); });
    writer.reset();
  });
  CHECK(gone.get_future().wait_for(20s) == std::future_status::ready);
}

TEST_CASE("a client that has closed only its sending side gets its answer", "[http]") {
  IoLoop loop;
  const auto server = serve(loop, [&loop](const HttpRequest&, const Writer& writer) {
    loop.run_after(20ms, [writer] { writer->send(200, {}, std::string(2'000'000, 'x')); });
  });
  RawClient client(server->port());
  client.send(kGet + kGet);
  client.end_sending();
  CHECK(client.read_response().body.size() == 2'000'000);
  CHECK(client.read_response().body.size() == 2'000'000);
  CHECK(client.read_all().empty());
}

TEST_CASE("drop closes at once, before the headers or in the middle", "[http]") {
  IoLoop loop;
  const auto server = serve(loop, [](const HttpRequest& request, const Writer& writer) {
    if (request.path == "/mid") {
      writer->start(200, {});
      writer->write_chunk("part");
    }
    writer->drop();
  });
  RawClient early(server->port());
  early.send(kGet);
  CHECK(early.read_all().empty());
  RawClient middle(server->port());
  middle.send("GET /mid HTTP/1.1\r\n\r\n");
  const auto response = middle.read_response();
  CHECK(response.body == "part");
  CHECK_FALSE(response.complete);
}

TEST_CASE("a writer that is let go answers 500, or breaks its stream off", "[http]") {
  IoLoop loop;
  const auto server = serve(loop, [](const HttpRequest& request, const Writer& writer) {
    if (request.path != "/stream") return;
    writer->start(200, {});
    writer->write_chunk("part");
  });
  RawClient client(server->port());
  CHECK(client.ask("GET", "/").status == 500);
  const auto broken = client.ask("GET", "/stream");
  CHECK(broken.body == "part");
  CHECK_FALSE(broken.complete);
}

TEST_CASE("hang says nothing until the client leaves", "[http]") {
  IoLoop loop;
  const auto server = serve(loop, [](const HttpRequest& request, const Writer& writer) {
    if (request.path == "/hang") return writer->hang();
    writer->send(200, {}, "");
  });
  auto client = std::make_unique<RawClient>(server->port());
  client->send("GET /hang HTTP/1.1\r\n\r\n");
  RawClient other(server->port());
  CHECK(other.ask("GET", "/").status == 200);
  std::size_t open = 0;
  loop.call([&] { open = server->connections(); });
  CHECK(open == 2);
  client.reset();
  // Its end reaches the server some time after; each question is a round trip, so this ends.
  for (int i = 0; i < 100'000 && open != 1; ++i) {
    CHECK(other.ask("GET", "/").status == 200);
    loop.call([&] { open = server->connections(); });
  }
  CHECK(open == 1);
}

TEST_CASE("a client that does not read is dropped at the limit of unsent bytes", "[http]") {
  IoLoop loop;
  Catcher catcher;
  HttpServerOptions options;
  options.max_unsent_bytes = 1'000'000;
  const auto server = serve(loop, catcher.handler(), options);
  RawClient client(server->port(), 4096);
  client.send(kGet);
  auto writer = catcher.get();
  std::size_t written = 0;
  loop.call([&] {
    writer->start(200, {});
    const std::string piece(100'000, 'p');
    while (writer->open() && written < 100'000'000) {
      writer->write_chunk(piece);
      written += piece.size();
    }
    writer.reset();
  });
  CHECK(written < 20'000'000);  // the kernel's buffers and a million
  CHECK_FALSE(client.read_response().complete);
}

TEST_CASE("a large last answer reaches a slow client whole", "[http]") {
  IoLoop loop;
  const std::string body(20'000'000, 'q');
  const auto server =
      serve(loop, [&](const HttpRequest&, const Writer& writer) { writer->send(200, {}, body); });
  RawClient client(server->port(), 4096);
  client.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  const auto response = client.read_response();
  CHECK(response.complete);
  CHECK(response.body == body);
}

TEST_CASE("stop closes every connection, tells who waits, and calls no handler after", "[http]") {
  IoLoop loop;
  Catcher catcher;
  const auto server = serve(loop, catcher.handler());
  RawClient waiting(server->port());
  waiting.send(kGet);
  auto writer = catcher.get();
  std::promise<void> gone;
  loop.call([&] { writer->on_disconnect([&] { gone.set_value(); }); });
  RawClient idle(server->port());
  server->stop();
  CHECK(gone.get_future().wait_for(20s) == std::future_status::ready);
  CHECK(waiting.read_all().empty());
  CHECK(idle.read_all().empty());
  server->stop();
  loop.call([&] { writer.reset(); });
  CHECK_THROWS(RawClient(server->port()));
}
