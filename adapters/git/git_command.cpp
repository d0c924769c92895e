#include "adapters/git/git_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <utility>

#include "adapters/git/state_files.hpp"
#include "adapters/process/run_command.hpp"
#include "runtime/core/fault_points.hpp"

namespace muster::git {
namespace {

using Setting = std::pair<std::string_view, std::string_view>;

// These win over every config file. The repositories we name have a config of our own; the list
// matters for the few commands that run inside the user's repository, whose config may be hostile.
constexpr std::array<Setting, 21> settings{{
    {"core.hooksPath", "/dev/null"},
    {"core.fsmonitor", "false"},
    {"core.attributesFile", "/dev/null"},
    {"core.editor", "false"},
    {"core.pager", "cat"},
    {"core.askPass", "false"},
    {"core.autocrlf", "false"},
    {"core.safecrlf", "false"},
    {"core.untrackedCache", "false"},
    {"core.splitIndex", "false"},
    {"core.fsync", "objects,reference"},
    {"core.fsyncMethod", "batch"},
    {"core.quotePath", "false"},
    {"commit.gpgSign", "false"},
    {"gc.auto", "0"},
    {"maintenance.auto", "false"},
    {"merge.conflictStyle", "merge"},
    {"submodule.recurse", "false"},
    {"advice.addEmbeddedRepo", "false"},
    {"advice.detachedHead", "false"},
    {"init.defaultBranch", "main"},
}};

std::map<std::string, std::string> environment(const GitContext& context) {
  std::map<std::string, std::string> env{
      {"LC_ALL", "C"},
      {"GIT_DIR", context.git_dir},
      {"GIT_CONFIG_NOSYSTEM", "1"},
      {"GIT_CONFIG_GLOBAL", "/dev/null"},
      {"GIT_ATTR_NOSYSTEM", "1"},
      {"GIT_TERMINAL_PROMPT", "0"},
      {"GIT_OPTIONAL_LOCKS", "0"},
      {"GIT_LITERAL_PATHSPECS", "1"},
      {"GIT_NO_REPLACE_OBJECTS", "1"},
      // No transport has this name: a hostile partial clone cannot make git fetch what is missing.
      {"GIT_ALLOW_PROTOCOL", "none"},
      {"GIT_NO_LAZY_FETCH", "1"},
      {"GIT_PAGER", "cat"},
      {"GIT_EDITOR", "false"},
      {"GIT_AUTHOR_NAME", "muster"},
      {"GIT_AUTHOR_EMAIL", "muster@localhost"},
      {"GIT_COMMITTER_NAME", "muster"},
      {"GIT_COMMITTER_EMAIL", "muster@localhost"},
      {"GIT_CONFIG_COUNT", std::to_string(settings.size())},
  };
  for (std::size_t i = 0; i < settings.size(); ++i) {
    env["GIT_CONFIG_KEY_" + std::to_string(i)] = settings[i].first;
    env["GIT_CONFIG_VALUE_" + std::to_string(i)] = settings[i].second;
  }
  if (!context.work_tree.empty()) env["GIT_WORK_TREE"] = context.work_tree;
  if (!context.index.empty()) env["GIT_INDEX_FILE"] = context.index;
  if (!context.object_dir.empty()) env["GIT_OBJECT_DIRECTORY"] = context.object_dir;
  if (!context.more_objects.empty()) env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = context.more_objects;
  return env;
}

/// Whatever git variables muster itself was started with (from a hook, say) are not ours.
std::vector<std::string> inherited_git_variables() {
  std::vector<std::string> names;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    if (text.starts_with("GIT_")) names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

std::string last_lines(std::string_view text, std::size_t bytes) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.size() > bytes) text.remove_prefix(text.size() - bytes);
  return std::string{text};
}

ErrorCode code_of(std::string_view err) {
  if (err.find("No space left on device") != std::string_view::npos ||
      err.find("Disk quota exceeded") != std::string_view::npos)
    return ErrorCode::no_space;
  if (err.find("Permission denied") != std::string_view::npos) return ErrorCode::permission_denied;
  return ErrorCode::io_error;
}

}  // namespace

Error git_error(const std::string& what, const GitOutput& output) {
  return Error{code_of(output.err), "git " + what + " failed (exit " +
                                        std::to_string(output.exit_code) +
                                        "): " + last_lines(output.err, 600)};
}

Git::Git(std::string binary) : binary_(binary.empty() ? "git" : std::move(binary)) {}

Result<GitOutput> Git::run(const GitContext& context, std::vector<std::string> args) const {
  CommandSpec spec;
  spec.argv = std::move(args);
  spec.argv.insert(spec.argv.begin(), binary_);
  spec.cwd = context.work_tree.empty() ? context.git_dir : context.work_tree;
  spec.env = environment(context);
  spec.unset_env = inherited_git_variables();
  std::erase_if(spec.unset_env, [&](const std::string& name) { return spec.env.contains(name); });
  spec.stdin_text = context.stdin_text;
  spec.timeout = context.timeout;
  spec.max_output = context.max_output;
  spec.held_fds = FileLock::held_here();
  MUSTER_FAULT_POINT("git.before_command");
  auto result = run_command(spec);
  MUSTER_FAULT_POINT("git.after_command");
  if (!result) {
    Error error = result.error();
    if (error.code == ErrorCode::not_found)
      error = Error{ErrorCode::unavailable, "cannot run git: " + error.text()};
    return error;
  }
  const CommandOutput& done = *result;
  if (done.signal != 0)
    return Error{ErrorCode::io_error, "git " + (spec.argv.size() > 1 ? spec.argv[1] : "") +
                                          " ended by signal " + std::to_string(done.signal)};
  return GitOutput{done.exit_code, done.out, done.err, done.truncated};
}

Result<std::string> Git::out(const GitContext& context, std::vector<std::string> args) const {
  const std::string what = args.empty() ? "" : args.front();
  auto result = run(context, std::move(args));
  if (!result) return result.error();
  if (result->exit_code != 0) return git_error(what, *result);
  if (result->truncated)
    return Error{ErrorCode::limit_reached, "git " + what + " said more than " +
                                               std::to_string(context.max_output) + " bytes"};
  return std::move(result->out);
}

Result<std::string> Git::line(const GitContext& context, std::vector<std::string> args) const {
  auto text = out(context, std::move(args));
  if (text && !text->empty() && text->back() == '\n') text->pop_back();
  return text;
}

Status Git::ok(const GitContext& context, std::vector<std::string> args) const {
  auto text = out(context, std::move(args));
  if (!text) return text.error();
  return ok_status();
}

Status Git::check_version() const {
  GitContext anywhere;
  anywhere.git_dir = "/";
  auto text = line(anywhere, {"version"});
  if (!text) return text.error();
  const std::size_t digits = text->find_first_of("0123456789");
  const char* start = digits == std::string::npos ? "" : text->c_str() + digits;
  char* end = nullptr;
  const long major = std::strtol(start, &end, 10);
  const long minor = *end == '.' ? std::strtol(end + 1, nullptr, 10) : 0;
  if (major > 2 || (major == 2 && minor >= 38)) return ok_status();
  return Error{ErrorCode::unavailable, "git 2.38 or newer is needed, this is: " + *text};
}

bool is_object_id(std::string_view text) {
  return (text.size() == 40 || text.size() == 64) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::vector<std::string> split_nul(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find('\0');
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

std::string join_nul(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    text += part;
    text += '\0';
  }
  return text;
}

}  // namespace muster::git
