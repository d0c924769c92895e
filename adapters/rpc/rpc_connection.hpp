#pragma once
// One client of RpcServer. Loop thread only.

#include <uv.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "adapters/rpc/json_rpc.hpp"
#include "adapters/rpc/rpc_server.hpp"

namespace muster::rpc {

/// What a connection needs from its server.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  [[nodiscard]] virtual const RpcServerOptions& options() const noexcept = 0;
  virtual void handle(ClientId client, Request request) = 0;
  /// The connection is closed; the owner forgets it.
  virtual void closed(ClientId client) noexcept = 0;
};

class RpcConnection : public std::enable_shared_from_this<RpcConnection> {
 public:
  /// Accepts from `listener` and starts to read. Null when that fails.
  static std::shared_ptr<RpcConnection> accept(std::weak_ptr<ConnectionOwner> owner,
                                               uv_stream_t* listener, ClientId id);
  /// Answers one of the requests in flight.
  void answer(const std::string& line, bool send);
  void notify(const std::string& method, const nlohmann::json& params);
  /// Closes now. Idempotent.
  void close();

 private:
  struct Write;
  /// Notifications that were dropped since the client fell behind.
  struct Lag {
    std::uint64_t dropped = 0;
    nlohmann::json first_seq;
    nlohmann::json last_seq;
  };

  RpcConnection(std::weak_ptr<ConnectionOwner> owner, ClientId id)
      : owner_(std::move(owner)), id_(id) {}

  void read(ssize_t size, const uv_buf_t* buffer);
  void process();
  void dispatch(const LineFramer::Frame& frame);
  void handle_request(Request request);
  void initialize(const Request& request);
  void refuse(const Request& request, int code, const std::string& message);
  void send(std::string line);
  void written(int status);
  void steer_reading();
  void close_when_done();
  [[nodiscard]] std::size_t unsent() const;
  [[nodiscard]] uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&pipe_); }

  std::weak_ptr<ConnectionOwner> owner_;
  ClientId id_;
  uv_pipe_t pipe_{};
  std::shared_ptr<RpcConnection> self_;  ///< keeps it while libuv has the handle
  LineFramer framer_;
  std::deque<LineFramer::Frame> pending_;
  std::size_t in_flight_ = 0;
  Lag lag_;
  bool initialized_ = false;
  bool reading_ = false;
  bool eof_ = false;
  bool closed_ = false;
};

}  // namespace muster::rpc
