#pragma once
// libcurl's sockets on the libuv loop.

#include <curl/curl.h>

#include <functional>
#include <vector>

struct uv_loop_s;

namespace muster::http {

/// Watches the sockets of one curl multi handle. A connection that rests between two requests stays
/// registered with the kernel, so that its next request costs no epoll call; it is let go when it
/// becomes readable meanwhile (the server closed it). Loop thread only.
class ClientSockets {
 public:
  /// A socket can be read or written: CURL_CSELECT_* bits.
  using OnReady = std::function<void(curl_socket_t, int)>;

  ClientSockets(uv_loop_s* loop, OnReady on_ready) : loop_(loop), on_ready_(std::move(on_ready)) {}
  /// Closes what is left. The curl multi handle must be gone.
  ~ClientSockets();
  ClientSockets(const ClientSockets&) = delete;
  ClientSockets& operator=(const ClientSockets&) = delete;

  /// Makes curl tell this object about its sockets.
  void attach_multi(CURLM* multi);
  /// Makes sockets of this easy handle known from birth to death.
  void attach_easy(CURL* easy);

 private:
  struct Watch;

  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* watch);
  static curl_socket_t open(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int close(void* self, curl_socket_t fd);

  Watch*& slot(curl_socket_t fd);
  void want(curl_socket_t fd, int events);
  void rest(curl_socket_t fd);
  void drop(curl_socket_t fd);
  static void on_poll(Watch& watch, int status, int events);

  uv_loop_s* loop_;
  OnReady on_ready_;
  std::vector<Watch*> watches_;  ///< by descriptor; freed by their close callbacks
  std::vector<bool> ours_;       ///< by descriptor: made by open(), so close() will tell its end
};

}  // namespace muster::http
