#include "runtime/core/command_policy.hpp"

#include "runtime/core/command_checker.hpp"
#include "runtime/core/paths.hpp"

namespace muster {
namespace {

using Verdict = CommandDecision::Verdict;

/// The context with its paths in one form, so that they compare.
CommandContext normalised(const CommandContext& context) {
  CommandContext out = context;
  out.workspace = absolute_path("/", context.workspace);
  out.cwd = context.cwd.empty() ? out.workspace : absolute_path(out.workspace, context.cwd);
  out.home = absolute_path("/", context.home);
  for (auto& path : out.scratch) path = absolute_path("/", path);
  for (auto& path : out.protected_paths) path = absolute_path("/", path);
  return out;
}

policy::Objection check_rights(const ShellProgram& program, const CommandContext& context) {
  const bool verifies = context.rights == CommandRights::verification &&
                        is_verification_command(program, context.parse);
  if (context.rights == CommandRights::full || verifies) return std::nullopt;
  if (context.rights == CommandRights::none)
    return policy::deny("rights", "this role runs no commands");
  if (read_only(program, context.parse)) return std::nullopt;
  return policy::deny(
      "rights", context.rights == CommandRights::verification
                    ? "this role only reads, builds and tests; its command must do one of these, "
                      "and nothing may hide the exit status"
                    : "this role only reads");
}

}  // namespace

CommandDecision evaluate(const ShellProgram& program, const CommandContext& context) {
  const auto here = normalised(context);
  policy::Checker checker(here, {here.cwd}, 0);
  auto objection = checker.program(program);
  if (!objection || objection->verdict == Verdict::ask)
    if (auto rights = check_rights(program, here)) objection = rights;
  if (!objection) return {};
  if (objection->verdict == Verdict::ask && here.headless) {
    objection->verdict = Verdict::deny;
    objection->reason += " (nobody can be asked in a headless run)";
  }
  return *objection;
}

CommandDecision evaluate_text(std::string_view text, const CommandContext& context) {
  if (!context.parse) return *policy::deny("parse", "there is no shell parser");
  const auto program = context.parse(text);
  if (!program) return *policy::deny("parse", program.error().message);
  return evaluate(*program, context);
}

std::string_view to_string(CommandDecision::Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::allow:
      return "allow";
    case Verdict::ask:
      return "ask";
    case Verdict::deny:
      return "deny";
  }
  return "?";
}

}  // namespace muster
