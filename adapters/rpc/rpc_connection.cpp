#include "adapters/rpc/rpc_connection.hpp"

#include <array>

#include "adapters/rpc/unix_socket.hpp"

namespace muster::rpc {
namespace {

/// One buffer serves all connections: libuv fills it and hands it over in one go, on the loop
/// thread.
uv_buf_t read_buffer() {
  thread_local std::array<char, 64U << 10U> buffer;
  return uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
}

}  // namespace

struct RpcConnection::Write {
  uv_write_t request{};
  std::string line;
  std::shared_ptr<RpcConnection> connection;
};

std::shared_ptr<RpcConnection> RpcConnection::accept(std::weak_ptr<ConnectionOwner> owner,
                                                     uv_stream_t* listener, ClientId id) {
  std::shared_ptr<RpcConnection> out(new RpcConnection(std::move(owner), id));
  uv_pipe_init(listener->loop, &out->pipe_, 0);
  out->pipe_.data = out.get();
  out->self_ = out;
  uv_os_fd_t fd = -1;
  const bool fine = uv_accept(listener, out->stream()) == 0 &&
                    uv_fileno(reinterpret_cast<uv_handle_t*>(&out->pipe_), &fd) == 0 &&
                    peer_is_us(fd);
  if (!fine) {
    out->close();
    return nullptr;
  }
  out->steer_reading();
  return out;
}

void RpcConnection::read(ssize_t size, const uv_buf_t* buffer) {
  if (size < 0) {
    if (size != UV_EOF) return close();
    eof_ = true;
    reading_ = false;
    uv_read_stop(stream());
    if (auto rest = framer_.finish()) pending_.push_back(std::move(*rest));
  } else {
    for (auto& frame : framer_.feed({buffer->base, static_cast<std::size_t>(size)}))
      pending_.push_back(std::move(frame));
  }
  process();
}

void RpcConnection::process() {
  const auto owner = owner_.lock();
  if (!owner) return close();
  const auto& options = owner->options();
  while (!closed_ && !pending_.empty() && in_flight_ < options.max_in_flight &&
         unsent() <= options.notify_bytes) {
    const LineFramer::Frame frame = std::move(pending_.front());
    pending_.pop_front();
    dispatch(frame);
  }
  steer_reading();
  close_when_done();
}

void RpcConnection::dispatch(const LineFramer::Frame& frame) {
  if (frame.too_large)
    return send(make_error(nullptr, frame_too_large,
                           "a message has at most " + std::to_string(max_frame) + " bytes"));
  Message message = parse_message(frame.text);
  if (auto* bad = std::get_if<Malformed>(&message)) return send(std::move(bad->reply));
  if (auto* request = std::get_if<Request>(&message)) handle_request(std::move(*request));
  // A response answers nothing: the server sends no requests.
}

void RpcConnection::handle_request(Request request) {
  const auto owner = owner_.lock();
  if (!owner) return close();
  if (request.method == "initialize") return initialize(request);
  if (!initialized_) return refuse(request, not_initialized, "initialize must come first");
  if (owner->options().methods.count(request.method) == 0)
    return refuse(request, method_not_found,
                  "unknown method '" + request.method.substr(0, 100) + "'");
  if (!request.params.is_object())
    return refuse(request, invalid_params, "params must be an object");
  ++in_flight_;
  owner->handle(id_, std::move(request));
}

void RpcConnection::initialize(const Request& request) {
  const auto owner = owner_.lock();
  const auto& params = request.params;
  const auto version =
      params.is_object() ? params.value("protocol_version", nlohmann::json()) : nlohmann::json();
  if (!version.is_number_integer())
    return refuse(request, invalid_params, "protocol_version must be an integer");
  if (version != protocol_version)
    return refuse(request, wrong_version,
                  "this engine speaks protocol_version " + std::to_string(protocol_version));
  initialized_ = true;
  nlohmann::json result = {{"protocol_version", protocol_version}, {"server", "muster"}};
  if (owner && owner->options().info.is_object()) result.update(owner->options().info);
  if (!request.notification) send(make_result(request.id, result));
}

void RpcConnection::refuse(const Request& request, int code, const std::string& message) {
  if (!request.notification) send(make_error(request.id, code, message));
}

void RpcConnection::answer(const std::string& line, bool should_send) {
  if (in_flight_ > 0) --in_flight_;
  if (closed_) return;
  if (should_send) send(line);
  process();
}

void RpcConnection::notify(const std::string& method, const nlohmann::json& params) {
  const auto owner = owner_.lock();
  if (closed_ || !owner) return;
  // While behind, everything is dropped: a gap in the middle would be harder to mend than a late
  // start.
  if (lag_.dropped == 0 && unsent() <= owner->options().notify_bytes)
    return send(make_notification(method, params));
  const nlohmann::json seq =
      params.is_object() ? params.value("seq", nlohmann::json()) : nlohmann::json();
  if (lag_.dropped++ == 0) lag_.first_seq = seq;
  lag_.last_seq = seq;
}

void RpcConnection::send(std::string line) {
  if (closed_) return;
  auto* write = new Write;
  write->line = std::move(line);
  write->connection = shared_from_this();
  write->request.data = write;
  const uv_buf_t buffer =
      uv_buf_init(write->line.data(), static_cast<unsigned>(write->line.size()));
  const int status =
      uv_write(&write->request, stream(), &buffer, 1, [](uv_write_t* request, int s) {
        const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
        done->connection->written(s);
      });
  if (status == 0) return;
  delete write;
  close();
}

void RpcConnection::written(int status) {
  if (closed_) return;
  if (status != 0) return close();
  const auto owner = owner_.lock();
  if (owner && lag_.dropped > 0 && unsent() <= owner->options().notify_bytes / 4) {
    const Lag lag = std::exchange(lag_, {});
    send(make_notification(
        "lagged",
        {{"dropped", lag.dropped}, {"first_seq", lag.first_seq}, {"last_seq", lag.last_seq}}));
  }
  process();
}

void RpcConnection::steer_reading() {
  const auto owner = owner_.lock();
  if (closed_ || eof_ || !owner) return;
  const bool want = pending_.empty() && in_flight_ < owner->options().max_in_flight &&
                    unsent() <= owner->options().notify_bytes;
  if (want == reading_) return;
  reading_ = want;
  if (!want) {
    uv_read_stop(stream());
    return;
  }
  uv_read_start(
      stream(), [](uv_handle_t*, std::size_t, uv_buf_t* buffer) { *buffer = read_buffer(); },
      [](uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
        if (size == 0) return;
        const auto self = static_cast<RpcConnection*>(stream->data)->shared_from_this();
        self->read(size, buffer);
      });
}

void RpcConnection::close_when_done() {
  if (eof_ && pending_.empty() && in_flight_ == 0 && unsent() == 0) close();
}

std::size_t RpcConnection::unsent() const {
  return uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(&pipe_));
}

void RpcConnection::close() {
  if (closed_) return;
  closed_ = true;
  uv_close(reinterpret_cast<uv_handle_t*>(&pipe_), [](uv_handle_t* handle) {
    // Frees the connection when nobody else has it.
    const auto self = std::move(static_cast<RpcConnection*>(handle->data)->self_);
  });
  if (const auto owner = owner_.lock()) owner->closed(id_);
}

}  // namespace muster::rpc
