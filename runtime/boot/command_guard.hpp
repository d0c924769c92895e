#pragma once
// The command policy as the actors ask for it: parse, then decide.

#include <functional>
#include <string>

#include "actors/session.hpp"
#include "config/config.hpp"
#include "runtime/ports/shell_parser.hpp"

namespace muster {

/// Folders that the policy knows besides the agent's own tree.
struct CommandPlaces {
  std::string home;
  std::string workspace;  ///< the user's own tree: no command of an agent names it
  std::string journal;    ///< the engine's records: likewise
  std::vector<std::string> scratch = {"/tmp"};
};

/// Refuses what the policy or the role's right does not allow; the error says which rule and which
/// word. The user's rules come first: a `deny` prefix refuses, an `allow` prefix lets through what
/// the policy would only ask about. `parser` outlives it. Thread-safe.
[[nodiscard]] CommandGuard make_command_guard(const ShellParser& parser, config::PolicyRules rules,
                                              CommandPlaces places);

/// Whether a command verifies something (BEHAVIOURS M10). `parser` outlives it. Thread-safe.
[[nodiscard]] std::function<bool(const std::string&)> make_verification_test(
    const ShellParser& parser);

}  // namespace muster
