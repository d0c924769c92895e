#pragma once
// What the scripted model knows of a chat completion request.

#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/core/result.hpp"

namespace muster::scripted {

/// The parts of a request that rules look at. The views point into the scanned body.
struct ScriptedRequest {
  std::string agent;  ///< from the first line of the first user message; empty without one
  std::string task;   ///< empty for "-" too: a session of the whole mission
  std::string session;
  int attempt = 1;
  int turn = 1;       ///< assistant messages + 1, unless the line says otherwise
  std::string model;  ///< as asked for
  bool stream = false;
  bool include_usage = false;  ///< stream_options.include_usage
  std::string last_tool;       ///< whose result the last message is; empty when it is none
  /// What every tool's name has before it where the agent's host adds something; last_tool and
  /// offers() are without it.
  std::string_view tool_prefix = {};
  std::size_t body_bytes = 0;

  std::string_view body;           ///< all of it
  std::string_view first_content;  ///< JSON: the first user message's content
  std::string_view last_content;   ///< JSON: the last message's content
  std::string_view
      last_tool_content;   ///< JSON: content of the last tool message, wherever it stands
  std::string_view tools;  ///< JSON: the tools on offer

  /// The last message's text, at most kMaxText bytes.
  [[nodiscard]] std::string last_text() const;
  /// The last tool result's text, at most kMaxText bytes.
  [[nodiscard]] std::string last_tool_output() const;
  /// Whether a tool of that name is on offer.
  [[nodiscard]] bool offers(std::string_view tool) const;
};

/// Bytes of a message that rules and templates see.
inline constexpr std::size_t kMaxText = 64 * 1024;

/// Scans a request; `body` must outlive the result. One pass, no tree: a transcript of megabytes
/// costs little. The error (malformed) says what is wrong.
Result<ScriptedRequest> scan_request(std::string_view body);

}  // namespace muster::scripted
