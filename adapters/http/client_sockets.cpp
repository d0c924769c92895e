#include "adapters/http/client_sockets.hpp"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <utility>

namespace muster::http {

struct ClientSockets::Watch {
  uv_poll_t poll{};
  ClientSockets* owner = nullptr;
  curl_socket_t fd = -1;
  int wanted = 0;  ///< UV_READABLE | UV_WRITABLE that curl asks for; 0 = resting
  int active = 0;  ///< what libuv watches
};

ClientSockets::~ClientSockets() {
  for (std::size_t fd = 0; fd < watches_.size(); ++fd) drop(static_cast<curl_socket_t>(fd));
}

void ClientSockets::attach_multi(CURLM* multi) {
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &ClientSockets::on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
}

void ClientSockets::attach_easy(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &ClientSockets::open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &ClientSockets::close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
}

int ClientSockets::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  auto& sockets = *static_cast<ClientSockets*>(self);
  switch (what) {
    case CURL_POLL_IN:
      sockets.want(fd, UV_READABLE);
      break;
    case CURL_POLL_OUT:
      sockets.want(fd, UV_WRITABLE);
      break;
    case CURL_POLL_INOUT:
      sockets.want(fd, UV_READABLE | UV_WRITABLE);
      break;
    case CURL_POLL_REMOVE:
      sockets.rest(fd);
      break;
    default:
      break;
  }
  return 0;
}

curl_socket_t ClientSockets::open(void* self, curlsocktype, curl_sockaddr* address) {
  const int type = address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
  const int fd = ::socket(address->family, type, address->protocol);
  if (fd < 0) return CURL_SOCKET_BAD;
  auto& sockets = *static_cast<ClientSockets*>(self);
  sockets.slot(fd);
  sockets.ours_[static_cast<std::size_t>(fd)] = true;
  return fd;
}

int ClientSockets::close(void* self, curl_socket_t fd) {
  auto& sockets = *static_cast<ClientSockets*>(self);
  sockets.drop(fd);
  sockets.ours_[static_cast<std::size_t>(fd)] = false;
  return ::close(fd);
}

ClientSockets::Watch*& ClientSockets::slot(curl_socket_t fd) {
  const auto index = static_cast<std::size_t>(fd);
  if (index >= watches_.size()) {
    watches_.resize(index + 64);
    ours_.resize(index + 64);
  }
  return watches_[index];
}

void ClientSockets::want(curl_socket_t fd, int events) {
  Watch*& watch = slot(fd);
  if (watch == nullptr) {
    auto* made = new Watch{.owner = this, .fd = fd};
    if (uv_poll_init_socket(loop_, &made->poll, fd) != 0) {
      delete made;  // curl's own timeouts end the transfer
      return;
    }
    made->poll.data = made;
    watch = made;
  }
  watch->wanted = events;
  if (watch->active == events) return;
  watch->active = events;
  uv_poll_start(&watch->poll, events, [](uv_poll_t* poll, int status, int happened) {
    on_poll(*static_cast<Watch*>(poll->data), status, happened);
  });
}

/// curl has no use for the socket now. Its own helpers' sockets (name lookups) are closed
/// unannounced.
void ClientSockets::rest(curl_socket_t fd) {
  Watch* const watch = slot(fd);
  if (watch == nullptr) return;
  watch->wanted = 0;
  if (!ours_[static_cast<std::size_t>(fd)]) drop(fd);
}

void ClientSockets::drop(curl_socket_t fd) {
  Watch* const watch = std::exchange(slot(fd), nullptr);
  if (watch == nullptr) return;
  uv_poll_stop(&watch->poll);
  uv_close(reinterpret_cast<uv_handle_t*>(&watch->poll),
           [](uv_handle_t* handle) { delete static_cast<Watch*>(handle->data); });
}

void ClientSockets::on_poll(Watch& watch, int status, int events) {
  if (watch.wanted == 0) {  // nobody will read it: without this, the loop would spin
    watch.active = 0;
    uv_poll_stop(&watch.poll);
    return;
  }
  // Told of an error, curl would give up at once; told to read or write, it finds out what it is,
  // and replaces a kept connection that died.
  const int ready = status < 0 ? watch.wanted : events;
  if (status < 0) watch.active = 0;  // libuv has stopped watching
  int bits = 0;
  if ((ready & UV_READABLE) != 0) bits |= CURL_CSELECT_IN;
  if ((ready & UV_WRITABLE) != 0) bits |= CURL_CSELECT_OUT;
  ClientSockets& owner = *watch.owner;
  const curl_socket_t fd = watch.fd;
  owner.on_ready_(fd, bits);
  const bool forgotten = owner.slot(fd) == &watch && watch.wanted != 0 && watch.active == 0;
  if (forgotten) owner.want(fd, watch.wanted);
}

}  // namespace muster::http
