#include "runtime/core/command_checker.hpp"

#include <algorithm>

#include "runtime/core/glob.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster::policy {
namespace {

constexpr int max_depth = 8;
constexpr auto npos = std::string::npos;

using Verdict = CommandDecision::Verdict;

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// "$NAME" not followed by more of a name.
void replace_variable(std::string& text, const std::string& name, std::string_view with) {
  replace_all(text, "${" + name + "}", with);
  const auto plain = "$" + name;
  for (auto at = text.find(plain); at != npos; at = text.find(plain, at)) {
    const auto end = at + plain.size();
    if (end < text.size() && is_name_char(text[end]))
      at = end;
    else
      text.replace(at, plain.size(), with);
  }
}

bool has_glob(std::string_view part) { return part.find_first_of("*?[") != npos; }

/// A glob part that takes (nearly) everything: nothing but stars, question marks and bracket sets.
bool is_bare_glob(std::string_view part) {
  bool in_bracket = false;
  for (const char c : part) {
    if (c == '[') in_bracket = true;
    if (!in_bracket && std::string_view("*?.").find(c) == npos) return false;
    if (c == ']') in_bracket = false;
  }
  return has_glob(part);
}

/// Where a glob starts to act: the literal folder before it, the pattern, and whether it can go up.
struct GlobTarget {
  std::string folder;
  std::string pattern;
  bool climbs = false;
};

GlobTarget split_glob(const std::string& path) {
  GlobTarget out;
  std::size_t begin = 0;
  while (begin <= path.size()) {
    const auto end = std::min(path.find('/', begin), path.size());
    const auto part = std::string_view(path).substr(begin, end - begin);
    if (out.pattern.empty() && has_glob(part)) {
      out.folder = path.substr(0, begin == 0 ? 0 : begin - 1);
      out.pattern = part;
    } else if (!out.pattern.empty() && part == "..") {
      out.climbs = true;
    }
    if (part.starts_with('.') && has_glob(part) && glob_match(part, "..")) out.climbs = true;
    begin = end + 1;
  }
  if (out.folder.empty()) out.folder = "/";
  return out;
}

/// A redirect that writes to a file, as opposed to reading or copying a descriptor.
bool writes_file(const ShellRedirect& redirect) {
  if (redirect.op.find('>') == npos || redirect.op == ">&-") return false;
  if (redirect.op != ">&") return true;
  return redirect.target.text.find_first_not_of("0123456789-") != npos;
}

bool is_stream(std::string_view path) {
  return one_of(path, {"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/tty"}) ||
         path.starts_with("/dev/fd/");
}

Objection unknown_path(const ShellWord& word) {
  return deny(
      "unknown-path",
      "where '" + word.text + "' leads is not known before the command runs; write the path out",
      word);
}

}  // namespace

Objection deny(std::string_view rule, std::string reason, const ShellWord& word) {
  return CommandDecision{Verdict::deny, std::string(rule), std::move(reason), word.text};
}

Objection ask(std::string_view rule, std::string reason, const ShellWord& word) {
  return CommandDecision{Verdict::ask, std::string(rule), std::move(reason), word.text};
}

Checker::Checker(const CommandContext& context, std::set<std::string> folders, int depth)
    : context_(context), depth_(depth) {
  folders_[""].unknown = folders.empty();
  folders_[""].now = std::move(folders);
  here_ = &folders_[""];
}

Folders& Checker::folders_of(const std::string& scope) {
  if (const auto found = folders_.find(scope); found != folders_.end()) return found->second;
  const auto parent = scope.substr(0, scope.rfind('/'));
  return folders_[scope] = folders_of(parent);
}

const ShellCommand* Checker::upstream() const {
  return command_->reads_pipe && at_ > 0 ? &program_->commands[at_ - 1] : nullptr;
}

// ---- paths
// ---------------------------------------------------------------------------------------------

/// The value of a word whose only expansions are the home and working folders.
std::optional<std::string> Checker::known_text(const ShellWord& word) const {
  if (!word.dynamic) return word.text;
  std::string text = word.text;
  std::erase(text, '"');
  replace_variable(text, "HOME", context_.home);
  replace_all(text, "$(git rev-parse --show-toplevel)", context_.workspace);
  if (here_->now.size() == 1 && !here_->unknown) {
    replace_variable(text, "PWD", *here_->now.begin());
    replace_all(text, "$(pwd)", *here_->now.begin());
    replace_all(text, "`pwd`", *here_->now.begin());
  }
  if (text.find_first_of("$`'\\(){}") != npos) return std::nullopt;
  return text;
}

std::vector<std::string> Checker::resolve(const ShellWord& word) const {
  const auto known = known_text(word);
  if (!known) return {};
  if (word.tilde) {
    const auto slash = std::min(known->find('/'), known->size());
    const auto user = known->substr(1, slash - 1);
    if (user == "+" || user == "-") return {};
    // Another user's home is outside, wherever it is.
    const auto home = user.empty() ? context_.home : "/home/" + user;
    return {absolute_path("/", home + known->substr(slash))};
  }
  if (known->starts_with('/')) return {absolute_path("/", *known)};
  if (here_->unknown) return {};
  std::vector<std::string> out;
  for (const auto& folder : here_->now) out.push_back(absolute_path(folder, *known));
  return out;
}

bool Checker::may_write(const std::string& path) const {
  if (path.find("/.git/") != npos || path.ends_with("/.git")) return false;
  for (const auto& root : context_.protected_paths)
    if (path_below(path, root)) return false;
  if (is_protected(path)) return false;
  const auto inside = [&](const std::string& root) { return path_within(root, path); };
  return inside(context_.workspace) ||
         std::any_of(context_.scratch.begin(), context_.scratch.end(), inside);
}

/// Under a protected path; a workspace that lies there itself is the agent's all the same.
bool Checker::is_protected(const std::string& path) const {
  return std::any_of(
      context_.protected_paths.begin(), context_.protected_paths.end(), [&](const auto& root) {
        const bool own =
            path_within(root, context_.workspace) && path_within(context_.workspace, path);
        return path_within(root, path) && !own;
      });
}

bool Checker::in_workspace(const ShellWord& word) const {
  const auto paths = resolve(word);
  const auto inside = [&](const std::string& path) {
    return path_within(context_.workspace, path);
  };
  return !paths.empty() && std::all_of(paths.begin(), paths.end(), inside);
}

Objection Checker::writes(const ShellWord& word) const {
  // A process substitution: its commands are checked on their own.
  if (word.dynamic && word.text.starts_with(">(")) return std::nullopt;
  const auto paths = resolve(word);
  if (paths.empty()) return unknown_path(word);
  for (const auto& path : paths) {
    if (is_stream(path)) continue;
    const auto target = word.glob ? split_glob(path) : GlobTarget{path, {}, false};
    if (path_within("/dev", path) || path_within("/proc", path) || path_within("/sys", path))
      return deny("device", "'" + word.text + "' is a device or the kernel's", word);
    if (target.climbs || !may_write(target.folder))
      return deny("write-outside",
                  "'" + word.text + "' is outside the workspace (or is the repository's own)",
                  word);
  }
  return std::nullopt;
}

Objection Checker::writes(const Words& words) const {
  for (const auto& word : words)
    if (auto objection = writes(word)) return objection;
  return std::nullopt;
}

Objection Checker::deletes(const ShellWord& word, bool whole) const {
  const auto paths = resolve(word);
  if (paths.empty()) return unknown_path(word);
  for (const auto& path : paths) {
    const auto target = split_glob(path);
    const bool glob = !target.pattern.empty() && (word.glob || word.dynamic);
    const auto& place = glob ? target.folder : path;
    const auto below_root = [&](const std::string& root) { return path_below(root, place); };
    const bool is_root = place == context_.workspace || one_of(place, context_.scratch);
    const bool takes_all = glob ? whole && is_root && is_bare_glob(target.pattern) : is_root;
    const bool inside = is_root || below_root(context_.workspace) ||
                        std::any_of(context_.scratch.begin(), context_.scratch.end(), below_root);
    const bool above = path_below(place, context_.workspace);
    if (!inside || above || (glob && target.climbs))
      return deny("delete",
                  "'" + word.text + "' is outside the workspace; delete only what is inside", word);
    if (takes_all)
      return deny("delete", "'" + word.text + "' is the workspace itself; name what is to go",
                  word);
    if (!may_write(place))
      return deny("delete", "'" + word.text + "' belongs to the repository or the engine", word);
  }
  return std::nullopt;
}

Objection Checker::copies_tree(const ShellWord& word) const {
  for (const auto& path : resolve(word)) {
    const auto place = split_glob(path).pattern.empty() ? path : split_glob(path).folder;
    if (path_within(place, context_.home) && !path_within(context_.workspace, place))
      return deny("credentials", "'" + word.text + "' holds a person's files", word);
    if (one_of(place, {"/", "/etc", "/home", "/root"}))
      return deny("credentials", "'" + word.text + "' holds credentials", word);
  }
  return std::nullopt;
}

// ---- one command
// ---------------------------------------------------------------------------------------

Objection Checker::name_known(const ShellWord& name) const {
  if (name.dynamic || name.glob || name.tilde)
    return ask(
        "dynamic-command",
        "which command '" + name.text + "' is, is not known before it runs; write its name out",
        name);
  if (name.text.empty()) return deny("dynamic-command", "the command has an empty name", name);
  // The grammar takes "! while ..." and "time { ...; }" for commands of that name: what is inside
  // would go unseen.
  static const auto reserved = names(
      "if then elif else fi do done case esac while until for select in function coproc { } !");
  if (one_of(name.text, reserved))
    return deny(
        "parse",
        "'" + name.text + "' at this place cannot be checked; write the command more simply", name);
  return std::nullopt;
}

Objection Checker::secret(const ShellWord& word, std::string_view text) const {
  ShellWord part = word;
  part.text = text;
  part.tilde = text.starts_with('~') && (word.tilde || text.size() != word.text.size());
  auto paths = resolve(part);
  // Even where the folder is not known, the name may say enough.
  if (paths.empty() && !text.empty()) {
    std::string rest(text);
    std::erase(rest, '"');
    replace_variable(rest, "HOME", context_.home);
    paths.push_back(absolute_path("/unknown", rest));
  }
  for (const auto& path : paths) {
    if (is_protected(path)) return deny("protected", "'" + word.text + "' is not for agents", word);
    // Where the workspace itself lies says nothing about what is in it.
    const bool own = path_within(context_.workspace, path);
    const auto seen = own ? join_path("/workspace", relative_to(context_.workspace, path)) : path;
    if (is_secret_path(seen, word.glob && !own, context_.home) ||
        (!own && is_home_key(path, context_.home)))
      return deny("credentials", "'" + word.text + "' holds credentials or a person's history",
                  word);
    if (is_env_file(path, word.glob))
      return deny("credentials",
                  "'" + word.text + "' holds secrets; read its example, or ask the user", word);
  }
  return std::nullopt;
}

/// Looks at each word, and at what may be a path inside it: "--file=PATH", "@PATH", "-fPATH",
/// "a:PATH".
Objection Checker::secrets(const Words& words) const {
  static const auto only_names = names("echo printf");
  static const auto harmless = names("ls stat test [ rm touch basename dirname mkdir");
  if (words.empty() || one_of(command_name(words[0]), only_names)) return std::nullopt;
  const bool is_harmless = one_of(command_name(words[0]), harmless);
  for (const auto& word : words) {
    std::vector<std::string_view> parts{word.text};
    const std::string_view text = word.text;
    for (const char mark : {'=', '@', ':'})
      if (const auto at = text.find(mark); at != npos) {
        parts.push_back(text.substr(at + 1));
        if (at > 0) parts.push_back(text.substr(0, at));
      }
    if (text.starts_with('-'))
      if (const auto at = text.find_first_of("/~"); at != npos) parts.push_back(text.substr(at));
    for (const auto part : parts) {
      auto objection = secret(word, part);
      if (objection && is_harmless && is_env_file(part, word.glob)) continue;
      if (objection) return objection;
    }
  }
  return std::nullopt;
}

Objection Checker::redirects(const ShellCommand& command) const {
  for (const auto& redirect : command.redirects) {
    if (redirect.op == "<<" || redirect.op == "<<<") continue;
    const auto& target = redirect.target;
    if (target.text.starts_with("/dev/tcp/") || target.text.starts_with("/dev/udp/"))
      return deny("network", "the shell's own sockets are not for agents; use curl", target);
    if (writes_file(redirect))
      if (auto objection = writes(target)) return objection;
    if (auto objection = secret(target, target.text)) return objection;
  }
  return std::nullopt;
}

/// Variables that make innocent commands do something else.
Objection Checker::assignments(const Words& assignments) const {
  static const auto loaded = names(
      "LD_PRELOAD LD_AUDIT BASH_ENV PROMPT_COMMAND CDPATH IFS GIT_DIR GIT_WORK_TREE "
      "GIT_SSH GIT_SSH_COMMAND GIT_EXTERNAL_DIFF GIT_PAGER GIT_EDITOR GIT_INDEX_FILE "
      "GIT_OBJECT_DIRECTORY "
      "GIT_CONFIG GIT_CONFIG_GLOBAL GIT_CONFIG_SYSTEM GIT_CONFIG_COUNT GIT_CONFIG_PARAMETERS "
      "GIT_ASKPASS "
      "GIT_PROXY_COMMAND GIT_EXEC_PATH GIT_TEMPLATE_DIR MUSTER_SOCKET HOME PWD OLDPWD SHELLOPTS "
      "BASHOPTS");
  for (const auto& word : assignments) {
    const auto equals = word.text.find_first_of("=+[");
    const auto name = word.text.substr(0, equals);
    // "IFS= read -r line" is how one reads lines; it ends with the command.
    if (name == "IFS" && !command_->words.empty() && command_->words[0].text == "read") continue;
    if (one_of(name, loaded))
      return deny("environment", "setting " + name + " changes what later commands mean", word);
    if (equals == npos) continue;
    if (auto objection = secret(word, std::string_view(word.text).substr(equals + 1)))
      return objection;
  }
  return std::nullopt;
}

Objection Checker::command_words(const Words& words) {
  if (words.empty()) return std::nullopt;
  if (auto objection = name_known(words[0])) return objection;
  const auto name = command_name(words[0]);
  // What would be deleted is the better reason than what a glob might read.
  if (one_of(name, {"rm", "rmdir", "unlink", "shred", "dd"}))
    if (auto objection = check_files(*this, name, words)) return objection;
  auto system = check_system(*this, name, words);
  if (system && system->verdict == Verdict::deny) return system;
  if (auto objection = secrets(words)) return objection;
  if (system) return system;

  if (auto objection = check_runners(*this, name, words)) return objection;
  if (name == "git") return check_git(*this, words);
  return check_files(*this, name, words);
}

Objection Checker::text(const ShellWord& word) {
  if (word.dynamic)
    return deny("dynamic-command", "the text that a shell would run is not known before it runs",
                word);
  if (depth_ >= max_depth || !context_.parse)
    return deny("parse", "nested shell text cannot be checked here; run the command directly",
                word);
  const auto parsed = context_.parse(word.text);
  if (!parsed) return deny("parse", "nested shell text: " + parsed.error().message, word);
  const auto folders = here_->unknown ? std::set<std::string>{} : here_->now;
  Checker nested(context_, folders, depth_ + 1);
  return nested.program(*parsed);
}

/// Follows "cd": commands behind "&&" run in the new folder for sure, others maybe.
void Checker::enter_folder(const Words& words, const ShellProgram& program, std::size_t at) {
  const auto name = words.empty() ? std::string() : command_name(words[0]);
  const auto& command = program.commands[at];
  Folders& folders = folders_of(command.scope);
  if (name == "popd") folders.unknown = true;
  if (name != "cd" && name != "pushd" && name != "chdir") return;
  const auto target = read_options(words, "").operands;
  std::set<std::string> next;
  if (target.size() == 1 && target[0].text != "-" && !target[0].glob)
    for (const auto& path : resolve(target[0])) next.insert(path);
  const bool was_unknown = folders.unknown;
  const bool absolute = target.size() == 1 && (target[0].text.starts_with('/') || target[0].tilde);
  const bool chained = at + 1 < program.commands.size() &&
                       program.commands[at + 1].joined_by == "&&" &&
                       program.commands[at + 1].scope == command.scope && command.top_level &&
                       command.function.empty() && !command.reads_pipe && !command.negated;
  folders.unknown = next.empty() || (was_unknown && !(chained && absolute));
  folders.before.insert(folders.now.begin(), folders.now.end());
  if (!chained) next.insert(folders.before.begin(), folders.before.end());
  folders.now = std::move(next);
}

Objection Checker::one_command(const ShellProgram& program, std::size_t at) {
  const auto& command = program.commands[at];
  command_ = &command;
  at_ = at;
  Folders& folders = folders_of(command.scope);
  here_ = &folders;
  const bool chain_goes_on =
      command.joined_by == "&&" || command.joined_by == "|" || command.joined_by == "|&";
  if (!chain_goes_on || !command.top_level) {
    folders.now.insert(folders.before.begin(), folders.before.end());
    folders.before.clear();
  }
  if (auto objection = assignments(command.assignments)) return objection;
  if (auto objection = redirects(command)) return objection;
  if (auto objection = command_words(command.words)) return objection;
  enter_folder(command.words, program, at);
  return std::nullopt;
}

namespace {

/// A function that can reach itself: the shape of a fork bomb, and of nothing that an agent needs.
Objection recursion(const ShellProgram& program) {
  std::map<std::string, std::set<std::string>> calls;
  for (const auto& command : program.commands)
    for (const auto& word : command.words)
      if (!command.function.empty() && one_of(word.text, program.functions))
        calls[command.function].insert(word.text);
  for (const auto& name : program.functions) {
    std::set<std::string> reached;
    std::vector<std::string> open{name};
    while (!open.empty()) {
      const auto next = open.back();
      open.pop_back();
      for (const auto& called : calls[next])
        if (reached.insert(called).second) open.push_back(called);
    }
    if (reached.contains(name))
      return deny("fork-bomb", "the function '" + name + "' calls itself",
                  {name, false, false, false});
  }
  return std::nullopt;
}

}  // namespace

Objection Checker::program(const ShellProgram& program) {
  if (program.has_error)
    return deny(
        "parse",
        "the command does not parse; check its quotes and brackets, or write a script file");
  program_ = &program;
  if (auto objection = recursion(program)) return objection;
  static const auto builtins = names("cd pushd popd chdir command builtin exec eval");
  for (const auto& name : program.functions)
    if (one_of(name, builtins))
      return deny("environment", "a function may not take the name of '" + name + "'",
                  {name, false, false, false});
  Objection softest;
  for (std::size_t at = 0; at < program.commands.size(); ++at) {
    auto objection = one_command(program, at);
    if (objection && objection->verdict == Verdict::deny) return objection;
    if (objection && !softest) softest = objection;
  }
  return softest;
}

}  // namespace muster::policy
