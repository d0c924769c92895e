#pragma once
// JSON that remembers where its parts stood, so that an error can name the line.

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "runtime/core/result.hpp"

namespace muster::config {

struct LocatedJson {
  nlohmann::json value;
  std::map<std::string, int> lines;  ///< JSON pointer -> line, from 1

  /// Line of `pointer` or of its closest parent that is known; 0 when none is.
  [[nodiscard]] int line(std::string_view pointer) const;
};

/// Parses JSON with // and /* */ comments. Refuses a key that appears twice, nesting above 64, and
/// text above 1 MiB. `file` only names the source: an error's context is "file:line".
Result<LocatedJson> parse_located(std::string_view text, const std::string& file);

/// parse_located() of a regular file; not_found when there is none.
Result<LocatedJson> read_located(const std::string& path);

/// "~" and "/" of a key, as a JSON pointer wants them.
[[nodiscard]] std::string escape_pointer(std::string_view key);

/// A JSON pointer as people write it: /a/b/0 -> a.b[0]; a key with a dot is quoted: a["z.ai"].
[[nodiscard]] std::string display_path(std::string_view pointer);

/// The keys of a JSON pointer, unescaped.
[[nodiscard]] std::vector<std::string> split_pointer(std::string_view pointer);

}  // namespace muster::config
