#pragma once
// What new syntax errors of a file mean: a change is refused, or the reviewer is told.

#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/events.hpp"
#include "runtime/core/result.hpp"
#include "runtime/ports/syntax.hpp"

namespace muster {

/// Refuses a change that brings new syntax errors, for languages whose grammar can be trusted so
/// far, and warns for the others. A grammar can be wrong all the same: the same content a second
/// time passes, and the reviewer sees the errors. Thread-safe; blocks for the parser's time.
class SyntaxGate {
 public:
  explicit SyntaxGate(SyntaxPort& syntax) : syntax_(&syntax) {}

  /// On a write of `path` below `root`. What the agent should know ("" when there is nothing), or
  /// malformed: refused, with the places.
  Result<std::string> judge(const std::string& root, const std::string& path,
                            const std::optional<std::string>& before, const std::string& after);
  /// On a candidate, whoever wrote it: errors where a write would have been refused.
  std::vector<ReviewFinding> findings(const std::string& path,
                                      const std::optional<std::string>& before,
                                      const std::string& after);

 private:
  static constexpr std::size_t kRemembered = 512;

  /// Whether this was submitted before; remembers it.
  bool again(std::deque<std::string>& submissions, const std::string& key);

  SyntaxPort* syntax_;
  std::mutex mutex_;
  std::deque<std::string> refused_;   // keys of submissions, the oldest first
  std::deque<std::string> insisted_;  // keys of contents
};

}  // namespace muster
