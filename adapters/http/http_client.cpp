#include "adapters/http/http_client.hpp"

#include <memory>
#include <utility>

#include <curl/curl.h>

#include "adapters/http/client_engine.hpp"
#include "adapters/http/client_transfer.hpp"
#include "adapters/io/io_loop.hpp"
#include "runtime/core/text.hpp"

namespace muster::http {
namespace {

/// Keeps the body together for fetch().
class Collector final : public ResponseHandler {
 public:
  explicit Collector(std::function<void(ClientResult)> on_done) : on_done_(std::move(on_done)) {}

  bool on_head(const ResponseHead&, ClientCall&) override { return true; }
  bool on_data(std::string_view bytes) override {
    body_ += bytes;
    return true;
  }
  void on_end(ClientResult result) override {
    result.body = std::move(body_);
    on_done_(std::move(result));
  }

 private:
  std::function<void(ClientResult)> on_done_;
  std::string body_;
};

}  // namespace

std::optional<std::string_view> ResponseHead::header(std::string_view name) const {
  std::string_view rest = block;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        iequals(line.substr(0, name.size()), name))
      return trim(line.substr(name.size() + 1));
  }
  return std::nullopt;
}

HttpClient::HttpClient(IoLoop& loop, ClientOptions options)
    : engine_(std::make_shared<ClientEngine>(loop, std::move(options))) {
  loop.call([this] { engine_->open(); });
}

HttpClient::~HttpClient() {
  engine_->loop().call([this] { engine_->close(); });
}

std::shared_ptr<ClientCall> HttpClient::start(ClientRequest request,
                                              std::shared_ptr<ResponseHandler> handler) {
  auto transfer = std::make_shared<ClientTransfer>(engine_, std::move(request), std::move(handler));
  engine_->count.fetch_add(1, std::memory_order_relaxed);
  const bool posted = engine_->loop().post([transfer] { transfer->engine().admit(transfer); });
  if (!posted) {
    engine_->count.fetch_sub(1, std::memory_order_relaxed);
    transfer->end(Error{ErrorCode::unavailable, "the I/O loop has stopped"});
  }
  return transfer;
}

std::shared_ptr<ClientCall> HttpClient::fetch(ClientRequest request,
                                              std::function<void(ClientResult)> on_done) {
  return start(std::move(request), std::make_shared<Collector>(std::move(on_done)));
}

std::size_t HttpClient::in_flight() const noexcept {
  return engine_->count.load(std::memory_order_relaxed);
}

std::string escape_url(const std::string& text) {
  const std::unique_ptr<char, void (*)(void*)> escaped(
      curl_easy_escape(nullptr, text.c_str(), static_cast<int>(text.size())), curl_free);
  return escaped ? escaped.get() : std::string();
}

}  // namespace muster::http
