#include "adapters/git/private_repository.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

#include "adapters/git/state_files.hpp"

namespace muster::git {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t most_remembered = 4096;     // commits, and differences
constexpr std::size_t kMostContent = 48U << 20U;  // of files that are read at once

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) line += (c == '\n' || c == '\r' || c == '\0') ? ' ' : c;
  while (!line.empty() && line.back() == ' ') line.pop_back();
  const std::size_t first = line.find_first_not_of(' ');
  return first == std::string::npos ? "" : line.substr(first);
}

std::string without_nul(std::string_view text) {
  std::string clean{text};
  std::erase(clean, '\0');
  while (!clean.empty() && (clean.back() == '\n' || clean.back() == ' ')) clean.pop_back();
  return clean;
}

std::string trailer_key(std::string_view text) {
  std::string key;
  for (const char c : text) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    key += word ? c : '-';
  }
  return key;
}

/// A workspace path as a line of info/exclude: anchored, and no character of it is a pattern.
std::string exclude_line(std::string_view path) {
  std::string line = "/";
  for (const char c : path) {
    if (std::string_view{"*?[]\\!# "}.find(c) != std::string_view::npos) line += '\\';
    line += c;
  }
  return line + "\n";
}

std::string c_quoted(std::string_view path) {
  std::string text = "\"";
  for (const char c : path) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}

/// The file of patterns that the user's own git ignores by, in every repository of theirs.
std::string global_excludes(const Git& git, const GitContext& anywhere) {
  const char* xdg = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') {
    auto named = git.line(anywhere, {"config", "--file", std::string{home} + "/.gitconfig",
                                     "--includes", "--type=path", "core.excludesFile"});
    if (named && !named->empty()) return *named;
  }
  if (xdg != nullptr && *xdg != '\0') return std::string{xdg} + "/git/ignore";
  if (home != nullptr && *home != '\0') return std::string{home} + "/.config/git/ignore";
  return "";
}

std::string text_or_nothing(const std::string& path) {
  auto content = read_small_file(path, 1U << 20U);
  if (!content || !*content) return "";
  std::string text = std::move(**content);
  if (!text.empty() && text.back() != '\n') text += '\n';
  return text;
}

/// A shallow clone's boundary must be known here too, or git looks for parents that do not exist.
Status copy_shallow(const UserRepository* user, const std::string& folder) {
  std::optional<std::string> content;
  if (user != nullptr) {
    auto read = read_small_file(user->common_dir() + "/shallow");
    if (!read) return read.error();
    content = std::move(*read);
  }
  const std::string target = folder + "/shallow";
  if (content) return write_file_atomically(target, *content);
  if (::unlink(target.c_str()) != 0 && errno != ENOENT)
    return errno_error(errno, "cannot remove", target);
  return ok_status();
}

/// Exclude lines of these folders and of all that were ever given: whoever opens a mission with
/// fewer must not turn the links in another's trees into content.
Result<std::string> remember_linked(const std::string& file,
                                    const std::vector<std::string>& folders) {
  std::string lines = text_or_nothing(file);
  const std::size_t before = lines.size();
  for (const std::string& path : folders) {
    const std::string line = exclude_line(path);
    if (("\n" + lines).find("\n" + line) == std::string::npos) lines += line;
  }
  if (lines.size() == before) return lines;
  if (auto put = write_file_atomically(file, lines); !put) return put.error();
  return lines;
}

std::string next_token(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  std::string token{rest.substr(0, end)};
  rest.remove_prefix(std::min(rest.size(), end + 1));
  return token;
}

/// "tree:path", as git names a file of a tree.
std::vector<std::string> names_in(const std::string& tree, const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  out.reserve(paths.size());
  for (const auto& path : paths) out.push_back(tree + ":" + path);
  return out;
}

/// Takes one answer of cat-file: "<id> blob <size>", or the name and " missing".
std::optional<std::size_t> next_blob_size(std::string_view& rest, const std::string& path) {
  const auto head = next_token(rest, '\n');
  const auto blank = head.find(' ');
  if (blank == std::string::npos || !head.substr(blank).starts_with(" blob ") ||
      head.substr(0, blank).find(':') != std::string::npos) {
    // A name with line breaks comes back with them.
    for (auto breaks = std::count(path.begin(), path.end(), '\n'); breaks > 0; --breaks)
      next_token(rest, '\n');
    return std::nullopt;
  }
  std::size_t size = 0;
  std::from_chars(head.data() + blank + 6, head.data() + head.size(), size);
  return size;
}

int count_of(const std::string& text) {
  if (text == "-" || text.empty()) return -1;
  return static_cast<int>(std::min(2'000'000'000L, std::strtol(text.c_str(), nullptr, 10)));
}

char status_of(const TreeChange& change) {
  if (change.from.absent()) return 'A';
  if (change.to.absent()) return 'D';
  return change.from.mode.substr(0, 3) == change.to.mode.substr(0, 3) ? 'M' : 'T';
}

/// Cuts at the end of a line, so that neither a line nor a character is torn.
std::size_t bytes_of(const Diff& diff) {
  auto bytes = diff.patch.size();
  for (const FileChange& file : diff.files) bytes += sizeof file + file.path.size();
  return bytes;
}

void cut_patch(Diff& diff, std::size_t max_bytes) {
  if (diff.patch.size() <= max_bytes) return;
  const std::size_t end =
      max_bytes == 0 ? std::string::npos : diff.patch.rfind('\n', max_bytes - 1);
  diff.patch.resize(end == std::string::npos ? 0 : end + 1);
  diff.truncated = true;
}

/// Takes the entries from the front of `text`.
std::vector<TreeChange> take_raw_diff(std::string_view& text) {
  std::vector<TreeChange> changes;
  while (!text.empty() && text.front() == ':') {
    text.remove_prefix(1);
    TreeChange change;
    change.from.mode = next_token(text, ' ');
    change.to.mode = next_token(text, ' ');
    change.from.object = next_token(text, ' ');
    change.to.object = next_token(text, ' ');
    next_token(text, '\0');  // the status letter: the modes say it
    change.path = next_token(text, '\0');
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace

std::vector<TreeChange> parse_raw_diff(std::string_view text) { return take_raw_diff(text); }

std::string commit_message(const CommitInfo& info) {
  const std::string subject = one_line(info.subject);
  std::string text = subject.empty() ? "Changes" : subject;
  const std::string body = without_nul(info.body);
  if (!body.empty()) text += "\n\n" + body;
  text += "\n";
  if (!info.trailers.empty()) text += "\n";
  for (const auto& [key, value] : info.trailers)
    text += trailer_key(key) + ": " + one_line(value) + "\n";
  return text;
}

std::string alternates_lines(const std::vector<std::string>& folders) {
  std::string text;
  for (const std::string& folder : folders) text += c_quoted(folder) + "\n";
  return text;
}

GitContext PrivateRepository::context() const {
  GitContext context;
  context.git_dir = folder_;
  return context;
}

GitContext PrivateRepository::context(const std::string& work_tree,
                                      const std::string& index) const {
  GitContext context;
  context.git_dir = folder_;
  context.work_tree = work_tree;
  context.index = index;
  return context;
}

/// Aside, then renamed: git does not finish what a killed `init` began.
Status PrivateRepository::make(const std::string& format) const {
  const std::string aside = folder_ + ".new";
  if (auto gone = remove_tree(aside); !gone) return gone;
  if (auto gone = remove_tree(folder_); !gone) return gone;
  if (auto made = make_folders(aside); !made) return made;
  GitContext context;
  context.git_dir = aside;
  auto init =
      git_.ok(context, {"init", "-q", "--bare", "--template=", "--object-format=" + format, aside});
  if (!init) return init;
  if (::rename(aside.c_str(), folder_.c_str()) != 0)
    return errno_error(errno, "cannot rename", aside);
  return ok_status();
}

Status PrivateRepository::prepare(const UserRepository* user,
                                  const std::vector<std::string>& excluded) {
  std::string format = "sha1";
  if (user != nullptr) {
    auto found = user->object_format();
    if (!found) return found.error();
    format = *found;
  }
  struct stat info {};
  if (::stat((folder_ + "/HEAD").c_str(), &info) != 0) {
    if (auto made = make(format); !made) return made;
  }
  auto ours = git_.line(context(), {"rev-parse", "--show-object-format"});
  if (!ours) return ours.error();
  if (*ours != format)
    return Error{ErrorCode::conflict,
                 "the workspace's repository uses " + format + " now, its missions use " + *ours,
                 folder_};
  if (auto made = make_folders(folder_ + "/info"); !made) return made;
  if (auto made = make_folders(folder_ + "/objects/info"); !made) return made;
  std::string excludes = text_or_nothing(global_excludes(git_, context()));
  std::vector<std::string> borrowed;
  if (user != nullptr) {
    excludes += text_or_nothing(user->common_dir() + "/info/exclude");
    borrowed.push_back(user->objects());
  }
  auto linked = remember_linked(folder_ + "/info/linked", excluded);
  if (!linked) return linked.error();
  // What a file write leaves in a tree when the engine is killed in the middle of it is no content.
  excludes += "/.muster/\n.muster-*.tmp\n" + *linked;
  if (auto put = write_file_atomically(folder_ + "/info/exclude", excludes); !put) return put;
  if (auto put = copy_shallow(user, folder_); !put) return put;
  return write_file_atomically(folder_ + "/objects/info/alternates", alternates_lines(borrowed));
}

/// Most of our refs are files of their own, and a process for each look is dear. What is anything
/// else (packed, in another format) is git's to say: not sure.
PrivateRepository::LooseRef PrivateRepository::loose_ref(const std::string& name) const {
  auto text = read_small_file(folder_ + "/" + name, 200);
  if (!text) return {};
  if (!*text) {
    auto packed = read_small_file(folder_ + "/packed-refs", 1);
    return {packed && !*packed, std::nullopt};
  }
  auto commit = (*text)->substr(0, (*text)->find('\n'));
  if (!is_object_id(commit) || !(*text)->ends_with('\n')) return {};
  return {true, std::move(commit)};
}

Result<std::optional<std::string>> PrivateRepository::ref(const std::string& name) const {
  if (auto loose = loose_ref(name); loose.sure) return loose.commit;
  auto found = git_.run(context(), {"rev-parse", "-q", "--verify", name});
  if (!found) return found.error();
  if (found->exit_code != 0) return std::optional<std::string>{};
  return std::optional<std::string>{found->out.substr(0, found->out.find('\n'))};
}

/// One at a time, held by the command itself too: a lock of git's that is there at our turn was
/// left by a command that was killed.
Status PrivateRepository::update_ref(const std::string& name, std::vector<std::string> args) const {
  auto turn = FileLock::acquire(folder_ + "/muster-refs");
  if (!turn) return turn.error();
  for (const std::string& file : {name, std::string{"packed-refs"}, std::string{"HEAD"}})
    ::unlink((folder_ + "/" + file + ".lock").c_str());
  args.insert(args.begin(), "update-ref");
  return git_.ok(context(), std::move(args));
}

Status PrivateRepository::set_ref(const std::string& name, const std::string& commit,
                                  const std::string& expected) const {
  std::vector<std::string> args{name, commit};
  if (!expected.empty()) args.push_back(expected);
  return update_ref(name, std::move(args));
}

Status PrivateRepository::delete_ref(const std::string& name) const {
  return update_ref(name, {"-d", name});
}

Result<std::vector<std::pair<std::string, std::string>>> PrivateRepository::refs_below(
    const std::string& prefix) const {
  auto text = git_.out(context(), {"for-each-ref", "--format=%(objectname) %(refname)", prefix});
  if (!text) return text.error();
  std::vector<std::pair<std::string, std::string>> refs;
  for (std::string_view rest = *text; !rest.empty();) {
    std::string object = next_token(rest, ' ');
    refs.emplace_back(next_token(rest, '\n'), std::move(object));
  }
  return refs;
}

std::optional<PrivateRepository::Known::Commit> PrivateRepository::made(
    const std::string& commit) const {
  std::lock_guard lock(known_->mutex);
  auto found = known_->commits.find(commit);
  return found == known_->commits.end() ? std::nullopt : std::optional(found->second);
}

void PrivateRepository::remember(const std::string& commit, Known::Commit facts) const {
  std::lock_guard lock(known_->mutex);
  if (known_->commits.size() >= most_remembered) known_->commits.clear();
  known_->commits[commit] = std::move(facts);
}

void PrivateRepository::Known::make_room(std::size_t more) {
  constexpr std::size_t most_bytes = 8U << 20U;
  bytes += more;
  if (bytes <= most_bytes && changes.size() + diffs.size() < most_remembered) return;
  changes.clear();
  diffs.clear();
  bytes = more;
}

std::optional<std::string> PrivateRepository::known_tree(const std::string& commit) const {
  if (auto known = made(commit)) return known->tree;
  std::lock_guard lock(known_->mutex);
  auto found = known_->trees.find(commit);
  return found == known_->trees.end() ? std::nullopt : std::optional(found->second);
}

Result<std::string> PrivateRepository::tree_of(const std::string& commit) const {
  if (auto known = known_tree(commit)) return *known;
  auto resolved = resolve_commit(commit);
  if (!resolved) return resolved;
  if (auto known = known_tree(*resolved)) return *known;
  return Error{ErrorCode::internal, "git named no tree of a commit", commit};
}

/// Asks for the tree at the same time: most who want a commit want that next.
Result<std::string> PrivateRepository::resolve_commit(const std::string& commit) const {
  if (commit.empty() || commit.front() == '-')
    return Error{ErrorCode::invalid_argument, "not a commit: '" + commit + "'"};
  if (known_tree(commit)) return commit;
  auto found = git_.run(context(), {"rev-parse", commit + "^{commit}", commit + "^{tree}"});
  if (!found) return found.error();
  std::string_view rest = found->out;
  auto id = next_token(rest, '\n');
  auto tree = next_token(rest, '\n');
  if (found->exit_code != 0 || !is_object_id(id) || !is_object_id(tree))
    return Error{ErrorCode::not_found, "no such commit: " + commit};
  std::lock_guard lock(known_->mutex);
  if (known_->trees.size() >= most_remembered) known_->trees.clear();
  known_->trees[id] = std::move(tree);
  return id;
}

/// Where `branch` is a straight line of commits that were made here, and `work` is one commit on
/// it: work itself when it has landed, else its parent.
std::optional<std::string> PrivateRepository::base_on_line(std::string branch,
                                                           const std::string& work) const {
  const auto own = made(work);
  if (!own || own->parents.size() != 1) return std::nullopt;
  for (;;) {
    if (branch == work || branch == own->parents[0]) return branch;
    auto known = made(branch);
    if (!known || known->parents.size() != 1) return std::nullopt;
    branch = known->parents[0];
  }
}

Result<std::optional<std::string>> PrivateRepository::merge_base(const std::string& one,
                                                                 const std::string& other) const {
  if (auto base = base_on_line(one, other)) return base;
  auto answer = git_.run(context(), {"merge-base", one, other});
  if (!answer) return answer.error();
  if (answer->exit_code > 1) return git_error("merge-base", *answer);
  if (answer->exit_code == 1) return std::optional<std::string>();
  return std::optional(answer->out.substr(0, answer->out.find('\n')));
}

Result<bool> PrivateRepository::is_ancestor(const std::string& ancestor,
                                            const std::string& commit) const {
  if (auto known = made(commit); known && std::find(known->parents.begin(), known->parents.end(),
                                                    ancestor) != known->parents.end())
    return true;
  auto answer = git_.run(context(), {"merge-base", "--is-ancestor", ancestor, commit});
  if (!answer) return answer.error();
  if (answer->exit_code > 1) return git_error("merge-base", *answer);
  return answer->exit_code == 0;
}

Result<std::string> PrivateRepository::make_commit(const std::string& tree,
                                                   const std::vector<std::string>& parents,
                                                   const CommitInfo& info,
                                                   const std::string& reuse) const {
  GitContext context = this->context();
  context.stdin_text = commit_message(info);
  if (auto old = reuse.empty() ? std::nullopt : made(reuse)) {
    if (old->tree == tree && old->parents == parents && old->message == context.stdin_text)
      return reuse;
  } else if (!reuse.empty()) {
    std::string wanted = "tree " + tree + "\n";
    for (const std::string& parent : parents) wanted += "parent " + parent + "\n";
    auto old = git_.out(this->context(), {"cat-file", "commit", reuse});
    if (old && old->starts_with(wanted + "author ") && old->ends_with("\n\n" + context.stdin_text))
      return reuse;
  }
  std::vector<std::string> args{"commit-tree", tree};
  for (const std::string& parent : parents) {
    args.emplace_back("-p");
    args.push_back(parent);
  }
  args.emplace_back("-F");
  args.emplace_back("-");
  auto commit = git_.line(context, std::move(args));
  if (commit) remember(*commit, {tree, parents, context.stdin_text});
  return commit;
}

Result<std::vector<TreeChange>> PrivateRepository::changes(const std::string& from,
                                                           const std::string& to) const {
  const auto key = from + " " + to;
  {
    std::lock_guard lock(known_->mutex);
    if (auto found = known_->changes.find(key); found != known_->changes.end())
      return found->second;
  }
  auto raw = git_.out(context(), {"diff-tree", "-r", "-z", "--raw", "--no-renames", from, to});
  if (!raw) return raw.error();
  auto list = parse_raw_diff(*raw);
  if (!is_object_id(from) || !is_object_id(to)) return list;
  std::lock_guard lock(known_->mutex);
  known_->make_room(raw->size());
  known_->changes[key] = list;
  return list;
}

Result<std::map<std::string, std::string>> PrivateRepository::files_at(
    const std::string& tree, const std::vector<std::string>& paths, std::size_t max_bytes) const {
  std::map<std::string, std::string> out;
  if (paths.empty()) return out;
  GitContext asking = context();
  asking.stdin_text = join_nul(names_in(tree, paths));
  auto sizes = git_.out(asking, {"cat-file", "--batch-check", "-z"});
  if (!sizes) return sizes.error();
  std::vector<std::string> wanted;
  std::size_t total = 0;
  std::string_view rest = *sizes;
  for (const auto& path : paths) {
    const auto size = next_blob_size(rest, path);
    if (!size || *size > max_bytes || (total += *size) > kMostContent) continue;
    wanted.push_back(path);
  }
  if (wanted.empty()) return out;
  asking.stdin_text = join_nul(names_in(tree, wanted));
  auto contents = git_.out(asking, {"cat-file", "--batch", "-z"});
  if (!contents) return contents.error();
  rest = *contents;
  for (const auto& path : wanted) {
    const auto size = next_blob_size(rest, path);
    if (!size || *size >= rest.size())
      return Error{ErrorCode::internal, "git's list of contents is cut", path};
    out.emplace(path, rest.substr(0, *size));
    rest.remove_prefix(*size + 1);
  }
  return out;
}

std::optional<Diff> PrivateRepository::known_diff(const std::string& key,
                                                  std::size_t max_patch_bytes) const {
  std::lock_guard lock(known_->mutex);
  auto found = known_->diffs.find(key);
  if (found == known_->diffs.end()) return std::nullopt;
  if (found->second.truncated && found->second.patch.size() < max_patch_bytes) return std::nullopt;
  Diff diff = found->second;
  cut_patch(diff, max_patch_bytes);
  return diff;
}

Result<Diff> PrivateRepository::diff(const std::string& from, const std::string& to,
                                     std::size_t max_patch_bytes) const {
  if (from == to) return Diff{};
  const auto key = from + " " + to;
  if (auto known = known_diff(key, max_patch_bytes)) return *known;
  auto made = compare(from, to, max_patch_bytes);
  if (!made) return made.error();
  if (!is_object_id(from) || !is_object_id(to)) return std::move(made->diff);
  std::lock_guard lock(known_->mutex);
  known_->make_room(bytes_of(made->diff) + made->changes.size() * sizeof(TreeChange));
  known_->diffs[key] = made->diff;
  known_->changes[key] = std::move(made->changes);
  return std::move(made->diff);
}

/// Changes, line counts and patch by one command: raw entries, as many counts with a path each, a
/// NUL, the patch.
Result<PrivateRepository::Compared> PrivateRepository::compare(const std::string& from,
                                                               const std::string& to,
                                                               std::size_t max_patch_bytes) const {
  GitContext bounded = context();
  bounded.max_output += max_patch_bytes;
  std::vector<std::string> args{"diff-tree", "-r", "-z", "--raw", "--numstat", "--no-renames"};
  // Verifications ask for the counts alone, and the patch is the dear part.
  if (max_patch_bytes > 0)
    args.insert(args.end(), {"-p", "--no-ext-diff", "--no-textconv", "--no-color"});
  args.insert(args.end(), {from, to});
  auto text = git_.run(bounded, std::move(args));
  if (!text) return text.error();
  if (text->exit_code != 0) return git_error("diff-tree", *text);
  std::string_view rest = text->out;
  Compared out;
  out.changes = take_raw_diff(rest);
  Diff& diff = out.diff;
  for (const TreeChange& change : out.changes) {
    FileChange file{change.path, status_of(change), 0, 0};
    file.added = count_of(next_token(rest, '\t'));
    file.removed = count_of(next_token(rest, '\t'));
    const bool fits = next_token(rest, '\0') == change.path;
    if (!fits && text->truncated)
      return Error{ErrorCode::limit_reached, "the list of changes is too long", to};
    if (!fits)
      return Error{ErrorCode::internal, "git's line counts do not fit its list", change.path};
    diff.files.push_back(std::move(file));
  }
  if (max_patch_bytes == 0) {
    diff.truncated = !diff.files.empty();
    return out;
  }
  if (!rest.empty() && rest.front() == '\0') rest.remove_prefix(1);
  diff.patch = rest;
  diff.truncated = text->truncated;
  cut_patch(diff, max_patch_bytes);
  return out;
}

Result<MergedTree> PrivateRepository::merge(const std::string& ours,
                                            const std::string& theirs) const {
  auto done = git_.run(context(), {"merge-tree", "--write-tree", "-z", "--name-only",
                                   "--no-messages", ours, theirs});
  if (!done) return done.error();
  if (done->exit_code > 1) return git_error("merge-tree", *done);
  std::vector<std::string> parts = split_nul(done->out);
  if (parts.empty()) return git_error("merge-tree", *done);
  MergedTree merged;
  merged.tree = std::move(parts.front());
  parts.erase(parts.begin());
  std::erase(parts, "");
  merged.conflicts = std::move(parts);
  if (done->exit_code == 1 && merged.conflicts.empty())
    return Error{ErrorCode::internal, "git found a conflict in no file"};
  return merged;
}

void PrivateRepository::note_written(const std::string& work_tree, const std::string& index,
                                     const std::string& tree, bool alone) const {
  auto before = WrittenTrees::look(work_tree, excludes_file());
  before.alone = alone;
  written_->remember(work_tree, index, std::move(before), tree);
}

Result<std::optional<std::string>> PrivateRepository::unchanged(const std::string& work_tree,
                                                                const std::string& index) const {
  using Answer = std::optional<std::string>;
  auto known = written_->ask(work_tree, index, excludes_file());
  if (known.now == WrittenTrees::Now::unknown) return Answer{};
  if (known.now == WrittenTrees::Now::same) return Answer{std::move(known.tree)};
  // One command in place of the two of write_tree(): it reads what is too young to be told by its
  // times.
  auto other =
      git_.out(context(work_tree, index), {"ls-files", "-z", "-m", "-o", "--exclude-standard"});
  if (!other) return other.error();
  if (!other->empty()) return Answer{};
  written_->remember(work_tree, index, std::move(known.before), known.tree);
  return Answer{std::move(known.tree)};
}

bool PrivateRepository::same_files(const std::string& work_tree, const std::string& index) const {
  return written_->ask(work_tree, index, excludes_file()).now != WrittenTrees::Now::unknown;
}

bool PrivateRepository::is_clean(const std::string& work_tree, const std::string& index) const {
  return written_->ask(work_tree, index, excludes_file()).before.alone;
}

Result<std::string> PrivateRepository::write_tree(const std::string& work_tree,
                                                  const std::string& index) const {
  auto known = unchanged(work_tree, index);
  if (!known) return known.error();
  if (*known) return std::move(**known);
  // Taken before git looks: what changes after this moment changes the stamp.
  auto before = WrittenTrees::look(work_tree, excludes_file());
  const GitContext where = context(work_tree, index);
  if (auto added = git_.ok(where, {"add", "-A"}); !added) return added.error();
  auto tree = git_.line(where, {"write-tree"});
  if (tree)
    written_->remember(work_tree, index, std::move(before), *tree);
  else
    written_->forget(work_tree);
  return tree;
}

}  // namespace muster::git
