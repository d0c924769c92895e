#include "config/model_name.hpp"

#include <algorithm>

namespace muster::config {

Result<ModelName> parse_model_name(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return Error{ErrorCode::invalid_argument,
                 why + "; write it as provider/model, e.g. ollama/qwen3:8b"};
  };
  const bool unprintable = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f;
  });
  if (unprintable) return bad("a model's name has no spaces or control characters");
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return bad("'" + std::string(text) + "' names no provider");
  if (slash == 0 || slash + 1 == text.size())
    return bad("'" + std::string(text) + "' is incomplete");
  return ModelName{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

}  // namespace muster::config
