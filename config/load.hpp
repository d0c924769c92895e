#pragma once
// Loading: defaults < user < project < environment < flags. Every value remembers where it came
// from.

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "runtime/core/result.hpp"

namespace muster::config {

enum class OriginKind { defaults, user, project, environment, flag };

/// Where a value came from.
struct Origin {
  OriginKind kind = OriginKind::defaults;
  std::string where;  ///< "path:line", the variable's or the flag's name; empty for defaults
  /// "default", "user (path:3)", "environment (MUSTER_MODEL)" ...
  [[nodiscard]] std::string text() const;
};

/// A value given on the command line.
struct FlagValue {
  std::string pointer;  ///< JSON pointer of the key: "/limits/max_cost_usd"
  nlohmann::json value;
  std::string flag;  ///< as the user knows it: "--max-cost"
};

struct LoadInput {
  std::string user_file;     ///< empty = none; a file that is not there is no error
  std::string project_file;  ///< likewise
  Environment environment;
  std::vector<FlagValue> flags;
  bool project_trusted = false;  ///< the user trusts this project's file with everything
};

struct ConfigProblem {
  std::string where;  ///< "path:line", variable or flag
  std::string path;   ///< limits.sessions.global; empty for a file that does not parse
  std::string message;
  /// "where: path: message".
  [[nodiscard]] std::string text() const;
};

struct Loaded {
  Config config;
  std::vector<std::string> warnings;  ///< one sentence each; for stderr
  nlohmann::json merged;
  std::map<std::string, Origin> origins;  ///< JSON pointer of each leaf -> origin
  std::vector<std::string> files;         ///< that were read
};

/// Loads everything. The error (invalid_argument) lists every problem, one a line.
Result<Loaded> load(const LoadInput& input);

/// The same, with the problems apart: for `config validate`. `loaded` is set when there is none.
struct LoadReport {
  std::optional<Loaded> loaded;
  std::vector<ConfigProblem> problems;
  std::vector<std::string> warnings;
};
[[nodiscard]] LoadReport load_report(const LoadInput& input);

/// "key = value  (origin)" a line; secrets are shown as "***".
[[nodiscard]] std::string show(const Loaded& loaded);
/// {"key": {"value": ..., "origin": ...}, ...}; secrets masked.
[[nodiscard]] nlohmann::json show_json(const Loaded& loaded);

/// The published schema (config/muster.schema.json), as text and parsed.
[[nodiscard]] std::string_view schema_text();
[[nodiscard]] const nlohmann::json& schema();

/// The lowest layer: defaults of the schema and the built-in providers.
[[nodiscard]] nlohmann::json default_json();

/// Environment variable of each key that can be set by one: "MUSTER_LIMITS_JOBS" -> "/limits/jobs".
[[nodiscard]] const std::map<std::string, std::string>& environment_keys();

}  // namespace muster::config
