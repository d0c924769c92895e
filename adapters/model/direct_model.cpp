#include "adapters/model/direct_model.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "adapters/io/wall_clock.hpp"
#include "runtime/core/text.hpp"

namespace muster::model {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t max_error_body = std::size_t{64} << 10U;
// A stream spends some hundred bytes on each token; what is kept of it is bounded by the decoder.
constexpr std::size_t max_stream_bytes = std::size_t{1} << 30U;
constexpr std::size_t max_after_done = std::size_t{64} << 10U;
constexpr std::chrono::milliseconds drain_idle{1000};
constexpr std::size_t salt_bytes = 512;

bool looks_secret(std::string_view header_name) {
  static constexpr std::array<std::string_view, 6> parts{"auth",   "key",    "token",
                                                         "secret", "cookie", "password"};
  const std::string lower = to_lower(header_name);
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return lower.find(part) != std::string::npos; });
}

std::vector<std::string> secrets_of(const ModelEndpoint& endpoint) {
  std::vector<std::string> secrets;
  if (!endpoint.api_key.empty()) secrets.push_back(endpoint.api_key);
  for (const auto& [name, value] : endpoint.headers) {
    if (!looks_secret(name)) continue;
    secrets.push_back(value);
    // "Bearer abc": an answer may quote the second word alone.
    if (const auto blank = value.rfind(' '); blank != std::string::npos)
      secrets.push_back(value.substr(blank + 1));
  }
  return secrets;
}

http::ClientRequest http_request(ModelRequest& request) {
  http::ClientRequest out;
  out.method = "POST";
  out.url = chat_completions_url(request.endpoint.base_url);
  out.headers = {{"Content-Type", "application/json"},
                 {"Accept", "text/event-stream, application/json"}};
  bool authorized = request.endpoint.api_key.empty();
  for (const auto& header : request.endpoint.headers) {
    authorized = authorized || iequals(header.first, "authorization");
    out.headers.push_back(header);
  }
  if (!authorized) out.headers.emplace_back("Authorization", "Bearer " + request.endpoint.api_key);
  out.body = std::move(request.body);
  out.connect_timeout = request.connect_timeout;
  out.idle_timeout = request.idle_timeout;
  out.total_timeout = request.total_timeout;
  out.max_body_bytes = max_stream_bytes;
  return out;
}

/// The client's failures as the classes of a model call.
ErrorCode model_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::timeout:
      return ErrorCode::stalled;
    case ErrorCode::limit_reached:
      return ErrorCode::malformed;
    case ErrorCode::invalid_argument:
      return ErrorCode::invalid_request;
    case ErrorCode::unavailable:
      return ErrorCode::network;
    default:
      return code;
  }
}

/// One call: from the response's bytes to an outcome. Loop thread only after its construction.
class Exchange final : public http::ResponseHandler {
 public:
  Exchange(const ModelRequest& request, DecoderLimits limits,
           std::function<void(std::string_view)> on_delta,
           std::function<void(ModelOutcome)> on_done)
      : decoder_(limits, std::move(on_delta)),
        on_done_(std::move(on_done)),
        secrets_(secrets_of(request.endpoint)),
        context_(request.endpoint.provider + "/" + request.endpoint.model),
        // The end of a request is what sets it apart from the others of its session.
        salt_(bounded_tail(request.body, salt_bytes)),
        request_bytes_(request.body.size()) {}

  bool on_head(const http::ResponseHead& head, http::ClientCall& call) override {
    call_ = &call;
    status_ = head.status;
    first_byte_ms_ = elapsed_ms();
    if (good()) return true;
    if (const auto wait = head.header("retry-after")) retry_after_ = std::string{*wait};
    if (const auto wait = head.header("retry-after-ms")) retry_after_ms_ = std::string{*wait};
    return true;
  }

  bool on_data(std::string_view bytes) override {
    if (!good()) {
      error_body_ += bytes.substr(0, max_error_body - std::min(max_error_body, error_body_.size()));
      return error_body_.size() < max_error_body;
    }
    if (!on_done_) return (after_done_ += bytes.size()) <= max_after_done;
    switch (decoder_.feed(bytes)) {
      case ChatDecoder::State::more:
        return true;
      case ChatDecoder::State::failed:
        return false;
      case ChatDecoder::State::complete:
        break;
    }
    call_->set_idle_timeout(drain_idle);
    reply();
    return true;
  }

  void on_end(http::ClientResult result) override {
    call_ = nullptr;
    if (!on_done_) return;
    const bool cancelled = result.error && result.error->code == ErrorCode::cancelled;
    if (decoder_.state() == ChatDecoder::State::failed) return fail(decoder_.failure());
    if (status_ >= 300 && !(cancelled && error_body_.size() < max_error_body)) return fail_status();
    // Only the end mark is missing when the reason to finish was there.
    const bool broken = result.error.has_value();
    const bool lost_end = broken && result.error->code != ErrorCode::cancelled && good() &&
                          decoder_.has_finish_reason();
    if (broken && !lost_end) {
      const auto code = model_code(result.error->code);
      return fail({.error = {code, std::move(result.error->message)},
                   .http_status = status_,
                   .retry_after = {}});
    }
    if (decoder_.finish() == ChatDecoder::State::complete) return reply();
    fail(decoder_.failure());
  }

 private:
  [[nodiscard]] bool good() const { return status_ >= 200 && status_ < 300; }

  [[nodiscard]] std::int64_t elapsed_ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_).count();
  }

  void reply() {
    ModelReply reply = decoder_.take(salt_, request_bytes_);
    reply.first_byte_ms = first_byte_ms_;
    reply.duration_ms = elapsed_ms();
    done(std::move(reply));
  }

  void fail_status() {
    redact(error_body_, secrets_);  // before it is shortened
    fail(classify_failure({.status = status_,
                           .body = error_body_,
                           .retry_after = retry_after_,
                           .retry_after_ms = retry_after_ms_,
                           .now_ms = wall_ms()}));
  }

  void fail(ModelFailure failure) {
    redact(failure.error.message, secrets_);
    failure.error.context = context_;
    done(std::move(failure));
  }

  void done(ModelOutcome outcome) {
    const auto on_done = std::exchange(on_done_, nullptr);
    on_done(std::move(outcome));
  }

  ChatDecoder decoder_;
  std::function<void(ModelOutcome)> on_done_;  ///< empty once called
  std::vector<std::string> secrets_;
  std::string context_;
  std::string salt_;
  std::size_t request_bytes_;
  Clock::time_point started_ = Clock::now();
  http::ClientCall* call_ = nullptr;
  int status_ = 0;
  std::int64_t first_byte_ms_ = 0;
  std::optional<std::string> retry_after_;
  std::optional<std::string> retry_after_ms_;
  std::string error_body_;
  std::size_t after_done_ = 0;
};

class DirectCall final : public ModelCall {
 public:
  explicit DirectCall(std::shared_ptr<http::ClientCall> call) : call_(std::move(call)) {}
  void cancel() override { call_->cancel(); }

 private:
  std::shared_ptr<http::ClientCall> call_;
};

}  // namespace

std::string chat_completions_url(std::string_view base_url) {
  constexpr std::string_view path = "/chat/completions";
  const auto query = base_url.find('?');
  auto base = trim(base_url.substr(0, query));
  while (base.ends_with('/')) base.remove_suffix(1);
  std::string url{base};
  if (!base.ends_with(path)) url += path;
  if (query != std::string_view::npos) url += base_url.substr(query);
  return url;
}

std::shared_ptr<ModelCall> DirectModel::start(ModelRequest request,
                                              std::function<void(std::string_view)> on_delta,
                                              std::function<void(ModelOutcome)> on_done) {
  auto exchange =
      std::make_shared<Exchange>(request, limits_, std::move(on_delta), std::move(on_done));
  return std::make_shared<DirectCall>(client_.start(http_request(request), std::move(exchange)));
}

}  // namespace muster::model
