#include "adapters/model/model_server.hpp"

#include <chrono>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "adapters/http/http_server.hpp"
#include "adapters/io/descriptor_limit.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/model/model_server_playback.hpp"
#include "adapters/model/model_server_stats.hpp"
#include "adapters/model/scripted_model.hpp"
#include "adapters/model/scripted_wire.hpp"

namespace muster::scripted {
namespace {

using http::HttpRequest;
using Writer = std::shared_ptr<http::ResponseWriter>;

std::int64_t unix_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

const http::Headers& json_headers() {
  static const http::Headers headers{{"Content-Type", "application/json"}};
  return headers;
}

const http::Headers& stream_headers() {
  static const http::Headers headers{{"Content-Type", "text/event-stream"},
                                     {"Cache-Control", "no-cache"}};
  return headers;
}

std::string dump(const nlohmann::json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Events one_event(std::string body) {
  Events events;
  events.ends.push_back(body.size());
  events.bytes = std::move(body);
  return events;
}

/// Adds a Content-Type unless the scenario's headers have one.
http::Headers with_type(const http::Headers& given, const char* type) {
  auto headers = given;
  HttpRequest search;  // for its case-blind look-up
  search.headers = given;
  if (search.header("content-type").empty()) headers.emplace_back("Content-Type", type);
  return headers;
}

Playable playable(const ScriptedReply& reply, const Envelope& envelope, bool stream) {
  Playable out;
  out.latency_ms = reply.pace.latency_ms;
  out.fault = reply.fault.kind;
  if (out.fault == FaultKind::status || out.fault == FaultKind::html) {
    const bool page = out.fault == FaultKind::html;
    out.status = reply.fault.status;
    out.headers = with_type(reply.fault.headers, page ? "text/html" : "application/json");
    out.events = one_event(fault_body(reply.fault));
    return out;
  }
  out.stream = stream;
  out.headers = stream ? stream_headers() : json_headers();
  out.event_delay_ms = stream ? reply.pace.token_delay_ms : 0;
  out.events = stream ? stream_events(reply, envelope) : one_event(whole_body(reply, envelope));
  return out;
}

}  // namespace

/// All of it is used on the loop thread, once the server listens.
class ModelServer::Impl {
 public:
  Impl(IoLoop& loop, Scenario scenario) : loop_(loop), model_(std::move(scenario)) {}

  void handle(const HttpRequest& request, const Writer& writer);
  std::string stats_text() const { return dump(stats_.json(model_)); }

  IoLoop& loop_;
  std::unique_ptr<http::HttpServer> server_;

 private:
  void complete(const HttpRequest& request, const Writer& writer);
  void fail(const Writer& writer, int status, std::string_view message);
  void play(const ScriptedRequest& request, const ScriptedReply& reply, const Writer& writer);
  void list_models(const Writer& writer) const;

  ScriptedModel model_;
  ServerStats stats_;
  std::uint64_t calls_ = 0;
};

void ModelServer::Impl::handle(const HttpRequest& request, const Writer& writer) {
  std::string_view path = request.path;
  if (path.starts_with("/v1/")) path.remove_prefix(3);
  const bool get = request.method == "GET" || request.method == "HEAD";
  const bool post = request.method == "POST";
  if (path == "/chat/completions" && post) return complete(request, writer);
  if (path == "/models" && get) return list_models(writer);
  if (path == "/stats" && get) return writer->send(200, json_headers(), stats_text());
  if (path == "/reset" && post) {
    model_.reset();
    stats_.reset();
    return writer->send(200, json_headers(), "{}\n");
  }
  const bool known =
      path == "/chat/completions" || path == "/models" || path == "/stats" || path == "/reset";
  fail(writer, known ? 405 : 404,
       known ? "this path takes another method" : "there is nothing at " + request.path);
}

void ModelServer::Impl::fail(const Writer& writer, int status, std::string_view message) {
  stats_.error(status);
  writer->send(status, json_headers(), error_body(status, message));
}

void ModelServer::Impl::list_models(const Writer& writer) const {
  const nlohmann::json one{{"id", "scripted"}, {"object", "model"}, {"owned_by", "muster"}};
  const nlohmann::json all{{"object", "list"}, {"data", nlohmann::json::array({one})}};
  writer->send(200, json_headers(), dump(all));
}

void ModelServer::Impl::complete(const HttpRequest& request, const Writer& writer) {
  const auto scanned = scan_request(request.body);
  if (!scanned) return fail(writer, 400, scanned.error().message);
  const auto reply = model_.reply(scanned.value());
  if (reply) return play(scanned.value(), reply.value(), writer);
  stats_.end(stats_.begin(scanned.value(), unix_ms()));
  fail(writer, 500, "scenario gap: " + reply.error().text());
}

void ModelServer::Impl::play(const ScriptedRequest& request, const ScriptedReply& reply,
                             const Writer& writer) {
  const auto now = unix_ms();
  const auto ticket = stats_.begin(request, now);
  if (reply.fault.kind != FaultKind::none) stats_.fault(reply.fault.kind);
  const bool answers = reply.fault.kind != FaultKind::status && reply.fault.kind != FaultKind::html;
  if (answers && reply.usage) stats_.tokens(ticket, *reply.usage);
  const Envelope envelope{++calls_, now / 1000, request.model, request.include_usage};
  auto what = playable(reply, envelope, request.stream);
  if (what.status >= 400) stats_.error(what.status);
  // A drop closes the connection as a leaving client does, but it is the scenario's doing.
  const bool drops = reply.fault.kind == FaultKind::drop_before_headers ||
                     reply.fault.kind == FaultKind::drop_mid_stream;
  auto ended = [this, ticket, drops](bool client_left) {
    if (client_left && !drops) stats_.client_left();
    stats_.end(ticket);
  };
  std::make_shared<Playback>(loop_, writer, std::move(what), std::move(ended))->begin();
}

// ---- ModelServer
// ----------------------------------------------------------------------------------

ModelServer::ModelServer(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

ModelServer::~ModelServer() { stop(); }

Result<std::unique_ptr<ModelServer>> ModelServer::start(IoLoop& loop, Scenario scenario,
                                                        ModelServerOptions options) {
  auto impl = std::make_unique<Impl>(loop, std::move(scenario));
  http::HttpServerOptions http_options;
  http_options.address = std::move(options.address);
  http_options.port = options.port;
  auto handler = [raw = impl.get()](const HttpRequest& request, const Writer& writer) {
    raw->handle(request, writer);
  };
  auto server = http::HttpServer::start(loop, std::move(http_options), std::move(handler));
  if (!server) return server.error();
  impl->server_ = std::move(server).value();
  return std::unique_ptr<ModelServer>(new ModelServer(std::move(impl)));
}

std::string ModelServer::base_url() const { return impl_->server_->url() + "/v1"; }

std::uint16_t ModelServer::port() const noexcept { return impl_->server_->port(); }

std::string ModelServer::stats() const {
  std::string out;
  impl_->loop_.call([&] { out = impl_->stats_text(); });
  return out;
}

void ModelServer::stop() { impl_->server_->stop(); }

int model_server_main(const ModelServerMain& options) {
  auto scenario = load_scenario(options.scenario);
  if (!scenario) {
    std::fprintf(stderr, "%s\n", scenario.error().text().c_str());
    return 2;
  }
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  raise_descriptor_limit();
  IoLoop loop;
  auto server = ModelServer::start(loop, std::move(scenario).value(), options.server);
  if (!server) {
    std::fprintf(stderr, "%s\n", server.error().text().c_str());
    return 1;
  }
  std::printf("listening on %s\n", server.value()->base_url().c_str());
  std::fflush(stdout);
  int signal = 0;
  while (sigwait(&ending, &signal) != 0) continue;
  return 0;
}

}  // namespace muster::scripted
