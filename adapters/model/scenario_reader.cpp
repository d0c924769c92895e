#include "adapters/model/scenario_reader.hpp"

#include <algorithm>

#include "adapters/model/scenario_scan.hpp"

namespace muster::scripted {
namespace {

constexpr std::size_t kMaxKey = 4096;

/// Moves `at` to the member; false when it is not there.
bool enter_member(std::string_view text, std::size_t& at, const std::string& name) {
  JsonCursor cursor(text, at);
  bool more = false;
  if (!cursor.open('{', more)) return false;
  while (more) {
    cursor.peek();
    const auto key = cursor.key();
    if (!key) return false;
    cursor.peek();
    if (unescape_json(*key, kMaxKey) == name) {
      at = cursor.at();
      return true;
    }
    if (!cursor.value() || !cursor.next('}', more)) return false;
  }
  return false;
}

bool enter_element(std::string_view text, std::size_t& at, std::size_t index) {
  JsonCursor cursor(text, at);
  bool more = false;
  if (!cursor.open('[', more)) return false;
  for (std::size_t i = 0; more; ++i) {
    cursor.peek();
    if (i == index) {
      at = cursor.at();
      return true;
    }
    if (!cursor.value() || !cursor.next(']', more)) return false;
  }
  return false;
}

}  // namespace

std::string path_text(const JsonPath& path) {
  std::string out;
  for (const auto& part : path) {
    if (!out.empty() && part.front() != '[') out += '.';
    out += part;
  }
  return out.empty() ? "the scenario" : out;
}

std::size_t offset_of(std::string_view text, const JsonPath& path) {
  JsonCursor start(text);
  start.peek();
  auto at = start.at();
  for (const auto& part : path) {
    const bool index = part.size() > 2 && part.front() == '[';
    const bool found =
        index ? enter_element(text, at, std::stoul(part.substr(1))) : enter_member(text, at, part);
    if (!found) break;
  }
  return at;
}

int line_of(std::string_view text, std::size_t offset) noexcept {
  const auto before = text.substr(0, std::min(offset, text.size()));
  return 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
}

void Node::fail(std::string message) const { throw ReadError{path_, std::move(message)}; }

const std::string& Node::string() const {
  if (!value_->is_string()) fail("must be a string");
  return value_->get_ref<const std::string&>();
}

std::int64_t Node::integer(std::int64_t min, std::int64_t max) const {
  const auto expected =
      "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  if (!value_->is_number_integer()) fail(expected);
  const bool huge = value_->is_number_unsigned() &&
                    value_->get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX);
  const auto value = huge ? INT64_MAX : value_->get<std::int64_t>();
  if (huge || value < min || value > max) fail(expected);
  return value;
}

double Node::number(double min, double max) const {
  const auto value = value_->is_number() ? value_->get<double>() : min - 1;
  if (!(value >= min && value <= max)) {
    fail("must be a number from " + nlohmann::json(min).dump() + " to " +
         nlohmann::json(max).dump());
  }
  return value;
}

bool Node::boolean() const {
  if (!value_->is_boolean()) fail("must be true or false");
  return value_->get<bool>();
}

std::vector<Node> Node::items() const {
  if (!value_->is_array()) fail("must be an array");
  std::vector<Node> out;
  for (std::size_t i = 0; i < value_->size(); ++i) {
    auto path = path_;
    path.push_back("[" + std::to_string(i) + "]");
    out.emplace_back((*value_)[i], std::move(path));
  }
  return out;
}

std::vector<std::string> Node::strings() const {
  if (value_->is_string()) return {string()};
  if (!value_->is_array()) fail("must be a string or an array of strings");
  std::vector<std::string> out;
  for (const auto& item : items()) out.push_back(item.string());
  return out;
}

ObjectReader::ObjectReader(const Node& node) : node_(node) {
  if (!node.json().is_object()) node.fail("must be an object");
}

std::optional<Node> ObjectReader::find(const char* key) {
  known_.insert(key);
  const auto found = node_.json().find(key);
  if (found == node_.json().end()) return std::nullopt;
  auto path = node_.path();
  path.emplace_back(key);
  return Node(*found, std::move(path));
}

Node ObjectReader::require(const char* key) {
  auto found = find(key);
  if (!found) node_.fail(std::string("the key '") + key + "' is missing");
  return *found;
}

void ObjectReader::finish() const {
  for (const auto& [key, value] : node_.json().items()) {
    if (known_.contains(key)) continue;
    std::string names;
    for (const auto& name : known_) names += (names.empty() ? "" : ", ") + name;
    auto path = node_.path();
    path.push_back(key);
    throw ReadError{std::move(path), "unknown key (known here: " + names + ")"};
  }
}

}  // namespace muster::scripted
