#include "adapters/model/scripted_request.hpp"

#include <charconv>
#include <optional>

#include "adapters/model/scenario_scan.hpp"

namespace muster::scripted {
namespace {

/// A name or an id that is longer is not ours.
constexpr std::size_t kMaxName = 512;
constexpr std::size_t kMaxFirstLine = 1024;
/// How a tool's name begins where OpenCode runs the agent.
constexpr std::string_view kHostedTool = "\"muster_";
/// Stands in the first line when a session belongs to no task.
constexpr std::string_view kNoTask = "-";

struct Message {
  std::string_view role;  // escaped, as are all of these
  std::string_view content;
  std::string_view tool_calls;
  std::string_view tool_call_id;
  std::string_view name;
};

std::optional<std::string_view> string_inside(std::string_view value) {
  return JsonCursor(value).string();
}

/// Calls `each(key, value)` for every member; false when `object` is none.
template <class Each>
bool for_members(JsonCursor& cursor, Each each) {
  bool more = false;
  if (!cursor.open('{', more)) return false;
  while (more) {
    const auto key = cursor.key();
    const auto value = key ? cursor.value() : std::nullopt;
    if (!value) return false;
    each(*key, *value);
    if (!cursor.next('}', more)) return false;
  }
  return true;
}

/// Calls `each(cursor)`, which takes the element, for every element.
template <class Each>
bool for_elements(JsonCursor& cursor, Each each) {
  bool more = false;
  if (!cursor.open('[', more)) return false;
  while (more) {
    if (!each(cursor) || !cursor.next(']', more)) return false;
  }
  return true;
}

/// The text of a content value: a string, or an array of {"type":"text","text":...}.
std::string text_of(std::string_view content, std::size_t max_bytes) {
  if (const auto plain = string_inside(content)) return unescape_json(*plain, max_bytes);
  std::string out;
  JsonCursor cursor(content);
  const auto add = [&](std::string_view key, std::string_view value) {
    const auto inside = key == "text" ? string_inside(value) : std::nullopt;
    if (inside && out.size() < max_bytes) out += unescape_json(*inside, max_bytes - out.size());
  };
  for_elements(cursor, [&](JsonCursor& at) { return for_members(at, add); });
  return out;
}

std::string_view raw_string(std::string_view value) { return string_inside(value).value_or(""); }

std::optional<Message> scan_message(JsonCursor& cursor) {
  Message message;
  const bool ok = for_members(cursor, [&](std::string_view key, std::string_view value) {
    if (key == "role")
      message.role = raw_string(value);
    else if (key == "content")
      message.content = value;
    else if (key == "tool_calls")
      message.tool_calls = value;
    else if (key == "tool_call_id")
      message.tool_call_id = raw_string(value);
    else if (key == "name")
      message.name = raw_string(value);
  });
  if (!ok) return std::nullopt;
  return message;
}

/// The name of the call with that id in an assistant message's tool_calls.
std::string_view called_tool(std::string_view tool_calls, std::string_view id) {
  std::string_view found;
  JsonCursor cursor(tool_calls);
  for_elements(cursor, [&](JsonCursor& at) {
    std::string_view call_id;
    std::string_view function;
    const bool ok = for_members(at, [&](std::string_view key, std::string_view value) {
      if (key == "id") call_id = raw_string(value);
      if (key == "function") function = value;
    });
    if (!ok || call_id != id || !found.empty()) return ok;
    JsonCursor inner(function);
    return for_members(inner, [&](std::string_view key, std::string_view value) {
      if (key == "name") found = raw_string(value);
    });
  });
  return found;
}

int number_of(std::string_view text, int fallback) {
  int value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() ? value : fallback;
}

/// Takes `[muster agent=worker task=M1.T2 ...]` apart. The turn is left alone unless it is there.
void read_first_line(std::string_view text, ScriptedRequest& request) {
  constexpr std::string_view opening = "[muster ";
  const auto line = text.substr(0, text.find('\n'));
  const auto close = line.find(']');
  if (!line.starts_with(opening) || close == std::string_view::npos) return;
  auto rest = line.substr(opening.size(), close - opening.size());
  while (!rest.empty()) {
    const auto word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) continue;
    const auto key = word.substr(0, equals);
    const auto value = word.substr(equals + 1);
    if (key == "agent")
      request.agent = value;
    else if (key == "task")
      request.task = value == kNoTask ? "" : value;
    else if (key == "session")
      request.session = value;
    else if (key == "attempt")
      request.attempt = number_of(value, request.attempt);
    else if (key == "turn")
      request.turn = number_of(value, request.turn);
  }
}

/// Follows the messages; keeps what is needed of them.
struct Transcript {
  std::optional<Message> first_user;
  Message last;
  std::string_view calls;         // of the last assistant message that had some
  std::string_view tool_content;  // of the last tool message
  int assistant = 0;
  bool any = false;

  void add(const Message& message) {
    any = true;
    last = message;
    if (message.role == "user" && !first_user) first_user = message;
    if (message.role == "tool") tool_content = message.content;
    if (message.role != "assistant") return;
    ++assistant;
    if (!message.tool_calls.empty()) calls = message.tool_calls;
  }
};

void fill(ScriptedRequest& request, const Transcript& seen) {
  request.turn = seen.assistant + 1;
  if (seen.first_user) {
    request.first_content = seen.first_user->content;
    read_first_line(text_of(request.first_content, kMaxFirstLine), request);
  }
  request.last_content = seen.last.content;
  request.last_tool_content = seen.tool_content;
  if (seen.last.role != "tool") return;
  auto name = seen.last.name;
  if (name.empty()) name = called_tool(seen.calls, seen.last.tool_call_id);
  if (name.starts_with(request.tool_prefix)) name.remove_prefix(request.tool_prefix.size());
  request.last_tool = unescape_json(name, kMaxName);
}

void read_member(std::string_view key, std::string_view value, ScriptedRequest& request) {
  if (key == "model") {
    request.model = unescape_json(raw_string(value), kMaxName);
  } else if (key == "stream") {
    request.stream = value == "true";
  } else if (key == "tools") {
    request.tools = value;
    if (value.find(kHostedTool) != std::string_view::npos)
      request.tool_prefix = kHostedTool.substr(1);
  } else if (key == "stream_options") {
    JsonCursor options(value);
    for_members(options, [&](std::string_view name, std::string_view given) {
      if (name == "include_usage") request.include_usage = given == "true";
    });
  }
}

bool scan_messages(JsonCursor& cursor, Transcript& seen) {
  return for_elements(cursor, [&seen](JsonCursor& at) {
    const auto message = scan_message(at);
    if (message) seen.add(*message);
    return message.has_value();
  });
}

Error bad(const char* why) { return Error{ErrorCode::malformed, why, "chat completion request"}; }

}  // namespace

std::string ScriptedRequest::last_text() const { return text_of(last_content, kMaxText); }

std::string ScriptedRequest::last_tool_output() const {
  return text_of(last_tool_content, kMaxText);
}

bool ScriptedRequest::offers(std::string_view tool) const {
  const auto quoted = "\"" + std::string(tool_prefix) + std::string(tool) + "\"";
  return tools.find(quoted) != std::string_view::npos;
}

Result<ScriptedRequest> scan_request(std::string_view body) {
  ScriptedRequest request;
  request.body = body;
  request.body_bytes = body.size();
  Transcript seen;
  JsonCursor cursor(body);
  bool more = false;
  if (!cursor.open('{', more)) return bad("the body is not a JSON object");
  while (more) {
    const auto key = cursor.key();
    if (!key) return bad("the body is not valid JSON");
    if (*key == "messages") {
      if (!scan_messages(cursor, seen)) return bad("messages: must be an array of objects");
    } else {
      const auto value = cursor.value();
      if (!value) return bad("the body is not valid JSON");
      read_member(*key, *value, request);
    }
    if (!cursor.next('}', more)) return bad("the body is not valid JSON");
  }
  if (cursor.peek() != '\0') return bad("there is text after the JSON object");
  if (!seen.any) return bad("messages: must hold at least one message");
  fill(request, seen);
  return request;
}

}  // namespace muster::scripted
