#pragma once
// Enums travel as stable snake_case names. A type opts in with one table; an unknown name is an
// error, never a default.

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace muster {

/// Specialise with `static constexpr std::array<std::pair<E, std::string_view>, N> table`.
template <class E>
struct EnumNames;

template <class E>
concept NamedEnum = requires {
  EnumNames<E>::table;
};

template <NamedEnum E>
[[nodiscard]] constexpr std::string_view name_of(E value) noexcept {
  for (const auto& [known, name] : EnumNames<E>::table)
    if (known == value) return name;
  return "?";
}

template <NamedEnum E>
[[nodiscard]] constexpr std::optional<E> enum_from(std::string_view text) noexcept {
  for (const auto& [known, name] : EnumNames<E>::table)
    if (name == text) return known;
  return std::nullopt;
}

}  // namespace muster

namespace nlohmann {
template <muster::NamedEnum E>
struct adl_serializer<E> {
  static void to_json(json& out, E value) { out = std::string(muster::name_of(value)); }
  static void from_json(const json& in, E& value) {
    auto found = muster::enum_from<E>(in.get_ref<const std::string&>());
    if (!found) throw std::invalid_argument("unknown name '" + in.get<std::string>() + "'");
    value = *found;
  }
};
}  // namespace nlohmann
