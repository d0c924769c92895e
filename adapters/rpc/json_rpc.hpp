#pragma once
// JSON-RPC 2.0 as values: one message per line, nothing here touches a descriptor.

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::rpc {

/// Bound of one message, without its line feed.
inline constexpr std::size_t max_frame = 1U << 20U;
inline constexpr int protocol_version = 1;

/// Error codes on the wire. The first five are JSON-RPC's own.
enum WireCode : int {
  parse_error = -32700,
  invalid_request = -32600,
  method_not_found = -32601,
  invalid_params = -32602,
  internal_error = -32603,
  server_error = -32000,     ///< any failure that has no code below
  not_initialized = -32001,  ///< initialize must come first
  wrong_version = -32002,    ///< the protocol's version is not ours
  frame_too_large = -32003,
  not_found = -32004,
  conflict = -32005,
  unavailable = -32006,  ///< shutting down
  timed_out = -32007,
};

/// Cuts a byte stream into lines. A line above the bound is skipped to its end and reported once.
class LineFramer {
 public:
  struct Frame {
    std::string text;
    bool too_large = false;  ///< text is empty then
  };
  /// Adds bytes and returns the frames that they complete. Empty lines are left out.
  [[nodiscard]] std::vector<Frame> feed(std::string_view bytes);
  /// What is left at the end of the stream, as a frame; nullopt when nothing is.
  [[nodiscard]] std::optional<Frame> finish();

 private:
  std::string partial_;
  bool skipping_ = false;
};

struct Request {
  nlohmann::json id;  ///< a string, a number, or null for a notification
  bool notification = false;
  std::string method;
  nlohmann::json params;  ///< object or array; an empty object when absent
};
/// A reply to a request that this side sent.
struct Response {
  nlohmann::json id;
  Result<nlohmann::json> result;
};
/// A message that is none; `reply` is the error to send back.
struct Malformed {
  std::string reply;
};
using Message = std::variant<Request, Response, Malformed>;

/// Parses one line. Never throws.
[[nodiscard]] Message parse_message(std::string_view line);

/// Lines to send, with their line feed. Text that is not UTF-8 is replaced, never refused.
[[nodiscard]] std::string make_request(const nlohmann::json& id, std::string_view method,
                                       const nlohmann::json& params);
[[nodiscard]] std::string make_notification(std::string_view method, const nlohmann::json& params);
[[nodiscard]] std::string make_result(const nlohmann::json& id, const nlohmann::json& result);
[[nodiscard]] std::string make_error(const nlohmann::json& id, int code, std::string_view message,
                                     const nlohmann::json& data = nullptr);
/// An Error as a reply: the wire code that fits, and {"code": name, "context": ...} as its data.
[[nodiscard]] std::string make_error(const nlohmann::json& id, const Error& error);

/// The wire code for a failure, and back (from the data when it is there).
[[nodiscard]] int wire_code(ErrorCode code) noexcept;
[[nodiscard]] Error error_from_wire(const nlohmann::json& error);

}  // namespace muster::rpc
