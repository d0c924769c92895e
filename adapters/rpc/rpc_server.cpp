#include "adapters/rpc/rpc_server.hpp"

#include <uv.h>

#include <atomic>
#include <filesystem>
#include <map>

#include "adapters/rpc/rpc_connection.hpp"
#include "adapters/rpc/unix_socket.hpp"
#include "adapters/rpc/workspace_lock.hpp"

namespace muster::rpc {

/// Lives on the loop; replies hold it weakly.
class RpcServer::Core final : public ConnectionOwner, public std::enable_shared_from_this<Core> {
 public:
  Core(IoLoop& loop, RpcServerOptions options, Handler handler)
      : loop_(loop), options_(std::move(options)), handler_(std::move(handler)) {}

  Status start(BoundSocket socket) {
    inode_ = socket.inode;
    listener_ = new uv_pipe_t;
    uv_pipe_init(loop_.uv(), listener_, 0);
    listener_->data = this;
    int status = uv_pipe_open(listener_, socket.fd.get());
    if (status == 0) {
      socket.fd.release();
      status = uv_listen(reinterpret_cast<uv_stream_t*>(listener_), 64,
                         [](uv_stream_t* listener, int problem) {
                           if (problem == 0) static_cast<Core*>(listener->data)->accept();
                         });
    }
    if (status == 0) return ok_status();
    stop();
    return Error{ErrorCode::io_error, std::string("cannot listen: ") + uv_strerror(status),
                 options_.socket_path};
  }

  void stop() {
    if (listener_ != nullptr) {
      uv_close(reinterpret_cast<uv_handle_t*>(listener_),
               [](uv_handle_t* handle) { delete reinterpret_cast<uv_pipe_t*>(handle); });
      listener_ = nullptr;
      unlink_socket(options_.socket_path, inode_);
    }
    const auto clients = std::move(clients_);
    clients_.clear();
    for (const auto& [id, client] : clients) client->close();
  }

  void notify(ClientId id, const std::string& method, const nlohmann::json& params) {
    if (auto found = clients_.find(id); found != clients_.end()) {
      const auto client = found->second;
      client->notify(method, params);
    }
  }

  [[nodiscard]] const RpcServerOptions& options() const noexcept override { return options_; }

  void handle(ClientId client, Request request) override {
    auto ticket =
        std::make_shared<Ticket>(weak_from_this(), loop_, client, request.id, request.notification);
    const Reply reply = [ticket](Result<nlohmann::json> result) {
      ticket->answer(std::move(result));
    };
    try {
      handler_(std::move(request.method), std::move(request.params), client, reply);
    } catch (const nlohmann::json::exception& failure) {
      ticket->answer(Error{ErrorCode::invalid_argument, failure.what()});
    } catch (const std::exception& failure) {
      ticket->answer(Error{ErrorCode::internal, failure.what()});
    }
  }

  void closed(ClientId id) noexcept override {
    clients_.erase(id);
    if (options_.on_disconnect) options_.on_disconnect(id);
  }

 private:
  /// One request in flight; answered exactly once, at the latest when it goes.
  class Ticket {
   public:
    Ticket(std::weak_ptr<Core> core, IoLoop& loop, ClientId client, nlohmann::json id, bool silent)
        : core_(std::move(core)),
          loop_(loop),
          client_(client),
          id_(std::move(id)),
          silent_(silent) {}
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() {
      if (!answered_) answer(Error{ErrorCode::internal, "the engine dropped the request"});
    }

    void answer(Result<nlohmann::json> result) {
      if (answered_.exchange(true)) return;
      // The loop outlives the server, but after the server's end nobody may touch it.
      const auto core = core_.lock();
      if (!core) return;
      std::string line = result.ok() ? make_result(id_, *result) : make_error(id_, result.error());
      loop_.post([core = core_, client = client_, silent = silent_, line = std::move(line)] {
        if (const auto alive = core.lock()) alive->answer(client, line, !silent);
      });
    }

   private:
    std::weak_ptr<Core> core_;
    IoLoop& loop_;
    ClientId client_;
    nlohmann::json id_;
    bool silent_;
    std::atomic<bool> answered_{false};
  };

  void accept() {
    const ClientId id = ++last_id_;
    auto client =
        RpcConnection::accept(weak_from_this(), reinterpret_cast<uv_stream_t*>(listener_), id);
    if (!client) return;
    if (clients_.size() >= options_.max_clients) return client->close();
    clients_[id] = std::move(client);
  }

  void answer(ClientId id, const std::string& line, bool send) {
    if (auto found = clients_.find(id); found != clients_.end()) {
      const auto client = found->second;
      client->answer(line, send);
    }
  }

  IoLoop& loop_;
  RpcServerOptions options_;
  Handler handler_;
  uv_pipe_t* listener_ = nullptr;  ///< freed by its close callback
  unsigned long inode_ = 0;
  ClientId last_id_ = 0;
  std::map<ClientId, std::shared_ptr<RpcConnection>> clients_;
};

Result<std::unique_ptr<RpcServer>> RpcServer::listen(IoLoop& loop, RpcServerOptions options,
                                                     Handler handler) {
  const std::string path = options.socket_path;
  if (options.private_folder) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (auto made = make_private_folder(folder.string()); !made.ok()) return made.error();
  }
  auto socket = bind_unix(path);
  if (!socket.ok()) return socket.error();
  auto core = std::make_shared<Core>(loop, std::move(options), std::move(handler));
  Status started = Error{ErrorCode::unavailable, "the I/O loop has stopped", path};
  loop.call([&] { started = core->start(std::move(*socket)); });
  if (!started.ok()) return started.error();
  return std::unique_ptr<RpcServer>(new RpcServer(loop, std::move(core), path));
}

RpcServer::RpcServer(IoLoop& loop, std::shared_ptr<Core> core, std::string path)
    : loop_(loop), core_(std::move(core)), path_(std::move(path)) {}

RpcServer::~RpcServer() {
  loop_.call([this] { core_->stop(); });
}

void RpcServer::notify(ClientId client, std::string method, nlohmann::json params) {
  loop_.post([core = std::weak_ptr<Core>(core_), client, method = std::move(method),
              params = std::move(params)] {
    if (const auto alive = core.lock()) alive->notify(client, method, params);
  });
}

}  // namespace muster::rpc
