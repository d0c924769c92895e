#include "adapters/rpc/rpc_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "adapters/rpc/unix_socket.hpp"

namespace muster::rpc {
namespace {

using json = nlohmann::json;

constexpr std::size_t max_kept = 4096;

Error gone() { return {ErrorCode::unavailable, "the engine closed the connection"}; }

}  // namespace

Result<RpcClient> RpcClient::connect(const std::string& socket_path,
                                     std::chrono::milliseconds timeout) {
  auto fd = connect_unix(socket_path);
  if (!fd.ok()) {
    Error failure = fd.error();
    if (failure.code == ErrorCode::unavailable) failure.message = "no engine runs here";
    return failure;
  }
  RpcClient client(std::move(*fd));
  const json params = {{"protocol_version", protocol_version},
                       {"client", {{"name", "muster"}, {"version", MUSTER_VERSION}}}};
  auto server = client.call("initialize", params, timeout);
  if (!server.ok()) return server.error();
  client.server_ = std::move(*server);
  return client;
}

Result<json> RpcClient::call(const std::string& method, const json& params,
                             std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  const std::uint64_t id = next_id_++;
  if (auto sent = send(make_request(id, method, params), deadline); !sent.ok()) return sent.error();
  for (;;) {
    while (!frames_.empty()) {
      const LineFramer::Frame frame = std::move(frames_.front());
      frames_.pop_front();
      Message message = parse_message(frame.text);
      if (auto* response = std::get_if<Response>(&message); response && response->id == id)
        return std::move(response->result);
      if (auto* note = std::get_if<Request>(&message)) {
        notifications_.push_back({std::move(note->method), std::move(note->params)});
        if (notifications_.size() > max_kept) notifications_.pop_front();
      }
    }
    auto ready = wait(POLLIN, deadline);
    if (!ready.ok()) return ready.error();
    if (*ready == Wait::timed_out)
      return Error{ErrorCode::timeout, "the engine did not answer in time", method};
    if (*ready == Wait::interrupted) continue;
    if (auto received = receive(); !received.ok()) return received.error();
  }
}

Result<std::optional<Notification>> RpcClient::next(std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    if (!notifications_.empty()) {
      Notification out = std::move(notifications_.front());
      notifications_.pop_front();
      return std::optional(std::move(out));
    }
    while (!frames_.empty()) {
      const LineFramer::Frame frame = std::move(frames_.front());
      frames_.pop_front();
      Message message = parse_message(frame.text);
      if (auto* note = std::get_if<Request>(&message))
        return std::optional(Notification{std::move(note->method), std::move(note->params)});
    }
    auto ready = wait(POLLIN, deadline);
    if (!ready.ok()) return ready.error();
    if (*ready != Wait::ready) return std::optional<Notification>();
    if (auto received = receive(); !received.ok()) return received.error();
  }
}

Status RpcClient::send(std::string_view line, Clock::time_point deadline) {
  while (!line.empty()) {
    const ssize_t size = ::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    if (size > 0) {
      line.remove_prefix(static_cast<std::size_t>(size));
      continue;
    }
    if (size < 0 && errno != EAGAIN && errno != EINTR) return gone();
    auto ready = wait(POLLOUT, deadline);
    if (!ready.ok()) return ready.error();
    if (*ready == Wait::timed_out)
      return Error{ErrorCode::timeout, "the engine does not take the request"};
  }
  return ok_status();
}

Result<RpcClient::Wait> RpcClient::wait(short events, Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd entry{fd_.get(), events, 0};
  const int count = ::poll(&entry, 1, static_cast<int>(std::clamp<long long>(left, 0, 1000000000)));
  if (count > 0) return Wait::ready;
  if (count == 0) return Wait::timed_out;
  if (errno == EINTR) return Wait::interrupted;
  return Error{ErrorCode::io_error, std::string("poll: ") + std::strerror(errno)};
}

Status RpcClient::receive() {
  std::array<char, 64U << 10U> buffer;
  const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (size == 0) return gone();
  if (size < 0) return errno == EAGAIN || errno == EINTR ? ok_status() : Status(gone());
  for (auto& frame : framer_.feed({buffer.data(), static_cast<std::size_t>(size)}))
    if (!frame.too_large) frames_.push_back(std::move(frame));
  return ok_status();
}

}  // namespace muster::rpc
