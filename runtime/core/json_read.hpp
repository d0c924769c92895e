#pragma once
// Reading members of JSON that may be anything, without exceptions.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace muster {

/// The value that a text is; discarded when it is none, or nested deeper than `max_depth`: who
/// reads it by recursion must not be led into the depth.
[[nodiscard]] inline nlohmann::json parse_json(std::string_view text, int max_depth) {
  bool deep = false;
  const auto guard = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    deep = deep || depth > max_depth;
    return !deep;
  };
  auto out = nlohmann::json::parse(text.begin(), text.end(), guard, false);
  return deep ? nlohmann::json(nlohmann::json::value_t::discarded) : out;
}

/// The integer member `key` of `in`, or `otherwise` when it is not there or no integer.
[[nodiscard]] inline std::int64_t json_int(const nlohmann::json& in, const char* key,
                                           std::int64_t otherwise = 0) {
  if (!in.is_object()) return otherwise;
  const auto found = in.find(key);
  return found != in.end() && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
}

/// The string member `key` of `in`, or "".
[[nodiscard]] inline std::string json_text(const nlohmann::json& in, const char* key) {
  if (!in.is_object()) return {};
  const auto found = in.find(key);
  return found != in.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// The object member `key` of `in`, or an empty object.
[[nodiscard]] inline nlohmann::json json_object(const nlohmann::json& in, const char* key) {
  if (!in.is_object()) return nlohmann::json::object();
  const auto found = in.find(key);
  return found != in.end() && found->is_object() ? *found : nlohmann::json::object();
}

}  // namespace muster
