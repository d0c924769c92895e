// The scripted model over HTTP: paths, streams, every fault, statistics.

#include <catch2/catch_test_macros.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "adapters/io/io_loop.hpp"
#include "adapters/model/model_server.hpp"
#include "tests/adapters/http/server_raw_client.hpp"

using muster::IoLoop;
using muster::scripted::ModelServer;
using muster::scripted::parse_scenario;
using muster::test::RawClient;
using muster::test::RawResponse;
using nlohmann::json;

namespace {

/// A server that plays the given rules.
struct Server {
  IoLoop loop;
  std::unique_ptr<ModelServer> server;

  explicit Server(const std::string& rules, const std::string& defaults = "{}") {
    auto scenario = parse_scenario(
        R"({"name": "test", "defaults": )" + defaults + R"(, "rules": )" + rules + "}",
        "test.json");
    INFO((scenario.ok() ? "" : scenario.error().text()));
    REQUIRE(scenario.ok());
    auto started = ModelServer::start(loop, std::move(scenario).value());
    REQUIRE(started.ok());
    server = std::move(started).value();
  }

  [[nodiscard]] json stats() const { return json::parse(server->stats()); }

  /// Asks until `done` holds of the statistics: the server hears of a client's end a little later.
  template <class Done>
  json stats_when(Done done) {
    RawClient client(server->port());
    for (int i = 0; i < 200'000; ++i) {
      auto stats = json::parse(client.ask("GET", "/stats").body);
      if (done(stats)) return stats;
    }
    return {};
  }
};

std::string body_of(const std::string& agent, bool stream, const std::string& task = "M1.T1") {
  json body{{"model", "m"}, {"stream", stream}};
  body["messages"].push_back(
      {{"role", "user"}, {"content", "[muster agent=" + agent + " task=" + task + "]\nwork"}});
  if (stream) body["stream_options"]["include_usage"] = true;
  return body.dump();
}

RawResponse ask(const Server& server, const std::string& agent, bool stream) {
  RawClient client(server.server->port());
  return client.ask("POST", "/v1/chat/completions", body_of(agent, stream));
}

/// The JSON of every event but [DONE].
std::vector<json> events_of(const std::string& body) {
  std::vector<json> out;
  std::size_t at = 0;
  while ((at = body.find("data: ", at)) != std::string::npos) {
    const auto end = body.find("\n\n", at);
    const auto text = body.substr(at + 6, end - at - 6);
    at = end;
    if (text != "[DONE]") out.push_back(json::parse(text));
  }
  return out;
}

std::string text_of(const std::string& body) {
  std::string out;
  for (const auto& event : events_of(body)) {
    if (!event["choices"].empty()) out += event["choices"][0]["delta"].value("content", "");
  }
  return out;
}

const std::string kLong = R"([{"then": {"text": "0123456789012345678901234567890123456789"}}])";

}  // namespace

TEST_CASE("a call is answered whole or as a stream, with and without /v1", "[model_server]") {
  Server server(R"([{"then": {"text": "hello {{agent}}", "reasoning": "hm"}}])");
  CHECK(server.server->base_url() ==
        "http://127.0.0.1:" + std::to_string(server.server->port()) + "/v1");
  const auto whole = ask(server, "worker", false);
  CHECK(whole.status == 200);
  CHECK(whole.header("content-type") == "application/json");
  const auto message = json::parse(whole.body);
  CHECK(message["object"] == "chat.completion");
  CHECK(message["choices"][0]["message"]["content"] == "hello worker");
  CHECK(message["choices"][0]["message"]["reasoning_content"] == "hm");
  CHECK(message["choices"][0]["finish_reason"] == "stop");
  CHECK(message["usage"]["completion_tokens"] == 4);

  RawClient client(server.server->port());
  const auto stream = client.ask("POST", "/chat/completions", body_of("worker", true));
  CHECK(stream.header("content-type") == "text/event-stream");
  CHECK(text_of(stream.body) == "hello worker");
  CHECK(stream.body.ends_with("data: [DONE]\n\n"));
  CHECK(events_of(stream.body).back()["usage"]["completion_tokens"] == 4);
  CHECK(client.ask("POST", "/v1/chat/completions", body_of("b", true)).status == 200);
}

TEST_CASE("models, unknown paths, wrong methods, bad bodies", "[model_server]") {
  Server server(kLong);
  RawClient client(server.server->port());
  CHECK(json::parse(client.ask("GET", "/v1/models").body)["data"][0]["object"] == "model");
  CHECK(client.ask("GET", "/nothing").status == 404);
  CHECK(client.ask("GET", "/v1/chat/completions").status == 405);
  const auto bad = client.ask("POST", "/v1/chat/completions", "{\"messages\": ");
  CHECK(bad.status == 400);
  CHECK(json::parse(bad.body)["error"]["type"] == "invalid_request_error");
  CHECK(client.ask("POST", "/v1/chat/completions", body_of("w", true)).status == 200);
  const auto stats = server.stats();
  CHECK(stats["errors"] == json{{"400", 1}, {"404", 1}, {"405", 1}});
  CHECK(stats["calls"] == 1);
}

TEST_CASE("F6 garbage does not stop the model server", "[model_server]") {
  Server server(kLong);
  RawClient garbage(server.server->port());
  garbage.send("\x16\x03\x01 no http\r\n\r\n");
  CHECK(garbage.read_response().status == 400);
  CHECK(ask(server, "w", false).status == 200);
}

TEST_CASE("a gap in the scenario is a 500 that names the call", "[model_server]") {
  Server server(R"([{"when": {"agent": "planner"}, "then": {"text": ""}}])");
  const auto response = ask(server, "worker", true);
  CHECK(response.status == 500);
  const auto error = json::parse(response.body)["error"]["message"].get<std::string>();
  CHECK(error.find("scenario gap: test.json: no rule matches agent=worker task=M1.T1 turn=1 "
                   "attempt=1") == 0);
  CHECK(server.stats()["errors"]["500"] == 1);
}

TEST_CASE("fault status: with headers and body, then the next rule", "[model_server]") {
  Server server(R"([
    {"then": {"fault": {"kind": "status", "status": 429, "headers": {"retry-after": "1", "content-type": "application/problem+json"},
                        "body": {"error": {"message": "slow down"}}}}, "once": true},
    {"then": {"fault": {"kind": "status", "status": 529}}, "once": true},
    {"then": {"text": "ok"}}])");
  const auto limited = ask(server, "w", true);
  CHECK(limited.status == 429);
  CHECK(limited.header("retry-after") == "1");
  CHECK(limited.header("content-type") == "application/problem+json");
  CHECK(json::parse(limited.body)["error"]["message"] == "slow down");
  const auto overloaded = ask(server, "w", true);
  CHECK(overloaded.status == 529);
  CHECK(json::parse(overloaded.body)["error"]["type"] == "overloaded_error");
  CHECK(text_of(ask(server, "w", true).body) == "ok");
  const auto stats = server.stats();
  CHECK(stats["errors"] == json{{"429", 1}, {"529", 1}});
  CHECK(stats["faults"]["status"] == 2);
  CHECK(stats["tokens"]["completion"] == 1);
}

TEST_CASE("fault drop_before_headers closes without a byte", "[model_server]") {
  Server server(R"([{"then": {"fault": "drop_before_headers", "latency_ms": 5}}])");
  CHECK(ask(server, "w", true).head.empty());
  CHECK(ask(server, "w", false).head.empty());
  const auto stats = server.stats_when([](const json& now) { return now["in_flight"] == 0; });
  CHECK(stats["faults"]["drop_before_headers"] == 2);
  CHECK(stats["clients_left"] == 0);
}

TEST_CASE("fault drop_mid_stream sends half and closes", "[model_server]") {
  Server server(
      R"([{"then": {"text": "0123456789", "chunk_chars": 1, "fault": "drop_mid_stream"}}])");
  const auto stream = ask(server, "w", true);
  CHECK(stream.status == 200);
  CHECK_FALSE(stream.complete);
  CHECK(text_of(stream.body) == "012345");
  CHECK(stream.body.find("[DONE]") == std::string::npos);
  const auto whole = ask(server, "w", false);
  CHECK(whole.status == 200);
  CHECK_FALSE(whole.complete);
  CHECK(whole.body.size() > 20);
  CHECK_FALSE(json::accept(whole.body));
}

TEST_CASE("fault hang_before_headers and hang_mid_stream wait for the client to leave",
          "[model_server]") {
  Server server(R"([
    {"when": {"agent": "early"}, "then": {"fault": "hang_before_headers"}},
    {"when": {"agent": "mid"}, "then": {"text": "0123456789", "chunk_chars": 1, "fault": "hang_mid_stream"}},
    {"then": {"text": "ok"}}])");
  auto early = std::make_unique<RawClient>(server.server->port());
  auto mid = std::make_unique<RawClient>(server.server->port());
  const auto post = [](RawClient& client, const std::string& body) {
    client.send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  post(*early, body_of("early", true));
  post(*mid, body_of("mid", true));
  CHECK(mid->read_until(R"("content":"5")").ends_with("5\""));
  auto stats = server.stats_when([](const json& now) { return now["in_flight"] == 2; });
  CHECK(stats["agents"]["early"]["in_flight"] == 1);
  CHECK(text_of(ask(server, "other", true).body) == "ok");
  early.reset();
  mid.reset();
  stats = server.stats_when([](const json& now) { return now["in_flight"] == 0; });
  CHECK(stats["clients_left"] == 2);
  CHECK(stats["max_in_flight"] == 3);
  CHECK(stats["faults"] == json{{"hang_before_headers", 1}, {"hang_mid_stream", 1}});
}

TEST_CASE("fault malformed_json cuts an event, or the body", "[model_server]") {
  Server server(
      R"([{"then": {"text": "0123456789", "chunk_chars": 1, "fault": "malformed_json"}}])");
  const auto stream = ask(server, "w", true);
  CHECK(stream.complete);
  CHECK(stream.body.ends_with("data: [DONE]\n\n"));
  CHECK_THROWS(events_of(stream.body));
  const auto whole = ask(server, "w", false);
  CHECK(whole.complete);
  CHECK_FALSE(json::accept(whole.body));
}

TEST_CASE("fault bad_arguments cuts a tool call's arguments", "[model_server]") {
  Server server(R"([
    {"when": {"agent": "own"}, "then": {"tool_calls": [{"name": "write", "arguments": {"path": "a.txt"}}], "fault": "bad_arguments"}},
    {"then": {"fault": "bad_arguments"}}])");
  for (const auto* agent : {"own", "none"}) {
    const auto whole = json::parse(ask(server, agent, false).body);
    const auto call = whole["choices"][0]["message"]["tool_calls"][0];
    CHECK(call["function"]["name"] == (std::string(agent) == "own" ? "write" : "read"));
    CHECK_FALSE(json::accept(call["function"]["arguments"].get<std::string>()));
    CHECK(whole["choices"][0]["finish_reason"] == "tool_calls");
  }
}

TEST_CASE("fault empty says nothing, regularly", "[model_server]") {
  Server server(R"([{"then": {"text": "dropped", "fault": "empty"}}])");
  const auto stream = ask(server, "w", true);
  CHECK(stream.complete);
  CHECK(text_of(stream.body).empty());
  CHECK(stream.body.find(R"("finish_reason":"stop")") != std::string::npos);
  const auto whole = json::parse(ask(server, "w", false).body);
  CHECK(whole["choices"][0]["message"]["content"] == "");
}

TEST_CASE("fault html is a page with a good status", "[model_server]") {
  Server server(R"([{"then": {"fault": {"kind": "html", "status": 502}}, "once": true},
                    {"then": {"fault": "html"}}])");
  CHECK(ask(server, "w", true).status == 502);
  const auto page = ask(server, "w", true);
  CHECK(page.status == 200);
  CHECK(page.header("content-type") == "text/html");
  CHECK(page.body.starts_with("<!DOCTYPE html>"));
}

TEST_CASE("fault no_finish ends a stream without its end marks", "[model_server]") {
  Server server(R"([{"then": {"text": "all of it", "fault": "no_finish"}}])");
  const auto stream = ask(server, "w", true);
  CHECK(stream.complete);
  CHECK(text_of(stream.body) == "all of it");
  CHECK(stream.body.find("[DONE]") == std::string::npos);
  CHECK(events_of(stream.body).back()["choices"][0]["finish_reason"].is_null());
  CHECK(json::parse(ask(server, "w", false).body)["choices"][0]["finish_reason"].is_null());
}

TEST_CASE("quirks: no id, no usage, a finish_reason of one's own", "[model_server]") {
  Server server(R"([{"then": {"tool_calls": [{"name": "a", "id": null}, {"name": "b"}],
                              "usage": null, "finish_reason": "stop"}}])");
  const auto whole = json::parse(ask(server, "w", false).body);
  const auto& calls = whole["choices"][0]["message"]["tool_calls"];
  CHECK_FALSE(calls[0].contains("id"));
  CHECK(calls[1]["id"] == "call_1");
  CHECK_FALSE(whole.contains("usage"));
  CHECK(whole["choices"][0]["finish_reason"] == "stop");
  const auto stream = ask(server, "w", true);
  CHECK(stream.body.find("usage") == std::string::npos);
}

TEST_CASE("latency and token delay are kept, and chunks come one by one", "[model_server]") {
  Server server(
      R"([{"then": {"text": "01234", "chunk_chars": 1, "latency_ms": 60, "token_delay_ms": 30}}])");
  RawClient client(server.server->port());
  const auto body = body_of("w", true);
  const auto start = std::chrono::steady_clock::now();
  const auto passed = [&] { return std::chrono::steady_clock::now() - start; };
  client.send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  client.read_until("\r\n\r\n");
  CHECK(passed() >= std::chrono::milliseconds(60));
  bool complete = true;
  int chunks = 0;
  while (!client.read_chunk(complete).empty()) ++chunks;
  // Role, five characters, finish, usage, [DONE]: eight waits lie between them.
  CHECK(chunks == 9);
  CHECK(passed() >= std::chrono::milliseconds(60 + 8 * 30));
}

TEST_CASE("statistics count per agent and task, in flight and at most; reset starts anew",
          "[model_server]") {
  Server server(R"([
    {"when": {"agent": "slow"}, "then": {"fault": "hang_before_headers"}},
    {"then": {"text": "12345678", "usage": {"prompt_tokens": 100, "completion_tokens": 10, "cached_tokens": 40}}}])");
  RawClient waiting(server.server->port());
  const auto body = body_of("slow", true, "M1.T9");
  waiting.send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
  server.stats_when([](const json& now) { return now["in_flight"] == 1; });
  for (int i = 0; i < 3; ++i) CHECK(ask(server, "worker", i % 2 == 0).status == 200);
  auto stats = server.stats();
  CHECK(stats["scenario"] == "test");
  CHECK(stats["calls"] == 4);
  CHECK(stats["in_flight"] == 1);
  CHECK(stats["max_in_flight"] == 2);
  CHECK(stats["agents"]["worker"]["calls"] == 3);
  CHECK(stats["agents"]["worker"]["max_in_flight"] == 1);
  CHECK(stats["agents"]["worker"]["tokens"] ==
        json{{"prompt", 300}, {"cached", 120}, {"completion", 30}});
  CHECK(stats["tasks"]["M1.T1"]["calls"] == 3);
  CHECK(stats["tasks"]["M1.T9"]["in_flight"] == 1);
  CHECK(stats["first_call_ms"] > 1'600'000'000'000);
  CHECK(stats["last_call_ms"] >= stats["first_call_ms"]);
  CHECK(stats["rules"] ==
        json::parse(R"([{"line":2,"met":1,"used":1},{"line":3,"met":3,"used":3}])"));

  RawClient client(server.server->port());
  CHECK(client.ask("POST", "/reset").status == 200);
  stats = server.stats();
  CHECK(stats["calls"] == 0);
  CHECK(stats["in_flight"] == 1);
  CHECK(stats["max_in_flight"] == 1);
  CHECK(stats["agents"].size() == 1);
  CHECK(stats["first_call_ms"] == 0);
  waiting.close();
  stats = server.stats_when([](const json& now) { return now["in_flight"] == 0; });
  CHECK(stats["agents"]["slow"]["in_flight"] == 0);
}

TEST_CASE("stop in the middle of streams ends them and leaves nothing behind", "[model_server]") {
  Server server(R"([{"then": {"text": "0123456789", "chunk_chars": 1, "token_delay_ms": 10000}}])");
  RawClient client(server.server->port());
  const auto body = body_of("w", true);
  client.send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  client.read_until("\r\n\r\n");
  server.server->stop();
  CHECK(client.read_all().find("[DONE]") == std::string::npos);
  CHECK(server.stats()["in_flight"] == 0);
}
