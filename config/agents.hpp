#pragma once
// Agents (Markdown with front matter) and teams (JSON): who there is, what they may do, what they
// are told.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::config {

/// Which commands a role may run.
enum class Runs { none, verification, all };
[[nodiscard]] std::string_view to_string(Runs value) noexcept;

/// What a role may do; never more than the mission's grant.
struct Rights {
  bool reads = false;
  bool writes = false;  ///< its own snapshot
  Runs runs = Runs::none;
  bool operator==(const Rights&) const = default;
};

struct AgentSpec {
  std::string name;  ///< "worker"
  std::string description;
  std::string role;  ///< the place in the workflow: commander | planner | worker | reviewer | fixer
                     ///< | master_reviewer | searcher
  std::vector<std::string> tools;        ///< all it may call, without the final ones
  std::vector<std::string> final_tools;  ///< those that end its session
  Rights rights;
  std::string prompt;  ///< the system prompt
  std::string file;    ///< where it was read, for messages

  /// tools and final_tools.
  [[nodiscard]] std::vector<std::string> all_tools() const;
};

/// A team: an agent for each role of the workflow.
struct Team {
  std::string name;
  std::string description;
  std::map<std::string, AgentSpec> roles;  ///< role -> agent, narrowed by the team

  /// The agent of a role; null when the team has none.
  [[nodiscard]] const AgentSpec* agent(std::string_view role) const;
};

/// Parses an agent's file. Errors (invalid_argument) name file and line: unknown keys, tools and
/// rights, a final tool that ends nothing, tools that the rights do not cover.
Result<AgentSpec> parse_agent(std::string_view text, const std::string& file);

/// An agent that comes with muster, by name ("worker").
Result<AgentSpec> builtin_agent(std::string_view name);

/// A team that comes with muster ("squad", "classic"): its agents, with tools and rights narrowed
/// as the team says. A team that would widen an agent's tools or rights is an error.
Result<Team> load_team(std::string_view name);
/// load_team from the text of a team's file.
Result<Team> parse_team(std::string_view text, const std::string& file);

/// What one agent costs before it has said a word.
struct AgentCost {
  std::string name;
  std::string role;
  std::size_t prompt_tokens = 0;  ///< characters / 4
  std::size_t tool_tokens = 0;    ///< of its tools' definitions, likewise
};
[[nodiscard]] std::vector<AgentCost> agent_costs(const Team& team);

}  // namespace muster::config
