#include "adapters/http/client_engine.hpp"

#include <sys/resource.h>
#include <uv.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace muster::http {
namespace {

// How long an origin's address counts as known. curl forgets it a minute later than that.
constexpr std::int64_t gate_open_ms = 240'000;
constexpr long dns_cache_s = 300;
constexpr std::size_t max_gates = 1024;
constexpr std::size_t max_pooled = 1024;
// One for every running transfer; replies come in small pieces.
constexpr long buffer_bytes = 8192;

void init_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

std::size_t default_max_active() {
  constexpr std::size_t most = 16'384;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return most;
  return std::clamp<std::size_t>(limit.rlim_cur / 4 * 3, 16, most);
}

uv_timer_t* make_timer(uv_loop_t* loop, void* data) {
  auto* timer = new uv_timer_t;
  uv_timer_init(loop, timer);
  timer->data = data;
  return timer;
}

void close_timer(uv_timer_t*& timer) {
  if (timer == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(timer),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_timer_t*>(handle); });
  timer = nullptr;
}

}  // namespace

ClientEngine::ClientEngine(IoLoop& loop, ClientOptions options)
    : loop_(loop), options_(std::move(options)) {
  init_curl();
  max_active_ = options_.max_active > 0 ? options_.max_active : default_max_active();
  const char* const from_env = std::getenv("SSL_CERT_FILE");
  if (options_.ca_file.empty() && from_env != nullptr) options_.ca_file = from_env;
}

ClientEngine::~ClientEngine() = default;

std::int64_t ClientEngine::now() const { return static_cast<std::int64_t>(uv_now(loop_.uv())); }

void ClientEngine::open() {
  multi_ = curl_multi_init();
  sockets_ = std::make_unique<ClientSockets>(
      loop_.uv(), [this](curl_socket_t fd, int bits) { socket_ready(fd, bits); });
  sockets_->attach_multi(multi_);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &ClientEngine::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  // A cache smaller than what runs would close connections while others are opened.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(max_active_));
  curl_timer_ = make_timer(loop_.uv(), this);
  deadline_timer_ = make_timer(loop_.uv(), this);
}

void ClientEngine::close() {
  if (std::exchange(closed_, true)) return;
  const auto left = transfers_;
  for (const auto& [raw, transfer] : left)
    settle(transfer, Error{ErrorCode::cancelled, "the HTTP client was shut down"});
  waiting_.clear();
  gates_.clear();
  opened_.clear();
  for (CURL* easy : pool_) curl_easy_cleanup(easy);
  pool_.clear();
  curl_multi_cleanup(multi_);
  multi_ = nullptr;
  sockets_.reset();
  close_timer(curl_timer_);
  close_timer(deadline_timer_);
}

void ClientEngine::admit(Shared transfer) {
  transfers_.emplace(transfer.get(), transfer);
  transfer->arrived(now());
  if (closed_)
    return settle(transfer, Error{ErrorCode::unavailable, "the HTTP client is shut down"});
  if (auto error = transfer->invalid()) return settle(transfer, std::move(error));
  if (active_ >= max_active_ && waiting_.size() >= options_.max_waiting)
    return settle(transfer, Error{ErrorCode::unavailable, "too many requests wait already"});
  retime(*transfer);
  if (active_ >= max_active_) {
    waiting_.push_back(std::move(transfer));
  } else {
    begin(transfer);
  }
}

void ClientEngine::abort(ClientTransfer& transfer, Error error) {
  const auto self = transfer.shared_from_this();
  settle_probe(transfer, true, std::nullopt);
  settle(self, std::move(error));
  begin_waiting();
}

void ClientEngine::begin(const Shared& transfer) {
  transfer->counted = true;
  ++active_;
  if (transfer->loopback() || transfer->literal_address()) return launch(transfer, false);
  if (gates_.size() > max_gates) prune_gates();
  Gate& gate = gates_[std::string{transfer->origin()}];
  if (now() < gate.open_until) {
    launch(transfer, false);
  } else if (gate.probing) {
    gate.waiting.push_back(transfer);
  } else {
    gate.probing = true;
    launch(transfer, true);
  }
}

void ClientEngine::launch(const Shared& transfer, bool probe) {
  CURL* const easy = take_easy();
  if (easy == nullptr) {
    settle(transfer, Error{ErrorCode::unavailable, "out of memory for a transfer"});
    return;
  }
  transfer->probe = probe;
  transfer->prepare(easy, probe);
  curl_multi_add_handle(multi_, easy);
}

void ClientEngine::begin_waiting() {
  while (!closed_ && active_ < max_active_ && !waiting_.empty()) {
    const auto transfer = std::move(waiting_.front());
    waiting_.pop_front();
    if (!transfer->ended()) begin(transfer);
  }
}

int ClientEngine::on_timer(CURLM*, long timeout_ms, void* self) {
  auto& engine = *static_cast<ClientEngine*>(self);
  if (engine.curl_timer_ == nullptr) return 0;
  if (timeout_ms < 0) {
    uv_timer_stop(engine.curl_timer_);
  } else {
    uv_timer_start(
        engine.curl_timer_,
        [](uv_timer_t* timer) { static_cast<ClientEngine*>(timer->data)->curl_timeout(); },
        static_cast<std::uint64_t>(timeout_ms), 0);
  }
  return 0;
}

void ClientEngine::curl_timeout() { socket_ready(CURL_SOCKET_TIMEOUT, 0); }

void ClientEngine::socket_ready(curl_socket_t fd, int bits) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, bits, &running);
  after_curl();
}

void ClientEngine::after_curl() {
  int left = 0;
  while (CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
    if (message->msg == CURLMSG_DONE) finished(message->easy_handle, message->data.result);
  }
  for (const auto& origin : std::exchange(opened_, {})) open_gate(origin);
  begin_waiting();
}

void ClientEngine::finished(CURL* easy, CURLcode code) {
  ClientTransfer* raw = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &raw);
  const auto transfer = raw->shared_from_this();
  auto error = transfer->error_of(code);
  // A name that is not found, or no connection in time: the others that wait for it need not try.
  const bool shared = code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
                      code == CURLE_OPERATION_TIMEDOUT;
  settle_probe(*transfer, false, shared ? error : std::nullopt);
  settle(transfer, std::move(error));
}

/// The end of a transfer in any state: out of curl, out of the books, then to its owner.
void ClientEngine::settle(const Shared& transfer, std::optional<Error> error) {
  // The argument may be the reference in transfers_, which goes away below.
  const auto keep = transfer;  // NOLINT(performance-unnecessary-copy-initialization)
  if (keep->ended()) return;
  detach(*keep);
  transfers_.erase(keep.get());
  count.fetch_sub(1, std::memory_order_relaxed);
  keep->end(std::move(error));
}

void ClientEngine::detach(ClientTransfer& transfer) {
  if (CURL* const easy = transfer.easy()) {
    curl_multi_remove_handle(multi_, easy);
    give_easy(transfer.release_easy());
  }
  if (std::exchange(transfer.timed, false)) deadlines_.erase(transfer.place);
  if (std::exchange(transfer.counted, false)) --active_;
}

void ClientEngine::connected(ClientTransfer& transfer) {
  if (std::exchange(transfer.probe, false)) opened_.emplace_back(transfer.origin());
}

/// A probe ended before it was connected. `cancelled`: that says nothing about the origin.
void ClientEngine::settle_probe(ClientTransfer& transfer, bool cancelled,
                                const std::optional<Error>& shared_error) {
  if (!std::exchange(transfer.probe, false)) return;
  const std::string origin{transfer.origin()};
  if (shared_error) {
    auto& gate = gates_[origin];
    gate.probing = false;
    for (const auto& waiter : std::exchange(gate.waiting, {})) settle(waiter, shared_error);
  } else if (cancelled) {
    next_probe(origin);
  } else {
    open_gate(origin);  // the name is known; what else is wrong each finds out for itself
  }
}

void ClientEngine::open_gate(const std::string& origin) {
  auto& gate = gates_[origin];
  gate.probing = false;
  gate.open_until = now() + gate_open_ms;
  for (const auto& waiter : std::exchange(gate.waiting, {})) {
    if (!waiter->ended()) launch(waiter, false);
  }
}

void ClientEngine::next_probe(const std::string& origin) {
  auto& gate = gates_[origin];
  gate.probing = false;
  while (!gate.waiting.empty()) {
    const auto waiter = std::move(gate.waiting.front());
    gate.waiting.pop_front();
    if (waiter->ended()) continue;
    gate.probing = true;
    return launch(waiter, true);
  }
}

void ClientEngine::prune_gates() {
  std::erase_if(gates_, [](const auto& entry) {
    return !entry.second.probing && entry.second.waiting.empty();
  });
}

CURL* ClientEngine::take_easy() {
  CURL* easy = nullptr;
  if (pool_.empty()) {
    easy = curl_easy_init();
    if (easy == nullptr) return nullptr;
  } else {
    easy = pool_.back();
    pool_.pop_back();
  }
  sockets_->attach_easy(easy);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, dns_cache_s);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, buffer_bytes);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "muster/" MUSTER_VERSION);
  return easy;
}

/// Resetting is cheap and needed: curl counts the retries of a handle over all its transfers, and
/// gives up at the sixth kept connection that was found dead.
void ClientEngine::give_easy(CURL* easy) {
  if (pool_.size() < max_pooled) {
    curl_easy_reset(easy);
    pool_.push_back(easy);
  } else {
    curl_easy_cleanup(easy);
  }
}

void ClientEngine::retime(ClientTransfer& transfer) {
  if (std::exchange(transfer.timed, false)) deadlines_.erase(transfer.place);
  const auto at = transfer.deadline(now());
  if (!at) return;
  transfer.place = deadlines_.emplace(*at, &transfer);
  transfer.timed = true;
  arm_deadline();
}

/// The timer is only ever moved forward in time by its own firing: most transfers end long before
/// their limits, and moving it for each would cost more than a rare idle firing.
void ClientEngine::arm_deadline() {
  if (deadlines_.empty() || deadline_timer_ == nullptr) return;
  const auto first = deadlines_.begin()->first;
  if (armed_for_ != 0 && armed_for_ <= first) return;
  armed_for_ = first;
  uv_timer_start(
      deadline_timer_,
      [](uv_timer_t* timer) { static_cast<ClientEngine*>(timer->data)->check_deadlines(); },
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, first - now())), 0);
}

void ClientEngine::check_deadlines() {
  armed_for_ = 0;
  const auto at = now();
  while (!deadlines_.empty() && deadlines_.begin()->first <= at) {
    ClientTransfer& transfer = *deadlines_.begin()->second;
    if (auto error = transfer.expired(at)) {
      abort(transfer, std::move(*error));
    } else {
      retime(transfer);
    }
  }
  arm_deadline();
}

}  // namespace muster::http
