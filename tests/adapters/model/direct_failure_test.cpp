#include <array>
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "runtime/core/chat_failure.hpp"

using muster::ErrorCode;
using muster::model::classify_failure;
using muster::model::ProviderAnswer;
using std::chrono::milliseconds;

namespace {

struct Case {
  int status;
  const char* body;
  ErrorCode code;
};

constexpr std::int64_t now_ms = 784'111'770'000;  // Sun, 06 Nov 1994 08:49:30 GMT

}  // namespace

TEST_CASE("failures are sorted by status and by what providers say") {
  using enum ErrorCode;
  const std::vector<Case> cases{
      // OpenAI
      {429,
       R"({"error":{"message":"Rate limit reached for gpt-4o on requests per min","type")"
       R"(:"requests","code":"rate_limit_exceeded"}})",
       rate_limited},
      {429,
       R"({"error":{"message":"You exceeded your current quota, please check your plan a)"
       R"(nd billing details.","type":"insufficient_quota","code":"insufficient_quota"}})",
       quota_exhausted},
      {429,
       R"({"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Lim)"
       R"(it 30000, Requested 40000."}})",
       context_overflow},
      {400,
       R"({"error":{"message":"This model's maximum context length is 128000 tokens.","c)"
       R"(ode":"context_length_exceeded"}})",
       context_overflow},
      {401, R"({"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}})",
       unauthenticated},
      {404, R"({"error":{"message":"The model `x` does not exist","code":"model_not_found"}})",
       invalid_request},
      {400,
       R"({"error":{"message":"Unsupported parameter: 'max_tokens'","type":"invalid_requ)"
       R"(est_error"}})",
       invalid_request},
      {500, R"({"error":{"message":"The server had an error","type":"server_error"}})", overloaded},
      // Anthropic
      {529, R"({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
       overloaded},
      {400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":"prompt is t)"
       R"(oo long: 210000 tokens > 200000 maximum"}})",
       context_overflow},
      {400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":"Your credit)"
       R"( balance is too low to access the API."}})",
       quota_exhausted},
      {413,
       R"({"type":"error","error":{"type":"request_too_large","message":"Request exceeds)"
       R"( the maximum size"}})",
       context_overflow},
      // Google
      {429,
       R"([{"error":{"code":429,"message":"You exceeded your current quota, please check)"
       R"( your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"re)"
       R"(tryDelay":"36s"}]}}])",
       rate_limited},
      {400,
       R"([{"error":{"code":400,"message":"API key not valid. Please pass a valid API ke)"
       R"(y.","status":"INVALID_ARGUMENT"}}])",
       unauthenticated},
      {400,
       R"([{"error":{"code":400,"message":"The input token count (2000000) exceeds the m)"
       R"(aximum number of tokens allowed","status":"INVALID_ARGUMENT"}}])",
       context_overflow},
      {503,
       R"([{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILAB)"
       R"(LE"}}])",
       overloaded},
      // OpenRouter, DeepSeek, Groq, Mistral, llama.cpp, vLLM, FastAPI, proxies
      {402, R"({"error":{"message":"This request requires more credits","code":402}})",
       quota_exhausted},
      {402, R"({"error":{"message":"Insufficient Balance","type":"unknown_error"}})",
       quota_exhausted},
      {400,
       R"({"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\)"
       R"("message\":\"Input is too long for requested model.\"}"}}})",
       context_overflow},
      {400,
       R"({"error":{"code":400,"message":"the request exceeds the available context size)"
       R"(","type":"exceed_context_size_error"}})",
       context_overflow},
      {400,
       R"({"object":"error","message":"This model's maximum context length is 4096 token)"
       R"(s","code":40303})",
       context_overflow},
      {422, R"({"detail":[{"loc":["body"],"msg":"field required"}]})", invalid_request},
      {403, R"({"error":"forbidden"})", unauthenticated},
      {403, R"({"error":{"message":"insufficient credits"}})", quota_exhausted},
      {408, "", overloaded},
      {409, "", overloaded},
      {429, "", rate_limited},
      {429, "slow down", rate_limited},
      {502, "<html><head><title>502 Bad Gateway</title></head></html>", overloaded},
      {503, "upstream connect error", overloaded},
      {504, "{\"error\":", overloaded},
      {524, "", overloaded},
      {400, "", invalid_request},
      {418, "[]", invalid_request},
      {400,
       "{\"error\":{\"message\":7,\"code\":null,\"type\":[],\"details\":3,\"metadata\":\"x\"}}",
       invalid_request},
      {307, "", invalid_request},
  };
  for (const auto& [status, body, code] : cases) {
    INFO(status << " " << body);
    const auto failure = classify_failure({.status = status, .body = body});
    CHECK(muster::to_string(failure.error.code) == muster::to_string(code));
    CHECK(failure.http_status == status);
    CHECK(failure.error.message.find(std::to_string(status)) != std::string::npos);
  }
}

TEST_CASE("S5 the wait is read from headers and bodies, the header first") {
  const auto wait = [](ProviderAnswer answer) {
    answer.status = 429;
    answer.now_ms = now_ms;
    return classify_failure(answer).retry_after;
  };
  CHECK(wait({.retry_after = "3"}) == milliseconds{3000});
  CHECK(wait({.retry_after = "Sun, 06 Nov 1994 08:49:37 GMT"}) == milliseconds{7000});
  CHECK(wait({.retry_after = "3", .retry_after_ms = "250"}) == milliseconds{250});
  CHECK(wait({.retry_after = "3", .retry_after_ms = "x"}) == milliseconds{3000});
  CHECK_FALSE(wait({}).has_value());
  CHECK_FALSE(wait({.retry_after = "later"}).has_value());
  const char* google = R"({"error":{"details":[3,{"@type":"x"},{"retryDelay":"36.5s"}]}})";
  CHECK(wait({.body = google}) == milliseconds{36'500});
  CHECK(wait({.body = google, .retry_after = "1"}) == milliseconds{1000});
}

TEST_CASE("F5 a failure's message is one short printable line") {
  const auto message = [](std::string_view body) {
    return classify_failure({.status = 500, .body = body}).error.message;
  };
  CHECK(message("{\"error\":{\"message\":\"a\\u001b[31m\\nb\"}}") == "HTTP 500: a b");
  CHECK(message("<html><title>Bad\nGateway</title></html>") == "HTTP 500: Bad Gateway");
  CHECK(message("<html><body>x</body>") == "HTTP 500: (a page of HTML or XML)");
  CHECK(message("") == "HTTP 500: (no message)");
  CHECK(message(std::string(100'000, 'x')).size() < 500);
  CHECK(message("\xFF\xFE").find('\xFF') == std::string::npos);
  CHECK(message(std::string(100'000, '[')).size() < 500);
}

TEST_CASE("F4 secrets are taken out of a text, also the beginning of one at its cut end") {
  const std::vector<std::string> secrets{"sk-secret-1234", "abc"};
  const auto redacted = [&](std::string text) {
    muster::model::redact(text, secrets);
    return text;
  };
  CHECK(redacted("key sk-secret-1234 and sk-secret-1234.") == "key [redacted] and [redacted].");
  CHECK(redacted("key sk-sec\xE2\x80\xA6") == "key [redacted]\xE2\x80\xA6");
  CHECK(redacted("key sk-secret-123") == "key [redacted]");
  CHECK(redacted("abc def") == "abc def");
  CHECK(redacted("") == "");
}
