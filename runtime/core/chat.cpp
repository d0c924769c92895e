#include "runtime/core/chat.hpp"

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;

ChatFragment share(std::string text) {
  text.shrink_to_fit();  // fragments live as long as their session
  return std::make_shared<const std::string>(std::move(text));
}

bool is_ascii(std::string_view text) {
  unsigned char bits = 0;
  for (const char c : text) bits |= static_cast<unsigned char>(c);
  return bits < 0x80;
}

void append_escaped(std::string& out, unsigned char c) {
  static constexpr std::string_view hex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  out += "\\u00";
  out += hex[c >> 4U];
  out += hex[c & 0xFU];
}

void append_escaped_text(std::string& out, std::string_view text) {
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) continue;
    out.append(text, plain, i - plain);
    append_escaped(out, c);
    plain = i + 1;
  }
  out.append(text, plain);
}

ChatFragment plain_message(std::string_view role, std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 16 + 48);
  out += "{\"role\":\"";
  out += role;
  out += "\",\"content\":";
  append_json_string(out, text);
  out += '}';
  return share(std::move(out));
}

constexpr std::string_view notice_open = "<muster-notice>\n";
constexpr std::string_view notice_close = "\n</muster-notice>";

/// The text inside a notice cannot end the notice early: parts of it may come from files and tools.
std::string as_notice(std::string_view text) {
  constexpr std::string_view end_tag = "</muster-notice";
  std::string out{notice_open};
  for (auto at = text.find(end_tag); at != std::string_view::npos; at = text.find(end_tag)) {
    out.append(text, 0, at);
    out += "<\\/muster-notice";
    text.remove_prefix(at + end_tag.size());
  }
  out += text;
  out += notice_close;
  return out;
}

/// Tool arguments as the providers accept them back: the text of a JSON object.
std::string arguments_object(const std::string& arguments) {
  const auto blank = arguments.find_first_not_of(" \t\r\n") == std::string::npos;
  if (blank) return "{}";
  const json parsed = json::parse(arguments, nullptr, false);
  if (parsed.is_object()) return arguments;
  std::string out = "{\"malformed_arguments\":";
  append_json_string(out, arguments);
  return out + "}";
}

void append_tool_call(std::string& out, const ToolCall& call) {
  out += "{\"id\":";
  append_json_string(out, call.id);
  out += ",\"type\":\"function\",\"function\":{\"name\":";
  append_json_string(out, call.name);
  out += ",\"arguments\":";
  append_json_string(out, arguments_object(call.arguments));
  out += "}}";
}

/// The members of `extra` that may be used; an empty object when there are none.
json usable_extra(const std::string& extra) {
  if (extra.empty()) return json::object();
  json members = json::parse(extra, nullptr, false);
  if (!members.is_object()) return json::object();
  for (const char* owned : {"messages", "tools", "stream", "stream_options"}) members.erase(owned);
  return members;
}

/// Writes `"name":` in front of a value, unless `extra` brings its own.
class Members {
 public:
  Members(std::string& out, const json& extra) : out_(out), extra_(extra) {}

  bool begin(std::string_view name) {
    if (extra_.contains(name)) return false;
    key(name);
    return true;
  }

  void append_extra() {
    for (const auto& [name, value] : extra_.items()) {
      key(name);
      out_ += value.dump(-1, ' ', false, json::error_handler_t::replace);
    }
  }

 private:
  void key(std::string_view name) {
    if (out_.back() != '{') out_ += ',';
    append_json_string(out_, name);
    out_ += ':';
  }

  std::string& out_;
  const json& extra_;
};

void append_params(std::string& out, const ChatParams& params, bool has_tools) {
  const json extra = usable_extra(params.extra);
  Members members(out, extra);
  if (members.begin("model")) append_json_string(out, params.model);
  const bool warm = params.temperature && std::isfinite(*params.temperature);
  if (warm && members.begin("temperature")) out += json(*params.temperature).dump();
  if (params.max_tokens && members.begin(params.max_tokens_field))
    out += std::to_string(*params.max_tokens);
  if (has_tools && params.parallel_tool_calls && members.begin("parallel_tool_calls"))
    out += *params.parallel_tool_calls ? "true" : "false";
  members.append_extra();
  if (!params.stream) return;
  out += ",\"stream\":true";
  if (params.include_usage) out += ",\"stream_options\":{\"include_usage\":true}";
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_escaped_text(out, is_ascii(text) ? text : std::string_view{valid_utf8(text)});
  out += '"';
}

ChatFragment system_message(std::string_view text) { return plain_message("system", text); }

ChatFragment user_message(std::string_view text, bool synthetic) {
  return synthetic ? plain_message("user", as_notice(text)) : plain_message("user", text);
}

ChatFragment assistant_message(std::string_view text, std::span<const ToolCall> tool_calls,
                               std::string_view reasoning) {
  std::string out = "{\"role\":\"assistant\",\"content\":";
  // OpenAI's own form: null beside tool calls; an answer without either is an empty string.
  if (text.empty() && !tool_calls.empty()) {
    out += "null";
  } else {
    append_json_string(out, text);
  }
  if (!reasoning.empty()) {
    out += ",\"reasoning_content\":";
    append_json_string(out, reasoning);
  }
  for (std::size_t i = 0; i < tool_calls.size(); ++i) {
    out += i == 0 ? ",\"tool_calls\":[" : ",";
    append_tool_call(out, tool_calls[i]);
  }
  out += tool_calls.empty() ? "}" : "]}";
  return share(std::move(out));
}

ChatFragment tool_message(std::string_view call_id, std::string_view text) {
  std::string out = "{\"role\":\"tool\",\"tool_call_id\":";
  append_json_string(out, call_id);
  out += ",\"content\":";
  append_json_string(out, text);
  out += '}';
  return share(std::move(out));
}

Result<ChatFragment> tools_fragment(const std::vector<ToolSpec>& tools) {
  std::string out = "[";
  for (const ToolSpec& tool : tools) {
    const json schema = json::parse(tool.schema, nullptr, false);
    if (!schema.is_object())
      return Error{ErrorCode::invalid_argument, "the schema of a tool is not a JSON object",
                   tool.name};
    if (out.size() > 1) out += ',';
    out += "{\"type\":\"function\",\"function\":{\"name\":";
    append_json_string(out, tool.name);
    out += ",\"description\":";
    append_json_string(out, tool.description);
    out += ",\"parameters\":" + tool.schema + "}}";
  }
  out += ']';
  return share(std::move(out));
}

std::string build_body(const ChatParams& params, const ChatFragment& tools,
                       std::span<const ChatFragment> messages) {
  const bool has_tools = tools && *tools != "[]";
  std::size_t bytes = params.model.size() + params.extra.size() + 256;
  if (has_tools) bytes += tools->size();
  for (const auto& message : messages) bytes += message ? message->size() + 1 : 0;
  std::string out;
  out.reserve(bytes);
  out += '{';
  append_params(out, params, has_tools);
  if (has_tools) {
    out += ",\"tools\":";
    out += *tools;
  }
  out += ",\"messages\":[";
  bool first = true;
  for (const auto& message : messages) {
    if (!message) continue;
    if (!first) out += ',';
    first = false;
    out += *message;
  }
  out += "]}";
  return out;
}

std::int64_t estimate_tokens(std::size_t bytes) noexcept {
  return static_cast<std::int64_t>(bytes / 4 + (bytes % 4 == 0 ? 0 : 1));
}

}  // namespace muster
