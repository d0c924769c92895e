#pragma once
// The walk of the command policy over one program. Internal to the policy's files.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/command_policy.hpp"
#include "runtime/core/command_words.hpp"

namespace muster::policy {

/// What stands against a command; nullopt = nothing.
using Objection = std::optional<CommandDecision>;

[[nodiscard]] Objection deny(std::string_view rule, std::string reason, const ShellWord& word = {});
[[nodiscard]] Objection ask(std::string_view rule, std::string reason, const ShellWord& word = {});

/// The folders that a command may run in: more than one where a "cd" may have failed.
struct Folders {
  std::set<std::string> now;
  std::set<std::string> before;  // if the last cd failed
  bool unknown = false;          // it may be any folder
};

/// Checks the commands of one program in order. Nested text makes a nested checker.
class Checker {
 public:
  Checker(const CommandContext& context, std::set<std::string> folders, int depth);

  Objection program(const ShellProgram& program);
  /// A command as words, after assignments and wrappers.
  Objection command_words(const Words& words);
  /// Shell text that the command makes a shell run.
  Objection text(const ShellWord& word);

  // For the rules.
  [[nodiscard]] const CommandContext& context() const { return context_; }
  [[nodiscard]] const ShellCommand& command() const { return *command_; }
  /// The command whose output this one reads, if it is the one before.
  [[nodiscard]] const ShellCommand* upstream() const;
  /// The absolute paths that a word may mean; empty = not known.
  [[nodiscard]] std::vector<std::string> resolve(const ShellWord& word) const;
  /// Objects to creating or changing what the word names.
  [[nodiscard]] Objection writes(const ShellWord& word) const;
  [[nodiscard]] Objection writes(const Words& words) const;
  /// Objects to removing it. `whole` = with all that is below: a bare "*" counts then.
  [[nodiscard]] Objection deletes(const ShellWord& word, bool whole) const;
  /// Objects to taking a whole tree of somebody's secrets along ("tar c ~").
  [[nodiscard]] Objection copies_tree(const ShellWord& word) const;
  /// Objects to reading `text`, a path that is (a part of) `word`, where secrets lie.
  [[nodiscard]] Objection secret(const ShellWord& word, std::string_view text) const;
  [[nodiscard]] bool may_write(const std::string& path) const;
  [[nodiscard]] bool is_protected(const std::string& path) const;
  [[nodiscard]] bool in_workspace(const ShellWord& word) const;

 private:
  Objection one_command(const ShellProgram& program, std::size_t at);
  Objection redirects(const ShellCommand& command) const;
  Objection assignments(const Words& assignments) const;
  Objection secrets(const Words& words) const;
  Objection name_known(const ShellWord& name) const;
  void enter_folder(const Words& words, const ShellProgram& program, std::size_t at);
  Folders& folders_of(const std::string& scope);
  [[nodiscard]] std::optional<std::string> known_text(const ShellWord& word) const;

  const CommandContext& context_;
  int depth_;
  std::map<std::string, Folders> folders_;  // by scope
  const Folders* here_ = nullptr;
  const ShellCommand* command_ = nullptr;
  const ShellProgram* program_ = nullptr;
  std::size_t at_ = 0;
};

// The rules, by family; each looks at the words of one command whose name is words[0].
Objection check_files(Checker& checker, const std::string& name,
                      const Words& words);  // command_files.cpp
Objection check_runners(Checker& checker, const std::string& name,
                        const Words& words);  // command_runners.cpp
Objection check_system(Checker& checker, const std::string& name,
                       const Words& words);                 // command_system.cpp
Objection check_git(Checker& checker, const Words& words);  // command_git.cpp

/// "git" words that only look. For read_only().
[[nodiscard]] bool git_reads_only(const Words& words);

/// Names a place where credentials or a person's history lie; `path` is absolute, `glob` if it has
/// one.
[[nodiscard]] bool is_secret_path(std::string_view path, bool glob,
                                  std::string_view home);  // command_secrets.cpp
/// A private key that a person keeps at home; in a project such files are test data.
[[nodiscard]] bool is_home_key(std::string_view path, std::string_view home);
/// A ".env" file that holds values, not an example.
[[nodiscard]] bool is_env_file(std::string_view path, bool glob);

}  // namespace muster::policy
