#pragma once
// The JSON Lines of a run, asked questions.

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace muster::test {

class Events {
 public:
  using Wanted = std::function<bool(const nlohmann::json& data)>;

  /// Throws when a line is no JSON, carries no version, or when "result" is not the last and only
  /// one.
  explicit Events(const std::string& output);

  [[nodiscard]] const nlohmann::json& result() const { return lines_.back(); }
  [[nodiscard]] std::size_t count(const std::string& type, const Wanted& wanted = {}) const;
  [[nodiscard]] std::size_t count_before(std::size_t end, const std::string& type,
                                         const Wanted& wanted = {}) const;
  /// The first of a type; throws when there is none.
  [[nodiscard]] std::size_t index_of(const std::string& type, const Wanted& wanted = {}) const;
  /// The data of an event.
  [[nodiscard]] const nlohmann::json& at(std::size_t index) const {
    return lines_.at(index)["data"];
  }
  /// The phases that it went to, in order.
  [[nodiscard]] std::vector<std::string> phases() const;

 private:
  std::vector<nlohmann::json> lines_;
};

}  // namespace muster::test
