#pragma once
// Reading JSON of unknown shape without exceptions: what is not there, or of another type, is
// empty.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace muster::ui {

inline const nlohmann::json& member(const nlohmann::json& in, const char* key) {
  static const nlohmann::json none;
  if (!in.is_object()) return none;
  const auto found = in.find(key);
  return found == in.end() ? none : *found;
}

inline std::string text(const nlohmann::json& in, const char* key) {
  const auto& value = member(in, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

inline std::int64_t number(const nlohmann::json& in, const char* key) {
  const auto& value = member(in, key);
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (!value.is_number()) return 0;
  // A float that no integer can hold would be undefined behaviour to convert.
  const double real = value.get<double>();
  return real > -9e15 && real < 9e15 ? static_cast<std::int64_t>(real) : 0;
}

inline bool flag(const nlohmann::json& in, const char* key) {
  const auto& value = member(in, key);
  return value.is_boolean() && value.get<bool>();
}

}  // namespace muster::ui
