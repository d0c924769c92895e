#pragma once
// Language models behind any OpenAI-compatible endpoint, called directly.

#include <functional>
#include <memory>
#include <string_view>

#include "adapters/http/http_client.hpp"
#include "adapters/model/chat_completions.hpp"
#include "runtime/ports/model.hpp"

namespace muster::model {

/// POST {base_url}/chat/completions with "Authorization: Bearer" (unless the endpoint's own headers
/// have an Authorization) on the shared HTTP client. Streams and whole answers are told apart by
/// what arrives. No state between calls, no retry: that is the scheduler's and the session's.
///
/// Failures carry "provider/model" as context. The key, and headers of the endpoint that look like
/// credentials, never appear in a message. A total timeout counts as stalled.
///
/// The reply is handed over as soon as the stream says that it is done; the connection is then read
/// to its end in the background, so that the next call can use it. Thread-safe.
class DirectModel final : public ModelPort {
 public:
  /// `client` must outlive this and every call.
  explicit DirectModel(http::HttpClient& client, DecoderLimits limits = {})
      : client_(client), limits_(limits) {}

  std::shared_ptr<ModelCall> start(ModelRequest request,
                                   std::function<void(std::string_view)> on_delta,
                                   std::function<void(ModelOutcome)> on_done) override;

 private:
  http::HttpClient& client_;
  DecoderLimits limits_;
};

/// The URL of chat completions under a base URL: one slash between, a query kept at the end. Pure.
[[nodiscard]] std::string chat_completions_url(std::string_view base_url);

}  // namespace muster::model
