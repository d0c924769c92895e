#include "runtime/boot/control_server.hpp"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "adapters/rpc/rpc_server.hpp"
#include "runtime/boot/opencode_front.hpp"

namespace muster {
namespace {

using nlohmann::json;

const std::set<std::string> engine_methods{"status", "stop", "pause", "resume", "answer",
                                           "tell",   "todo", "waive", "actors"};

}  // namespace

struct ControlServer::Parts {
  explicit Parts(Engine& given)
      : engine(given),
        opencode(given, [this](rpc::ClientId client, const std::string& method, json params) {
          server->notify(client, method, std::move(params));
        }) {}

  Engine& engine;
  std::mutex mutex;
  std::set<rpc::ClientId> attached;  // guarded by mutex
  std::atomic<std::uint64_t> seq{0};
  std::unique_ptr<rpc::RpcServer> server;
  OpenCodeFront opencode;

  void handle(const std::string& method, const json& params, rpc::ClientId client,
              rpc::Reply reply) {
    if (method == "attach") {
      std::lock_guard lock(mutex);
      attached.insert(client);
      return reply(json{{"mission", engine.current_mission()}});
    }
    if (OpenCodeFront::methods().contains(method))
      return opencode.handle(method, params, client, std::move(reply));
    engine.control_async(method, params.dump(),
                         [reply = std::move(reply)](Result<std::string> answer) {
                           if (!answer) return reply(answer.error());
                           reply(json::parse(*answer, nullptr, false));
                         });
  }

  void tell(const Notice& notice) {
    opencode.on_notice(notice);
    auto data = json::parse(notice.json, nullptr, false);
    json params{{"seq", ++seq}, {"mission", notice.mission}, {"type", notice.type}, {"data", data}};
    if (!notice.id.empty()) params["id"] = notice.id;
    std::lock_guard lock(mutex);
    for (auto client : attached) server->notify(client, "event", params);
    if (!attached.empty() && notice.taken) notice.taken();
  }
};

Result<std::unique_ptr<ControlServer>> ControlServer::start(Engine& engine) {
  auto parts = std::make_unique<Parts>(engine);
  auto* raw = parts.get();
  rpc::RpcServerOptions options;
  options.socket_path = engine.options().paths.socket;
  options.methods = engine_methods;
  options.methods.insert("attach");
  options.methods.insert(OpenCodeFront::methods().begin(), OpenCodeFront::methods().end());
  options.max_in_flight = 256;  // each tool call of a session in OpenCode is one, while it runs
  options.private_folder = !engine.options().environment.contains("MUSTER_SOCKET");
  options.info = json{{"workspace", engine.options().paths.workspace}, {"pid", getpid()}};
  options.on_disconnect = [raw](rpc::ClientId client) {
    raw->opencode.on_disconnect(client);
    std::lock_guard lock(raw->mutex);
    raw->attached.erase(client);
  };
  auto server = rpc::RpcServer::listen(
      engine.loop(), std::move(options),
      [raw](const std::string& method, const json& params, rpc::ClientId client, rpc::Reply reply) {
        raw->handle(method, params, client, std::move(reply));
      });
  if (!server) return server.error();
  parts->server = std::move(*server);
  // Passive: without a client nobody is told.
  engine.subscribe(
      "control", [raw](const Notice& notice) { raw->tell(notice); }, true);
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(parts)));
}

ControlServer::ControlServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

ControlServer::~ControlServer() {
  parts_->engine.unsubscribe("control");
  parts_->opencode.close();  // it sends through the server
  parts_->server.reset();
}

}  // namespace muster
