#pragma once
// The words of a task, and how well names and paths fit them. Internal to the map.

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace muster {

/// "PlanParser::run_all" -> plan, parser, run, all. ASCII letters and digits; others stay whole.
[[nodiscard]] std::vector<std::string> words_of_name(std::string_view name);

/// What a text says.
class TaskWords {
 public:
  explicit TaskWords(std::string_view text);

  [[nodiscard]] bool empty() const { return names_.empty(); }
  /// 1 when the text has the name itself, less when it has it in another case or only words of it,
  /// else 0.
  [[nodiscard]] double fit_of_name(std::string_view name) const;
  /// 1 when the text has the path or the file's name, less when it has only words of it, else 0.
  [[nodiscard]] double fit_of_path(std::string_view path) const;

 private:
  [[nodiscard]] double fit_of_words(std::string_view name) const;

  std::string text_;
  std::unordered_set<std::string> names_;  // as they are written
  std::unordered_set<std::string> lower_;
  std::unordered_set<std::string> words_;  // of names, and of the text, without fill words
};

}  // namespace muster
