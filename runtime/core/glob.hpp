#pragma once
// Glob patterns on '/'-separated paths, as agents and configs write them.

#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// A compiled pattern: "*" and "?" do not cross '/', "**" as a whole part crosses folders ("a/**/b"
/// matches a/b too), "[a-z]" "[!a]" "[^a]", "{a,b}" (nested; at most 256 alternatives), "\"
/// escapes. Matches the whole path. A value; matching costs at most pattern x path steps, never
/// more.
class Glob {
 public:
  /// Errors: invalid_argument for an unclosed bracket or brace, limit_reached for too many
  /// alternatives.
  static Result<Glob> compile(std::string_view pattern);
  [[nodiscard]] bool matches(std::string_view path) const;

 private:
  std::vector<std::vector<std::string>> alternatives_;  // each split into parts
};

/// Compile and match in one step; a pattern that does not compile matches nothing.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view path);

}  // namespace muster
