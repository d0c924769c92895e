#include "config/schema.hpp"

#include <array>
#include <set>

#include "config/located_json.hpp"
#include "config/suggest.hpp"

namespace muster::config {
namespace {

using json = nlohmann::json;

constexpr std::size_t max_problems = 50;

const std::set<std::string>& known_keywords() {
  static const std::set<std::string> known{"$schema",       "$id",
                                           "$defs",         "$ref",
                                           "title",         "description",
                                           "default",       "examples",
                                           "writeOnly",     "type",
                                           "enum",          "properties",
                                           "required",      "additionalProperties",
                                           "maxProperties", "items",
                                           "minItems",      "maxItems",
                                           "minimum",       "maximum",
                                           "minLength",     "maxLength"};
  return known;
}

bool has_type(const json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  return type == "integer" && value.is_number_integer();
}

std::string type_name(const json& value) {
  if (value.is_number_integer()) return "an integer";
  switch (value.type()) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "true or false";
    case json::value_t::null:
      return "null";
    default:
      return "a number";
  }
}

std::string expected(const json& type) {
  if (type.is_string()) return type.get<std::string>();
  std::string out;
  for (const json& one : type) out += (out.empty() ? "" : " or ") + one.get<std::string>();
  return out;
}

std::vector<std::string> names_of(const json& object) {
  std::vector<std::string> names;
  for (const auto& [name, ignored] : object.items()) names.push_back(name);
  return names;
}

class Validator {
 public:
  explicit Validator(const json& root) : root_(root) {}

  void check(const json& raw, const json& value, const std::string& pointer) {
    if (problems.size() >= max_problems) return;
    const json node = resolve_ref(root_, raw);
    for (const auto& [keyword, ignored] : node.items()) {
      if (keyword.rfind("x-", 0) != 0 && known_keywords().count(keyword) == 0)
        return add(pointer, "the schema uses the unknown keyword '" + keyword + "'");
    }
    if (!check_type(node, value, pointer) || !check_enum(node, value, pointer)) return;
    if (value.is_number()) check_number(node, value, pointer);
    if (value.is_string()) check_string(node, value, pointer);
    if (value.is_array()) check_array(node, value, pointer);
    if (value.is_object()) check_object(node, value, pointer);
  }

  std::vector<SchemaProblem> problems;

 private:
  void add(const std::string& pointer, std::string message) {
    if (problems.size() < max_problems) problems.push_back({pointer, std::move(message)});
  }

  bool check_type(const json& node, const json& value, const std::string& pointer) {
    const auto type = node.find("type");
    if (type == node.end()) return true;
    bool fits = type->is_string() && has_type(value, type->get<std::string>());
    if (type->is_array())
      for (const json& one : *type) fits = fits || has_type(value, one.get<std::string>());
    if (!fits) add(pointer, "must be " + expected(*type) + ", not " + type_name(value));
    return fits;
  }

  bool check_enum(const json& node, const json& value, const std::string& pointer) {
    const auto allowed = node.find("enum");
    if (allowed == node.end()) return true;
    std::vector<std::string> names;
    std::string list;
    for (const json& one : *allowed) {
      if (one == value) return true;
      if (one.is_string()) names.push_back(one.get<std::string>());
      list += (list.empty() ? "" : ", ") + (one.is_string() ? one.get<std::string>() : one.dump());
    }
    const std::string hint =
        value.is_string() ? did_you_mean(value.get_ref<const std::string&>(), names) : "";
    add(pointer, "must be one of " + list + hint);
    return false;
  }

  void check_number(const json& node, const json& value, const std::string& pointer) {
    if (auto low = node.find("minimum"); low != node.end() && value < *low)
      add(pointer, "must be at least " + low->dump());
    if (auto high = node.find("maximum"); high != node.end() && value > *high)
      add(pointer, "must be at most " + high->dump());
  }

  void check_size(const json& node, std::size_t size, const char* low, const char* high,
                  const std::string& unit, const std::string& pointer) {
    if (auto bound = node.find(low); bound != node.end() && size < bound->get<std::size_t>())
      add(pointer, "must have at least " + bound->dump() + " " + unit);
    if (auto bound = node.find(high); bound != node.end() && size > bound->get<std::size_t>())
      add(pointer, "must have at most " + bound->dump() + " " + unit);
  }

  void check_string(const json& node, const json& value, const std::string& pointer) {
    check_size(node, value.get_ref<const std::string&>().size(), "minLength", "maxLength",
               "characters", pointer);
  }

  void check_array(const json& node, const json& value, const std::string& pointer) {
    check_size(node, value.size(), "minItems", "maxItems", "elements", pointer);
    const auto items = node.find("items");
    if (items == node.end()) return;
    for (std::size_t i = 0; i < value.size(); ++i)
      check(*items, value[i], pointer + "/" + std::to_string(i));
  }

  void check_object(const json& node, const json& value, const std::string& pointer) {
    check_size(node, value.size(), "minProperties", "maxProperties", "keys", pointer);
    const json properties = node.value("properties", json::object());
    const json others = node.value("additionalProperties", json(true));
    for (const json& name : node.value("required", json::array())) {
      if (!value.contains(name.get<std::string>()))
        add(pointer, "needs the key '" + name.get<std::string>() + "'");
    }
    for (const auto& [name, child] : value.items()) {
      const std::string at = pointer + "/" + escape_pointer(name);
      if (properties.contains(name))
        check(properties[name], child, at);
      else if (others.is_object())
        check(others, child, at);
      else if (others == json(false))
        add(at, "unknown key" + did_you_mean(name, names_of(properties)));
    }
  }

  const json& root_;
};

}  // namespace

json resolve_ref(const json& root, const json& node) {
  json out = node;
  for (int hops = 0; hops < 8 && out.contains("$ref"); ++hops) {
    const std::string ref = out["$ref"].get<std::string>();
    out.erase("$ref");
    json target =
        ref.rfind("#/", 0) == 0 ? root.value(json::json_pointer(ref.substr(1)), json()) : json();
    if (!target.is_object()) {
      out["unresolved " + ref] = true;  // reported as an unknown keyword
      return out;
    }
    target.update(out);
    out = std::move(target);
  }
  return out;
}

std::vector<SchemaProblem> validate(const json& schema, const json& value) {
  Validator validator(schema);
  validator.check(schema, value, "");
  return std::move(validator.problems);
}

json subschema(const json& schema, std::string_view pointer) {
  json node = resolve_ref(schema, schema);
  for (const std::string& key : split_pointer(pointer)) {
    json next;
    if (node.contains("properties") && node["properties"].contains(key))
      next = node["properties"][key];
    else if (node.contains("additionalProperties") && node["additionalProperties"].is_object())
      next = node["additionalProperties"];
    else if (node.contains("items"))
      next = node["items"];
    else
      return nullptr;
    node = resolve_ref(schema, next);
  }
  return node;
}

}  // namespace muster::config
