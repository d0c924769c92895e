#pragma once
// Strict reading of JSON objects: every key is known, every type is right, every error has a path.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace muster::scripted {

/// Keys and indices from the root; an index is "[3]".
using JsonPath = std::vector<std::string>;

/// "rules[3].when.turn".
std::string path_text(const JsonPath& path);

/// Thrown inside the scenario's reader only; parse_scenario makes an Error of it.
struct ReadError {
  JsonPath path;
  std::string message;
};

/// Byte offset of the value at `path` in `text`, or of the deepest part of the path that is there.
std::size_t offset_of(std::string_view text, const JsonPath& path);
/// Line of a byte offset, from 1.
int line_of(std::string_view text, std::size_t offset) noexcept;

/// A JSON value and where it stands.
class Node {
 public:
  Node(const nlohmann::json& value, JsonPath path) : value_(&value), path_(std::move(path)) {}

  [[noreturn]] void fail(std::string message) const;
  [[nodiscard]] const nlohmann::json& json() const noexcept { return *value_; }
  [[nodiscard]] const JsonPath& path() const noexcept { return path_; }
  [[nodiscard]] bool is_null() const noexcept { return value_->is_null(); }

  [[nodiscard]] const std::string& string() const;
  [[nodiscard]] std::int64_t integer(std::int64_t min, std::int64_t max) const;
  [[nodiscard]] double number(double min, double max) const;
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::vector<Node> items() const;  ///< of an array
  /// A string, or an array of strings.
  [[nodiscard]] std::vector<std::string> strings() const;

 private:
  const nlohmann::json* value_;
  JsonPath path_;
};

/// An object whose members are asked for by name; finish() refuses what nobody asked for.
class ObjectReader {
 public:
  explicit ObjectReader(const Node& node);

  /// The member, if it is there.
  std::optional<Node> find(const char* key);
  Node require(const char* key);
  /// Throws for a key that was never asked for, with the known ones.
  void finish() const;

 private:
  Node node_;
  std::set<std::string> known_;
};

}  // namespace muster::scripted
