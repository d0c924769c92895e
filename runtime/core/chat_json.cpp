#include "runtime/core/chat_json.hpp"

#include <nlohmann/json.hpp>

#include "runtime/core/text.hpp"

namespace muster::model {
namespace {

using nlohmann::json;

constexpr int max_depth = 128;

bool too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth) return true;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return false;
}

}  // namespace

json parse_outside_json(std::string_view text) {
  if (too_deep(text)) return json(json::value_t::discarded);
  json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_discarded()) return parsed;
  const std::string repaired = valid_utf8(text);
  return repaired == text ? parsed : json::parse(repaired, nullptr, false);
}

}  // namespace muster::model
