#pragma once
// Which files of a tree no agent sees, whatever it asks for.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/glob.hpp"
#include "runtime/core/result.hpp"

namespace muster::files {

/// Patterns of files that hold credentials, and exceptions. A pattern without '/' is compared with
/// the file's name, one with '/' with the end of its path. Letter case does not count.
struct PolicyPatterns {
  std::vector<std::string> denied;
  std::vector<std::string> allowed;  ///< wins over denied
};
/// `.env*`, private keys, `.npmrc`, `.netrc`, `.aws/...` and their like; `.env.example` is allowed.
PolicyPatterns default_patterns();

/// Decides on real paths, after symlinks. A value; thread-safe.
class FilePolicy {
 public:
  /// invalid_argument for a pattern that does not compile.
  static Result<FilePolicy> compile(const PolicyPatterns& patterns);
  /// Why this path (relative to the root) is refused; nullopt when it is not.
  [[nodiscard]] std::optional<std::string> refusal(std::string_view path) const;

 private:
  std::vector<Glob> denied_;
  std::vector<Glob> allowed_;
};

}  // namespace muster::files
