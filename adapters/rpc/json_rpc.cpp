#include "adapters/rpc/json_rpc.hpp"

#include "runtime/core/json_read.hpp"

namespace muster::rpc {
namespace {

using json = nlohmann::json;

std::string line(const json& message) {
  return message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

/// Bounds the nesting: a reader that recurses must not be led into the depth.
constexpr int max_depth = 64;

bool valid_id(const json& id) { return id.is_string() || id.is_number() || id.is_null(); }

Malformed refuse(const json& id, int code, std::string_view why) {
  return {make_error(id, code, why)};
}

Message parse_response(const json& in, json id) {
  if (in.contains("result")) return Response{std::move(id), in["result"]};
  return Response{std::move(id), error_from_wire(in["error"])};
}

}  // namespace

std::vector<LineFramer::Frame> LineFramer::feed(std::string_view bytes) {
  std::vector<Frame> out;
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    if (!skipping_ && partial_.size() + part.size() > max_frame) {
      skipping_ = true;
      partial_ = {};
      out.push_back({"", true});
    }
    if (!skipping_) partial_.append(part);
    if (end == std::string_view::npos) break;
    if (!skipping_ && partial_.find_first_not_of(" \t\r") != std::string::npos)
      out.push_back({std::move(partial_), false});
    partial_.clear();
    skipping_ = false;
  }
  return out;
}

std::optional<LineFramer::Frame> LineFramer::finish() {
  if (partial_.find_first_not_of(" \t\r") == std::string::npos) return std::nullopt;
  Frame out{std::move(partial_), false};
  partial_.clear();
  return out;
}

Message parse_message(std::string_view text) {
  const json in = parse_json(text, max_depth);
  if (in.is_discarded()) return refuse(nullptr, parse_error, "not valid JSON");
  if (in.is_array())
    return refuse(nullptr, invalid_request, "batches are not supported; send one message a line");
  if (!in.is_object()) return refuse(nullptr, invalid_request, "a message is an object");
  json id = in.contains("id") ? in["id"] : json();
  if (!valid_id(id)) return refuse(nullptr, invalid_request, "id must be a string or a number");
  if (!in.contains("jsonrpc") || in["jsonrpc"] != "2.0")
    return refuse(id, invalid_request, "jsonrpc must be \"2.0\"");
  const bool reply = in.contains("result") || in.contains("error");
  if (reply && !in.contains("method")) return parse_response(in, std::move(id));
  if (!in.contains("method") || !in["method"].is_string())
    return refuse(id, invalid_request, "method must be a string");
  Request out;
  out.notification = !in.contains("id");
  out.id = std::move(id);
  out.method = in["method"].get<std::string>();
  out.params = in.contains("params") ? in["params"] : json::object();
  if (!out.params.is_structured())
    return refuse(out.id, invalid_request, "params must be an object or a list");
  return out;
}

std::string make_request(const json& id, std::string_view method, const json& params) {
  return line({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}});
}

std::string make_notification(std::string_view method, const json& params) {
  return line({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}});
}

std::string make_result(const json& id, const json& result) {
  return line({{"jsonrpc", "2.0"}, {"id", id}, {"result", result}});
}

std::string make_error(const json& id, int code, std::string_view message, const json& data) {
  json error = {{"code", code}, {"message", message}};
  if (!data.is_null()) error["data"] = data;
  return line({{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(error)}});
}

std::string make_error(const json& id, const Error& error) {
  json data = {{"code", muster::to_string(error.code)}};
  if (!error.context.empty()) data["context"] = error.context;
  return make_error(id, wire_code(error.code), error.message, data);
}

int wire_code(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::malformed:
      return invalid_params;
    case ErrorCode::not_found:
      return not_found;
    case ErrorCode::already_exists:
    case ErrorCode::conflict:
      return conflict;
    case ErrorCode::unavailable:
    case ErrorCode::cancelled:
      return unavailable;
    case ErrorCode::timeout:
      return timed_out;
    case ErrorCode::internal:
      return internal_error;
    default:
      return server_error;
  }
}

Error error_from_wire(const json& error) {
  Error out{ErrorCode::internal, "the engine sent an error without a message", ""};
  if (!error.is_object()) return out;
  if (error.contains("message") && error["message"].is_string())
    out.message = error["message"].get<std::string>();
  const json data = error.contains("data") && error["data"].is_object() ? error["data"] : json();
  if (data.is_object() && data.contains("context") && data["context"].is_string())
    out.context = data["context"].get<std::string>();
  if (data.is_object() && data.contains("code") && data["code"].is_string()) {
    if (const auto known = error_code_from(data["code"].get<std::string>())) {
      out.code = *known;
      return out;
    }
  }
  const json code = error.contains("code") ? error["code"] : json();
  const int wire = code.is_number_integer() ? code.get<int>() : 0;
  if (wire == invalid_params || wire == method_not_found || wire == invalid_request)
    out.code = ErrorCode::invalid_argument;
  return out;
}

}  // namespace muster::rpc
