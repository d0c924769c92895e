#include "adapters/model/scripted_wire.hpp"

#include "adapters/model/scenario_scan.hpp"

namespace muster::scripted {
namespace {

void append_string(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

/// {"id":...,"object":...,"created":...,"model":...  without its end.
std::string opening(const Envelope& envelope, std::string_view object) {
  std::string out = "{\"id\":\"chatcmpl-" + std::to_string(envelope.number) + "\",\"object\":\"";
  out += object;
  out += "\",\"created\":" + std::to_string(envelope.created) + ",\"model\":";
  append_string(out, envelope.model);
  return out;
}

std::string usage_json(const ScriptedUsage& usage) {
  const auto total = usage.prompt_tokens + usage.completion_tokens;
  return "{\"prompt_tokens\":" + std::to_string(usage.prompt_tokens) +
         ",\"completion_tokens\":" + std::to_string(usage.completion_tokens) +
         ",\"total_tokens\":" + std::to_string(total) +
         ",\"prompt_tokens_details\":{\"cached_tokens\":" + std::to_string(usage.cached_tokens) +
         "}}";
}

/// Up to `chars` characters from the front of `text`, in bytes.
std::size_t chars_prefix(std::string_view text, int chars) {
  std::size_t at = 0;
  while (at < text.size() && chars > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) ++at;
    --chars;
  }
  return at;
}

class StreamWriter {
 public:
  StreamWriter(const ScriptedReply& reply, const Envelope& envelope)
      : reply_(reply), head_("data: " + opening(envelope, "chat.completion.chunk")) {}

  /// `delta` is the inside of the delta object.
  void delta(std::string_view delta, std::string_view finish_reason = {}) {
    auto& out = events_.bytes;
    out += head_;
    out += ",\"choices\":[{\"index\":0,\"delta\":{";
    out += delta;
    out += "},\"finish_reason\":";
    if (finish_reason.empty()) {
      out += "null";
    } else {
      append_string(out, finish_reason);
    }
    out += "}]}\n\n";
    mark();
  }

  /// `before` text in pieces `after`, one event each.
  void pieces(std::string_view text, std::string_view before, std::string_view after) {
    while (!text.empty()) {
      const auto size = chars_prefix(text, reply_.pace.chunk_chars);
      std::string inside(before);
      append_string(inside, text.substr(0, size));
      inside += after;
      delta(inside);
      text.remove_prefix(size);
    }
  }

  void tool_call(std::size_t index, const ReplyToolCall& call) {
    const auto slot = "\"tool_calls\":[{\"index\":" + std::to_string(index);
    auto first = slot;
    if (call.id) {
      first += ",\"id\":";
      append_string(first, *call.id);
    }
    first += ",\"type\":\"function\",\"function\":{\"name\":";
    append_string(first, call.name);
    delta(first + ",\"arguments\":\"\"}}]");
    pieces(call.arguments, slot + ",\"function\":{\"arguments\":", "}}]");
  }

  void usage(const ScriptedUsage& usage) {
    events_.bytes += head_ + ",\"choices\":[],\"usage\":" + usage_json(usage) + "}\n\n";
    mark();
  }

  void done() {
    events_.bytes += "data: [DONE]\n\n";
    mark();
  }

  Events take() { return std::move(events_); }

 private:
  void mark() { events_.ends.push_back(events_.bytes.size()); }

  const ScriptedReply& reply_;
  std::string head_;
  Events events_;
};

/// Cuts the event in the middle of the stream to half of its JSON.
void spoil(Events& events) {
  const auto index = events.ends.size() / 2;
  const auto begin = index == 0 ? 0 : events.ends[index - 1];
  const auto size = events.ends[index] - begin;
  const auto removed = size - size / 2 - 2;
  events.bytes.replace(begin + size / 2, size - size / 2, "\n\n");
  for (auto i = index; i < events.ends.size(); ++i) events.ends[i] -= removed;
}

void append_message(std::string& out, const ScriptedReply& reply) {
  out += "{\"role\":\"assistant\",\"content\":";
  if (reply.text.empty() && !reply.tool_calls.empty()) {
    out += "null";
  } else {
    append_string(out, reply.text);
  }
  if (!reply.reasoning.empty()) {
    out += ",\"reasoning_content\":";
    append_string(out, reply.reasoning);
  }
  const char* separator = ",\"tool_calls\":[";
  for (const auto& call : reply.tool_calls) {
    out += separator;
    separator = ",";
    out += "{";
    if (call.id) {
      out += "\"id\":";
      append_string(out, *call.id);
      out += ",";
    }
    out += "\"type\":\"function\",\"function\":{\"name\":";
    append_string(out, call.name);
    out += ",\"arguments\":";
    append_string(out, call.arguments);
    out += "}}";
  }
  out += reply.tool_calls.empty() ? "}" : "]}";
}

std::string_view error_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    default:
      return status < 500 ? "invalid_request_error" : "server_error";
  }
}

}  // namespace

Events stream_events(const ScriptedReply& reply, const Envelope& envelope) {
  StreamWriter writer(reply, envelope);
  writer.delta("\"role\":\"assistant\",\"content\":\"\"");
  writer.pieces(reply.reasoning, "\"reasoning_content\":", "");
  writer.pieces(reply.text, "\"content\":", "");
  for (std::size_t i = 0; i < reply.tool_calls.size(); ++i) {
    writer.tool_call(i, reply.tool_calls[i]);
  }
  if (reply.fault.kind != FaultKind::no_finish) {
    writer.delta("", reply.finish_reason);
    if (envelope.include_usage && reply.usage) writer.usage(*reply.usage);
    writer.done();
  }
  auto events = writer.take();
  if (reply.fault.kind == FaultKind::malformed_json) spoil(events);
  return events;
}

std::string whole_body(const ScriptedReply& reply, const Envelope& envelope) {
  const bool finished = reply.fault.kind != FaultKind::no_finish;
  auto out = opening(envelope, "chat.completion") + ",\"choices\":[{\"index\":0,\"message\":";
  append_message(out, reply);
  out += ",\"finish_reason\":";
  if (finished) {
    append_string(out, reply.finish_reason);
  } else {
    out += "null";
  }
  out += "}]";
  if (finished && reply.usage) out += ",\"usage\":" + usage_json(*reply.usage);
  out += "}";
  if (reply.fault.kind == FaultKind::malformed_json) out.resize(out.size() / 2);
  return out;
}

std::string error_body(int status, std::string_view message) {
  std::string out = "{\"error\":{\"message\":";
  append_string(out, message);
  out += ",\"type\":";
  append_string(out, error_type(status));
  out += ",\"code\":" + std::to_string(status) + "}}";
  return out;
}

std::string fault_body(const Fault& fault) {
  if (!fault.body.empty()) return fault.body;
  if (fault.kind == FaultKind::html) {
    return "<!DOCTYPE html><html><head><title>Gateway</title></head>"
           "<body><h1>The service is not here</h1></body></html>\n";
  }
  return error_body(fault.status, "scripted status " + std::to_string(fault.status));
}

}  // namespace muster::scripted
