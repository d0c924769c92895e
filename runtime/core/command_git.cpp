// git: agents read history and change their own tree; commits, branches, remotes and settings are
// the engine's.

#include <map>

#include "runtime/core/command_checker.hpp"

namespace muster::policy {
namespace {

constexpr std::string_view global_values =
    "-C -c --git-dir --work-tree --namespace --exec-path --super-prefix "
    "--config-env --attr-source";

const std::vector<std::string_view>& always_reading() {
  static const auto table = names(
      "status diff log show blame annotate ls-files ls-tree grep rev-parse rev-list cat-file "
      "describe shortlog "
      "name-rev merge-base for-each-ref diff-tree diff-index diff-files version --version help "
      "check-ignore "
      "check-attr check-ref-format count-objects whatchanged range-diff var cherry show-ref "
      "show-branch verify-commit "
      "fsck merge-tree get-tar-commit-id patch-id --help interpret-trailers column "
      "stripspace");
  return table;
}

/// Changing the working tree and the index of a snapshot is what agents do.
const std::vector<std::string_view>& tree_changing() {
  static const auto table = names(
      "add rm mv restore apply init update-index read-tree "
      "hash-object archive");
  return table;
}

bool any_flag(const Words& words, std::initializer_list<std::string_view> flags) {
  for (const auto& word : words)
    if (one_of(word.text, flags)) return true;
  return false;
}

bool any_prefix(const Words& words, std::initializer_list<std::string_view> flags) {
  for (const auto& word : words)
    for (const auto flag : flags)
      if (word.text.starts_with(flag)) return true;
  return false;
}

Words without_flags(const Words& words) {
  Words out;
  for (std::size_t i = 1; i < words.size(); ++i)
    if (words[i].text != "--" && (!words[i].text.starts_with('-') || words[i].dynamic))
      out.push_back(words[i]);
  return out;
}

/// Subcommands that read with these words and change with others. `words[0]` is the subcommand.
bool reads(const Words& words) {
  const auto& sub = words[0].text;
  if (one_of(sub, always_reading())) {
    // These flags make readers write or run something.
    for (const auto& word : words)
      if (word.text.starts_with("--output") || word.text.starts_with("--open-files-in-pager") ||
          word.text == "--ext-diff" || word.text.starts_with("--upload-pack") ||
          word.text.starts_with("-O"))
        return false;
    return true;
  }
  const auto rest = without_flags(words);
  const auto first = rest.empty() ? std::string() : rest[0].text;
  if (sub == "branch")
    return !any_flag(words, {"-d", "-D", "-m", "-M", "-c", "-C", "-f", "-u", "--delete", "--move",
                             "--copy", "--force", "--set-upstream-to", "--unset-upstream",
                             "--edit-description"}) &&
           (rest.empty() || any_flag(words, {"-l", "--list", "--contains", "--merged",
                                             "--no-merged", "--points-at"}));
  if (sub == "tag")
    return !any_flag(words, {"-d", "--delete", "-f", "-a", "-s", "-m"}) &&
           (rest.empty() || any_flag(words, {"-l", "--list", "--contains"}));
  if (sub == "stash") return one_of(first, {"list", "show"});
  if (sub == "worktree") return first == "list";
  if (sub == "remote") return rest.empty() || one_of(first, {"show", "get-url"});
  if (sub == "reflog") return rest.empty() || first == "show";
  if (sub == "submodule") return rest.empty() || one_of(first, {"status", "summary"});
  if (sub == "notes") return rest.empty() || one_of(first, {"list", "show"});
  if (sub == "bisect") return one_of(first, {"log", "view"});
  if (sub == "config")
    return any_flag(words,
                    {"--get", "--get-all", "--get-regexp", "--list", "-l", "--get-urlmatch"}) ||
           one_of(first, {"get", "list"}) ||
           (rest.size() == 1 &&
            !any_flag(words, {"--unset", "--unset-all", "-e", "--edit", "--remove-section"}));
  if (sub == "clean")
    return any_flag(words, {"-n", "--dry-run"}) && !any_flag(words, {"-f", "--force"});
  return false;
}

Objection check_reset(const Words& words) {
  for (const auto* mode : {"--hard", "--merge", "--keep", "--soft"})
    if (any_flag(words, {mode}))
      return deny("git", "git reset " + std::string(mode) +
                             " throws work away or moves the branch; use git restore <file>");
  const bool with_paths = any_flag(words, {"--"});
  for (const auto& word : without_flags(words)) {
    if (with_paths) break;
    const bool moves = word.dynamic || word.text.find_first_of("~^@") != std::string::npos ||
                       word.text.starts_with("HEAD{") || word.text.starts_with("origin/");
    if (moves)
      return deny("git", "git reset to another commit moves the branch; use git restore <file>",
                  word);
  }
  return std::nullopt;
}

/// "git checkout -- file" restores; other forms move HEAD.
Objection check_checkout(Checker& checker, const Words& words) {
  bool after_dashes = false, restores = false;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (after_dashes) {
      if (auto objection = checker.writes(words[i])) return objection;
      restores = true;
    }
    after_dashes = after_dashes || words[i].text == "--";
  }
  const auto operands = without_flags(words);
  const bool plain_path = operands.size() == 1 && operands[0].text == ".";
  if ((restores || plain_path) && !any_flag(words, {"-b", "-B", "--orphan"})) return std::nullopt;
  return deny("git",
              "switching branches is the engine's; to take a file back use git checkout -- <file>",
              words[0]);
}

Objection check_globals(Checker& checker, const Options& options) {
  for (const auto& [flag, value] : options.flags) {
    if (one_of(flag, {"-C", "--git-dir", "--work-tree"}) && value && !checker.in_workspace(*value))
      return deny("git", "git may work in the workspace's own repository only", *value);
    if (flag == "--exec-path" && value)
      return deny("git", "--exec-path makes git run other programs", *value);
    if (flag != "-c" && flag != "--config-env") continue;
    static const auto harmless = names(
        "color.ui= core.quotepath= core.pager=cat diff. log. core.abbrev= advice. status. "
        "column. pager.");
    bool known = false;
    for (const auto prefix : harmless)
      known = known || (value && !value->dynamic && value->text.starts_with(prefix));
    const bool runs = value && (value->text.find("external") != std::string::npos ||
                                value->text.find("textconv") != std::string::npos ||
                                value->text.find("command") != std::string::npos ||
                                value->text.find('!') != std::string::npos);
    const bool pager =
        value && value->text.starts_with("pager.") && !value->text.ends_with("=false");
    if (!known || runs || pager)
      return deny("git", "this setting can make git run other programs",
                  value.value_or(ShellWord{}));
  }
  return std::nullopt;
}

}  // namespace

bool git_reads_only(const Words& words) {
  const auto options = read_options(words, global_values, true);
  if (options.has({"-c", "--config-env", "--exec-path", "-p", "--paginate"})) return false;
  return options.operands.empty() ? true : reads(options.operands);
}

Objection check_git(Checker& checker, const Words& words) {
  const auto options = read_options(words, global_values, true);
  if (auto objection = check_globals(checker, options)) return objection;
  const auto& rest = options.operands;
  if (rest.empty()) return std::nullopt;  // "git --version"
  const auto& sub = rest[0];
  if (sub.dynamic)
    return deny("dynamic-command", "which git command this is, is not known before it runs", sub);
  if (reads(rest)) return std::nullopt;
  const bool files_only =
      one_of(sub.text, {"checkout", "restore", "apply", "archive", "clone"}) &&
      !any_flag(rest, {"--staged", "-S", "--index", "--cached", "-3", "--3way"});
  if (checker.context().shared_tree && !files_only)
    return deny("git", "the repository here is the user's own: git may look, and restore files",
                sub);
  if (sub.text == "reset") return check_reset(rest);
  if (sub.text == "checkout") return check_checkout(checker, rest);
  if (sub.text == "config")
    return deny("git",
                "git's settings are shared with the user; nothing there is an agent's to change",
                sub);
  if (one_of(sub.text, {"push", "send-email", "request-pull", "svn", "p4"}))
    return deny("git", "publishing is the user's", sub);
  if (one_of(sub.text, {"commit", "merge", "rebase", "cherry-pick", "revert", "am", "commit-tree"}))
    return deny("git", "the engine commits and lands; leave your changes in the tree", sub);
  if (sub.text == "stash")
    return deny(
        "git", "stashes are shared by all trees of the repository; keep a copy of the file instead",
        sub);
  if (sub.text == "clean")
    return deny("git", "git clean removes what cannot be brought back; delete the files by name",
                sub);
  if (sub.text == "clone") {
    const auto clone =
        read_options(rest,
                     "-b --branch --depth -o --origin -j --jobs -c --config -u --upload-pack "
                     "--template --reference --separate-git-dir --shallow-since --filter");
    if (clone.has({"-c", "--config", "-u", "--upload-pack", "--template", "--separate-git-dir"}))
      return deny("git",
                  "this option of git clone can make git run other programs or write elsewhere",
                  sub);
    return clone.operands.size() > 1 ? checker.writes(clone.operands[1]) : std::nullopt;
  }
  if (!one_of(sub.text, tree_changing()))
    return deny("git", "'git " + sub.text + "' changes what all trees of the repository share",
                sub);
  if (any_prefix(rest,
                 {"--template", "--separate-git-dir", "--unsafe-paths", "--remote", "--exec"}))
    return deny("git", "this option lets git run other programs or write elsewhere", sub);
  if (sub.text == "rm" && !any_flag(rest, {"--cached"}))
    for (const auto& operand : without_flags(rest))
      if (auto objection = checker.deletes(operand, true)) return objection;
  if (one_of(sub.text, {"mv", "restore", "init"}))
    for (const auto& operand : without_flags(rest))
      if (!operand.text.starts_with(":"))
        if (auto objection = checker.writes(operand)) return objection;
  const auto target = read_options(rest, "-o --output").value({"-o", "--output"});
  return target ? checker.writes(*target) : std::nullopt;
}

}  // namespace muster::policy
