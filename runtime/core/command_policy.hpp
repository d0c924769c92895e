#pragma once
// Which shell commands an agent may run. Decided on a real parse, never on patterns over the text.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.hpp"
#include "runtime/core/shell_program.hpp"

namespace muster {

/// What a role may run; each includes what stands before it, none excepted.
enum class CommandRights {
  none,          ///< nothing
  read_only,     ///< commands that change nothing (read_only())
  verification,  ///< those, and builds, tests and linters (is_verification_command())
  full,          ///< whatever the policy does not object to
};

/// Parses nested shell text: `sh -c "..."`, eval, here-documents.
using ShellTextParser = std::function<Result<ShellProgram>(std::string_view)>;

struct CommandContext {
  std::string workspace;                  ///< absolute root of the tree that the agent works in
  std::string cwd = {};                   ///< absolute folder of the command; empty = workspace
  std::string home = "/root";             ///< absolute, what "~" means
  std::vector<std::string> scratch = {};  ///< absolute folders outside that may be written
  std::vector<std::string> protected_paths =
      {};                    ///< absolute; may not even be named (engine state)
  bool shared_tree = false;  ///< the workspace is the user's own: its index and branches, too
  CommandRights rights = CommandRights::full;
  bool headless = true;        ///< nobody can be asked: "ask" becomes "deny" (F1)
  ShellTextParser parse = {};  ///< without it, nested text is denied
};

struct CommandDecision {
  enum class Verdict { allow, ask, deny };
  Verdict verdict = Verdict::allow;
  std::string rule = {};    ///< stable name: "delete", "write-outside", "pipe-to-shell", "git" ...
  std::string reason = {};  ///< one sentence for the agent: what, and what to do instead
  std::string word = {};    ///< the word that it is about

  [[nodiscard]] bool allowed() const { return verdict == Verdict::allow; }
};

/// Decides on a parsed program. Denied, whatever the spelling of flags, quotes, wrappers (env,
/// xargs, timeout, sh -c, find -exec ...) and paths: text that does not parse; deleting or writing
/// outside the workspace, or the workspace itself; devices, privilege, power, services; code from a
/// pipe run by a shell; functions that call themselves; credentials and histories; what touches
/// shared repository state (git push, stash, commit, reset --hard, worktree, config ...: the engine
/// commits and lands); command names that are not known before they run. Not a sandbox: a program
/// that the agent wrote may do anything the operating system lets it. Pure, thread-safe when
/// `parse` is.
[[nodiscard]] CommandDecision evaluate(const ShellProgram& program, const CommandContext& context);

/// Parses with `context.parse`, then evaluates. A parse that fails is a denial.
[[nodiscard]] CommandDecision evaluate_text(std::string_view text, const CommandContext& context);

/// M10: the program builds, tests or checks something, and its exit status is that command's own:
/// no
/// "|| true", "; true", pipe or background behind it. `parse` is for `sh -c "npm test"`.
[[nodiscard]] bool is_verification_command(const ShellProgram& program,
                                           const ShellTextParser& parse = {});

/// Every command of the program is known to change nothing (files, processes, repository).
[[nodiscard]] bool read_only(const ShellProgram& program, const ShellTextParser& parse = {});

[[nodiscard]] std::string_view to_string(CommandDecision::Verdict verdict) noexcept;

}  // namespace muster
