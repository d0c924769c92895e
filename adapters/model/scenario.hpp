#pragma once
// A scenario: what the scripted model says, when. docs/scenarios.md describes the file.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/result.hpp"

namespace re2 {
class RE2;
}

namespace muster::scripted {

/// What a `{{name}}` in a string stands for.
enum class Variable { agent, task, turn, attempt, session, model, last_tool_output, capture };

/// A string with its `{{...}}` found once, when the scenario is read.
struct Template {
  struct Piece {
    std::string literal;
    std::optional<Variable> variable;  ///< comes after the literal
    int capture = 0;                   ///< number of the group, for Variable::capture
  };
  std::vector<Piece> pieces;

  /// What is inserted stands inside a JSON string and is escaped.
  bool json = false;
};

/// Holds when the number is one of `any`, or within min and max; always when nothing is set.
struct IntCondition {
  std::vector<std::int64_t> any;
  std::optional<std::int64_t> min;
  std::optional<std::int64_t> max;

  [[nodiscard]] bool holds(std::int64_t value) const noexcept;
};

/// All that is set must hold.
struct RuleWhen {
  std::vector<std::string> agents;  ///< any of them; empty = every one
  std::vector<std::string> tasks;
  std::shared_ptr<const re2::RE2> task_matches;  ///< the whole task id
  IntCondition turn;
  IntCondition attempt;
  std::optional<std::string> last_tool;          ///< "" = the last message is no tool result
  std::shared_ptr<const re2::RE2> text_matches;  ///< anywhere in the last message
  IntCondition nth;  ///< how often the conditions above have held, this time included
};

struct ScriptedToolCall {
  enum class Id { generated, given, omitted };
  Template name;
  Template arguments;
  Id id_kind = Id::generated;
  Template id;
};

struct ScriptedUsage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cached_tokens = 0;
};

/// Milliseconds and sizes; what a rule leaves open comes from the scenario's defaults.
struct Pace {
  int latency_ms = 0;      ///< before the headers
  int token_delay_ms = 0;  ///< between two chunks of a stream
  int chunk_chars = 40;    ///< characters of text, reasoning or arguments in a chunk
};

enum class FaultKind {
  none,
  status,               ///< an HTTP status, with headers and a body
  hang_before_headers,  ///< nothing at all, for as long as the client waits
  hang_mid_stream,      ///< half of the reply, then nothing
  drop_before_headers,  ///< the connection closes without an answer
  drop_mid_stream,      ///< half of the reply, then the connection closes
  malformed_json,       ///< the reply's JSON is cut short
  bad_arguments,        ///< a tool call's arguments are cut short
  empty,                ///< a reply with neither text nor tool calls
  html,                 ///< a web page where JSON should be
  no_finish,            ///< a stream without finish_reason, usage and [DONE]
};
/// Stable snake_case name, as in a scenario and in the statistics.
[[nodiscard]] std::string_view to_string(FaultKind kind) noexcept;

struct Fault {
  FaultKind kind = FaultKind::none;
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;  ///< of status and html; empty = a plausible one
};

struct RuleThen {
  Template text;
  Template reasoning;
  std::vector<ScriptedToolCall> tool_calls;
  enum class UsageKind { estimated, given, omitted };
  UsageKind usage_kind = UsageKind::estimated;
  ScriptedUsage usage;
  std::optional<std::string> finish_reason;  ///< empty optional = by what the reply holds
  Pace pace;
  Fault fault;
};

struct Rule {
  RuleWhen when;
  RuleThen then;
  std::optional<std::int64_t> times;  ///< how often it may be used; empty = always
  int line = 0;                       ///< where it begins in its source, from 1
};

/// One role of the stochastic mode.
struct StochasticRole {
  double success = 1.0;  ///< probability that a turn with a choice goes well
  std::optional<int> latency_ms;
  std::optional<int> latency_jitter_ms;  ///< 0..this is added
};

struct Stochastic {
  std::uint64_t seed = 1;
  int tasks = 3;  ///< in a plan
  int files_per_task = 1;
  std::map<std::string, StochasticRole> roles;  ///< by agent name
};

/// Read-only once loaded.
struct Scenario {
  std::string name;
  std::string source;  ///< file name, for messages
  Pace defaults;
  std::vector<Rule> rules;
  std::optional<Stochastic> stochastic;  ///< answers what no rule matches
};

/// Reads a scenario from its text. An error (invalid_argument) has "SOURCE:LINE" as context and
/// names the rule and the path of what is wrong: "rules[3].when.turnn: unknown key ...".
Result<Scenario> parse_scenario(std::string_view text, std::string source);

/// The same from a file of at most 16 MiB. Errors: not_found, io_error, limit_reached too.
Result<Scenario> load_scenario(const std::string& path);

}  // namespace muster::scripted
