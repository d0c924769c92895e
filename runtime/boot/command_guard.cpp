#include "runtime/boot/command_guard.hpp"

#include <algorithm>

#include "runtime/core/command_policy.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

CommandRights rights_of(RunRight right) {
  switch (right) {
    case RunRight::all:
      return CommandRights::full;
    case RunRight::verification:
      return CommandRights::verification;
    default:
      return CommandRights::none;
  }
}

/// The command's first words are the rule's words: "npm run" covers "npm run x", not "npm runner".
bool has_prefix(const ShellCommand& command, const std::string& rule) {
  std::size_t at = 0;
  std::size_t word = 0;
  while (at < rule.size()) {
    auto end = std::min(rule.find(' ', at), rule.size());
    auto wanted = rule.substr(at, end - at);
    at = end + 1;
    if (wanted.empty()) continue;
    if (word >= command.words.size() || command.words[word].dynamic ||
        command.words[word].text != wanted)
      return false;
    ++word;
  }
  return word > 0;
}

bool any_has(const ShellProgram& program, const std::vector<std::string>& rules) {
  return std::any_of(
      program.commands.begin(), program.commands.end(), [&](const ShellCommand& command) {
        return std::any_of(rules.begin(), rules.end(),
                           [&](const std::string& rule) { return has_prefix(command, rule); });
      });
}

bool all_have(const ShellProgram& program, const std::vector<std::string>& rules) {
  return !program.commands.empty() && !program.has_error &&
         std::all_of(program.commands.begin(), program.commands.end(),
                     [&](const ShellCommand& command) {
                       return std::any_of(rules.begin(), rules.end(), [&](const std::string& rule) {
                         return has_prefix(command, rule);
                       });
                     });
}

}  // namespace

CommandGuard make_command_guard(const ShellParser& parser, config::PolicyRules rules,
                                CommandPlaces places) {
  return [&parser, rules = std::move(rules), places = std::move(places)](
             const std::string& command, const std::string& root, RunRight right) -> Status {
    auto program = parser.parse(command);
    if (!program) return Error{ErrorCode::permission_denied, "refused: " + program.error().text()};
    if (any_has(*program, rules.deny))
      return Error{ErrorCode::permission_denied, "refused by a rule of the user's configuration"};
    CommandContext context;
    context.workspace = root;
    context.home = places.home;
    context.scratch = places.scratch;
    context.shared_tree = root == places.workspace;
    context.protected_paths = {places.journal};
    if (!context.shared_tree) context.protected_paths.push_back(places.workspace);
    context.rights = rights_of(right);
    context.parse = [&parser](std::string_view text) { return parser.parse(text); };
    auto decision = evaluate(*program, context);
    if (decision.allowed()) return ok_status();
    context.headless = false;
    bool only_asks = evaluate(*program, context).verdict == CommandDecision::Verdict::ask;
    if (only_asks && right == RunRight::all && all_have(*program, rules.allow)) return ok_status();
    return Error{ErrorCode::permission_denied,
                 "refused (" + decision.rule + "): " + decision.reason +
                     (decision.word.empty() ? "" : " [" + one_line(decision.word, 100) + "]")};
  };
}

std::function<bool(const std::string&)> make_verification_test(const ShellParser& parser) {
  return [&parser](const std::string& command) {
    auto parse = [&parser](std::string_view text) { return parser.parse(text); };
    auto program = parser.parse(command);
    return program && is_verification_command(*program, parse);
  };
}

}  // namespace muster
