#include "actors/tool_arguments.hpp"

#include "runtime/core/text.hpp"

namespace muster {

using nlohmann::json;

Result<json> tool_arguments(const std::string& text) {
  auto parsed = json::parse(trim(text).empty() ? "{}" : text, nullptr, false);
  if (!parsed.is_object())
    return Error{ErrorCode::malformed, "the arguments are not a JSON object; send them again"};
  return parsed;
}

Result<std::string> text_argument(const json& args, const char* key, bool required) {
  auto found = args.find(key);
  if (found == args.end() || found->is_null()) {
    if (!required) return std::string();
    return Error{ErrorCode::invalid_argument, std::string("argument '") + key + "' is missing"};
  }
  if (!found->is_string())
    return Error{ErrorCode::invalid_argument,
                 std::string("argument '") + key + "' must be a string"};
  return found->get<std::string>();
}

int int_argument(const json& args, const char* key, int fallback) {
  auto found = args.find(key);
  if (found == args.end()) return fallback;
  if (found->is_number()) {
    auto value = found->get<double>();
    return value < 0 ? 0 : value > 1e9 ? 1000000000 : static_cast<int>(value);
  }
  return fallback;
}

}  // namespace muster
