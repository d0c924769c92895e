#pragma once
// to_json and from_json of a plain struct from the list of its members; a member that is missing
// keeps its default, so that old data stays readable. Like nlohmann's own macro, but the functions
// are not inline: their declarations may stand in a light header.

#include <nlohmann/json.hpp>

#define MUSTER_JSON_FIELDS(Type, ...)                                                       \
  void to_json(nlohmann::json& nlohmann_json_j, const Type& nlohmann_json_t) {              \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_TO, __VA_ARGS__))                \
  }                                                                                         \
  void from_json(const nlohmann::json& nlohmann_json_j, Type& nlohmann_json_t) {            \
    const Type nlohmann_json_default_obj{};                                                 \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(NLOHMANN_JSON_FROM_WITH_DEFAULT, __VA_ARGS__)) \
  }
