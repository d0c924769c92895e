#include "adapters/lsp/wire_message.hpp"

#include <utility>

#include "runtime/core/json_read.hpp"
#include "runtime/core/text.hpp"

namespace muster::lsp {
namespace {

using nlohmann::json;

/// Bounds the nesting: a reader that recurses must not be led into the depth. Trees of symbols and
/// selections are deep, so it is wide.
constexpr int max_depth = 512;
constexpr std::size_t shown_bytes = 80;

std::string dump(const json& message) {
  return message.dump(-1, ' ', false, json::error_handler_t::replace);
}

Error malformed(std::string_view what, std::string_view body) {
  return {ErrorCode::malformed, "wrote " + std::string(what) + ": '" +
                                    one_line(bounded_head(body, 4 * shown_bytes), shown_bytes) +
                                    "'"};
}

ServerAnswer read_answer(const json& in) {
  ServerAnswer out{json_int(in, "id", -1), Error{}, 0};
  if (!in.contains("error")) {
    out.result = in["result"];
    return out;
  }
  const auto error = json_object(in, "error");
  out.wire_code = static_cast<int>(json_int(error, "code"));
  auto message = one_line(json_text(error, "message"), 500);
  if (message.empty()) message = "refused without a reason";
  auto code = ErrorCode::unavailable;
  if (out.wire_code == method_not_found || out.wire_code == invalid_params)
    code = ErrorCode::invalid_argument;
  if (out.wire_code == request_cancelled) code = ErrorCode::cancelled;
  // The server gave up its work because something changed: it is to be asked again.
  if (out.wire_code == content_modified || out.wire_code == server_cancelled)
    code = ErrorCode::conflict;
  out.result = Error{code, std::move(message), "error " + std::to_string(out.wire_code)};
  return out;
}

}  // namespace

Result<ServerMessage> parse_server_message(std::string_view body) {
  auto in = parse_json(body, max_depth);
  if (in.is_discarded()) return malformed("a message that is no JSON", body);
  if (!in.is_object()) return malformed("a message that is no object", body);
  const bool has_id = in.contains("id");
  const auto method = in.find("method");
  if (method == in.end()) {
    // An error to what it could not read has the id null; no request of ours waits for it.
    if (has_id && (in.contains("result") || in.contains("error"))) return {read_answer(in)};
    return malformed("a message without a method", body);
  }
  if (!method->is_string()) return malformed("a message whose method is no text", body);
  auto params = in.contains("params") ? std::move(in["params"]) : json();
  if (!has_id) return {ServerNotification{method->get<std::string>(), std::move(params)}};
  const auto& id = in["id"];
  if (!id.is_string() && !id.is_number_integer())
    return malformed("a request whose id is neither a text nor an integer", body);
  return {ServerRequest{id, method->get<std::string>(), std::move(params)}};
}

std::string make_request(std::int64_t id, std::string_view method, const json& params) {
  json out{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}};
  if (!params.is_null()) out["params"] = params;
  return dump(out);
}

std::string make_notification(std::string_view method, const json& params) {
  json out{{"jsonrpc", "2.0"}, {"method", method}};
  if (!params.is_null()) out["params"] = params;
  return dump(out);
}

std::string make_result(const json& id, const json& result) {
  return dump({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

std::string make_error(const json& id, int code, std::string_view message) {
  return dump({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}});
}

}  // namespace muster::lsp
