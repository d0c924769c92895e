#pragma once
// JSON-RPC 2.0 as language servers speak it, as values.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

#include "runtime/core/result.hpp"

namespace muster::lsp {

/// Error codes on the wire.
enum WireCode : int {
  method_not_found = -32601,
  invalid_params = -32602,
  internal_error = -32603,
  request_cancelled = -32800,
  content_modified = -32801,
  server_cancelled = -32802,
  request_failed = -32803,
};

/// A request of the server's, to be answered with its id.
struct ServerRequest {
  nlohmann::json id;
  std::string method;
  nlohmann::json params;
};
struct ServerNotification {
  std::string method;
  nlohmann::json params;
};
/// An answer to a request of ours.
struct ServerAnswer {
  std::int64_t id = 0;
  Result<nlohmann::json> result;
  int wire_code = 0;  ///< of an error
};
using ServerMessage = std::variant<ServerRequest, ServerNotification, ServerAnswer>;

/// Reads one body. Errors: malformed (no JSON, too deep, no message). Never throws.
[[nodiscard]] Result<ServerMessage> parse_server_message(std::string_view body);

/// Bodies to send. Text that is not UTF-8 is replaced, never refused.
[[nodiscard]] std::string make_request(std::int64_t id, std::string_view method,
                                       const nlohmann::json& params);
[[nodiscard]] std::string make_notification(std::string_view method, const nlohmann::json& params);
[[nodiscard]] std::string make_result(const nlohmann::json& id, const nlohmann::json& result);
[[nodiscard]] std::string make_error(const nlohmann::json& id, int code, std::string_view message);

}  // namespace muster::lsp
