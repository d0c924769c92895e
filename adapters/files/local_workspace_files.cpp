#include "adapters/files/local_workspace_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "adapters/files/file_io.hpp"
#include "adapters/files/line_reader.hpp"
#include "adapters/files/listing.hpp"
#include "adapters/files/replace_files.hpp"
#include "adapters/files/ripgrep.hpp"
#include "adapters/files/text_edit.hpp"
#include "adapters/files/tree_path.hpp"
#include "runtime/core/glob.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/core/text.hpp"

namespace muster::files {
namespace {

/// A path of an agent: where it leads, and under which name it is shown.
struct Place {
  ResolvedPath where;
  std::string shown;
};

Error at(Error error, const std::string& path) {
  error.context = valid_utf8(path);
  return error;
}

std::string without_leading_dots(std::string path) {
  while (path.starts_with("./")) path.erase(0, 2);
  return path;
}

}  // namespace

class LocalWorkspaceFiles::Impl {
 public:
  Impl(LocalFilesOptions options, TreeRoot root, FilePolicy policy)
      : options_(std::move(options)),
        root_(std::move(root)),
        policy_(std::move(policy)),
        ripgrep_({.binary = options_.ripgrep, .timeout = options_.search_timeout}) {}

  [[nodiscard]] const Ripgrep& ripgrep() const { return ripgrep_; }
  [[nodiscard]] const TreeRoot& root() const { return root_; }
  [[nodiscard]] bool refused(const std::string& path) const {
    return policy_.refusal(path).has_value();
  }

  Result<Place> find(const std::string& path) const;
  Result<Place> find_for_writing(const std::string& path) const;
  Result<UniqueFd> folder(const Place& place) const;
  Result<OpenFile> writable(const Place& place) const;
  Result<std::string> old_content(const Place& place, OpenFile& file) const;
  Result<WriteReceipt> put(const Place& place, std::string_view content,
                           const std::optional<OpenFile>& old) const;
  /// put(), if the syntax gate lets it pass.
  Result<WriteReceipt> put_valid(const Place& place, const std::string& content,
                                 const std::optional<std::string>& before,
                                 const std::optional<OpenFile>& old) const;
  /// What the agent should know of a content; malformed when the syntax gate refuses it.
  Result<std::string> judged(const std::string& path, const std::optional<std::string>& before,
                             const std::string& content) const;
  /// What a rewrite of one file would come to; refused when it may not be made.
  Result<WriteReceipt> checked_rewrite(const FileRewrite& rewrite) const;
  [[nodiscard]] std::size_t max_file_bytes() const { return options_.max_file_bytes; }

 private:
  /// The linked folder that a path starts with, and what is left of it.
  [[nodiscard]] std::optional<std::pair<std::string, std::string>> linked(
      const std::string& path) const;
  Result<Place> checked(ResolvedPath where, const std::string& prefix,
                        const std::string& asked) const;

  LocalFilesOptions options_;
  TreeRoot root_;
  FilePolicy policy_;
  Ripgrep ripgrep_;
};

std::optional<std::pair<std::string, std::string>> LocalWorkspaceFiles::Impl::linked(
    const std::string& path) const {
  const std::string full = absolute_path(root_.path(), path);
  for (const auto& entry : options_.linked) {
    const std::string inside = join_path(root_.path(), entry.first);
    if (path_within(inside, full)) return std::pair{entry.first, relative_to(inside, full)};
  }
  return std::nullopt;
}

Result<Place> LocalWorkspaceFiles::Impl::checked(ResolvedPath where, const std::string& prefix,
                                                 const std::string& asked) const {
  Place place{std::move(where), ""};
  place.shown = join_path(prefix, place.where.path);
  if (const auto reason = policy_.refusal(place.shown))
    return Error{ErrorCode::permission_denied, *reason, valid_utf8(asked)};
  return place;
}

Result<Place> LocalWorkspaceFiles::Impl::find(const std::string& path) const {
  const std::string asked = path.empty() ? "." : path;
  if (const auto link = linked(asked); link && asked.find('\0') == std::string::npos) {
    auto target = TreeRoot::open(options_.linked.at(link->first));
    if (!target) return at(target.error(), path);
    auto where = target->resolve(link->second.empty() ? "." : link->second);
    if (!where) return at(where.error(), path);
    return checked(std::move(*where), link->first, path);
  }
  auto where = root_.resolve(asked);
  if (!where) return at(where.error(), path);
  return checked(std::move(*where), "", path);
}

Result<Place> LocalWorkspaceFiles::Impl::find_for_writing(const std::string& path) const {
  // Refused by name before a folder is made for it, and again by where it really leads.
  const std::string lexical = relative_to(root_.path(), absolute_path(root_.path(), path));
  if (const auto reason = policy_.refusal(lexical))
    return Error{ErrorCode::permission_denied, *reason, valid_utf8(path)};
  auto where = root_.resolve(path, TreeRoot::Missing::make_folders);
  if (!where) return at(where.error(), path);
  if (where->name == ".")
    return Error{ErrorCode::invalid_argument, "it is a folder", valid_utf8(path)};
  return checked(std::move(*where), "", path);
}

Result<UniqueFd> LocalWorkspaceFiles::Impl::folder(const Place& place) const {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd{::openat(place.where.folder.get(), place.where.name.c_str(), flags)};
  if (!fd) return file_error(errno, "cannot open the folder", place.shown);
  return fd;
}

Result<OpenFile> LocalWorkspaceFiles::Impl::writable(const Place& place) const {
  auto opened = open_file(place.where);
  if (opened && (opened->info.st_mode & 0222U) == 0)
    return Error{ErrorCode::permission_denied, "the file is read-only", place.shown};
  return opened;
}

Result<std::string> LocalWorkspaceFiles::Impl::old_content(const Place& place,
                                                           OpenFile& file) const {
  auto opened = writable(place);
  if (!opened) return opened.error();
  file = std::move(*opened);
  return read_whole(file, place.shown, options_.max_file_bytes);
}

Result<WriteReceipt> LocalWorkspaceFiles::Impl::put(const Place& place, std::string_view content,
                                                    const std::optional<OpenFile>& old) const {
  if (content.size() > options_.max_file_bytes)
    return Error{ErrorCode::limit_reached,
                 "larger than " + std::to_string(options_.max_file_bytes) + " bytes", place.shown};
  WriteReceipt receipt;
  receipt.path = place.shown;
  receipt.digest_after = sha256_hex(content);
  std::optional<struct stat> expected;
  if (old) {
    auto digest = digest_of(*old, place.shown);
    if (!digest) return digest.error();
    receipt.digest_before = *digest;
    expected = old->info;
  }
  if (auto done = replace_file(place.where, content, expected); !done) return done.error();
  return receipt;
}

LocalWorkspaceFiles::LocalWorkspaceFiles(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LocalWorkspaceFiles::~LocalWorkspaceFiles() = default;

Result<std::unique_ptr<LocalWorkspaceFiles>> LocalWorkspaceFiles::open(LocalFilesOptions options) {
  auto root = TreeRoot::open(options.root);
  if (!root) return root.error();
  auto policy = FilePolicy::compile(options.patterns);
  if (!policy) return policy.error();
  auto impl = std::make_unique<Impl>(std::move(options), std::move(*root), std::move(*policy));
  return std::unique_ptr<LocalWorkspaceFiles>{new LocalWorkspaceFiles{std::move(impl)}};
}

Result<ToolText> LocalWorkspaceFiles::read(const std::string& path, int first, int count) {
  auto place = impl_->find(path);
  if (!place) return place.error();
  auto file = open_file(place->where);
  if (!file) return file.error();
  return read_lines(*file, place->shown, first, count);
}

Result<WriteReceipt> LocalWorkspaceFiles::Impl::put_valid(
    const Place& place, const std::string& content, const std::optional<std::string>& before,
    const std::optional<OpenFile>& old) const {
  auto note = judged(place.shown, before, content);
  if (!note) return note.error();
  auto receipt = put(place, content, old);
  if (receipt) receipt->note = std::move(*note);
  return receipt;
}

Result<std::string> LocalWorkspaceFiles::Impl::judged(const std::string& path,
                                                      const std::optional<std::string>& before,
                                                      const std::string& content) const {
  if (!options_.syntax || looks_binary(content)) return std::string();
  auto note = options_.syntax->judge(root_.path(), path, before, content);
  if (!note) return at(note.error(), path);
  return note;
}

Result<WriteReceipt> LocalWorkspaceFiles::Impl::checked_rewrite(const FileRewrite& rewrite) const {
  auto place = find(rewrite.path);  // makes no folders
  if (!place) return place.error();
  auto target = find_for_writing(rewrite.path);  // not in a linked folder
  if (!target) return target.error();
  if (auto file = writable(*target); !file) return file.error();
  if (rewrite.after.size() > options_.max_file_bytes)
    return Error{ErrorCode::limit_reached,
                 "larger than " + std::to_string(options_.max_file_bytes) + " bytes", place->shown};
  auto note = judged(place->shown, rewrite.before, rewrite.after);
  if (!note) return note.error();
  return WriteReceipt{place->shown, sha256_hex(rewrite.before), sha256_hex(rewrite.after),
                      std::move(*note)};
}

Result<WriteReceipt> LocalWorkspaceFiles::write(const std::string& path,
                                                const std::string& content) {
  auto place = impl_->find_for_writing(path);
  if (!place) return place.error();
  OpenFile file;
  auto old = impl_->old_content(*place, file);
  if (!old && old.error().code == ErrorCode::not_found)
    return impl_->put_valid(*place, content, std::nullopt, std::nullopt);
  // A file too large to edit may still be replaced as a whole.
  if (!old && old.error().code != ErrorCode::limit_reached) return old.error();
  const bool crlf = old && uses_crlf(*old) && content.find('\r') == std::string::npos;
  return impl_->put_valid(*place, crlf ? to_crlf(content) : content,
                          old ? std::optional(*old) : std::nullopt, std::move(file));
}

Result<WriteReceipt> LocalWorkspaceFiles::edit(const std::string& path, const std::string& old_text,
                                               const std::string& new_text, bool all) {
  auto place = impl_->find(path);
  if (!place) return place.error();
  // Linked folders can be read, not written.
  auto target = impl_->find_for_writing(path);
  if (!target) return target.error();
  OpenFile file;
  auto old = impl_->old_content(*target, file);
  if (!old) return old.error();
  if (looks_binary(*old))
    return Error{ErrorCode::invalid_argument, "it is a binary file", target->shown};
  auto edited = edit_text(*old, old_text, new_text, all);
  if (!edited) return at(edited.error(), target->shown);
  return impl_->put_valid(*target, *edited, *old, std::move(file));
}

Result<std::vector<WriteReceipt>> LocalWorkspaceFiles::rewrite(
    const std::vector<FileRewrite>& rewrites) {
  std::vector<WriteReceipt> receipts;
  for (const auto& one : rewrites) {
    auto receipt = impl_->checked_rewrite(one);
    if (!receipt) return receipt.error();
    receipts.push_back(std::move(*receipt));
  }
  if (auto done = replace_files(impl_->root().path(), rewrites); !done) return done.error();
  return receipts;
}

Result<std::vector<std::string>> LocalWorkspaceFiles::files(const std::string& path) {
  auto place = impl_->find(path);
  if (!place) return place.error();
  struct stat info {};
  if (::fstatat(place->where.folder.get(), place->where.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) !=
      0)
    return file_error(errno, "cannot look at it", place->shown);
  if (!S_ISDIR(info.st_mode)) return std::vector<std::string>{place->shown};
  auto folder = impl_->folder(*place);
  if (!folder) return folder.error();
  auto found = impl_->ripgrep().files(folder->get());
  if (!found) return found.error();
  if (found->truncated)
    return Error{ErrorCode::limit_reached, "too many files; name a folder", place->shown};
  std::vector<std::string> out;
  for (const auto& file : found->paths)
    if (auto shown = join_path(place->shown, file); !impl_->refused(shown)) out.push_back(shown);
  return out;
}

Result<ToolText> LocalWorkspaceFiles::list(const std::string& path, int depth) {
  auto place = impl_->find(path);
  if (!place) return place.error();
  auto folder = impl_->folder(*place);
  if (!folder) return folder.error();
  auto files = impl_->ripgrep().files(folder->get());
  if (!files) return files.error();
  return folder_text(folder->get(), *files, depth);
}

Result<ToolText> LocalWorkspaceFiles::glob(const std::string& pattern) {
  const std::string below = without_leading_dots(relative_to(impl_->root().path(), pattern));
  if (below.starts_with("/") || below.find('\0') != std::string::npos)
    return Error{ErrorCode::invalid_argument, "the pattern must be inside of the working tree",
                 valid_utf8(pattern)};
  // A pattern for names alone is meant for every folder.
  auto glob = Glob::compile(below.find('/') == std::string::npos ? "**/" + below : below);
  if (!glob) return glob.error();
  auto root = impl_->find(".");
  if (!root) return root.error();
  auto folder = impl_->folder(*root);
  if (!folder) return folder.error();
  auto files = impl_->ripgrep().files(folder->get());
  if (!files) return files.error();
  std::erase_if(files->paths, [&](const std::string& path) { return !glob->matches(path); });
  return paths_text(*files);
}

Result<ToolText> LocalWorkspaceFiles::grep(const std::string& pattern, const std::string& path,
                                           const std::string& include) {
  if (pattern.empty() || pattern.find('\0') != std::string::npos ||
      include.find('\0') != std::string::npos)
    return Error{ErrorCode::invalid_argument, "the pattern is empty or has a NUL byte"};
  auto place = impl_->find(path);
  if (!place) return place.error();
  struct stat info {};
  const int flags = AT_SYMLINK_NOFOLLOW;
  if (::fstatat(place->where.folder.get(), place->where.name.c_str(), &info, flags) != 0)
    return file_error(errno, "cannot search", place->shown);
  if (!S_ISDIR(info.st_mode)) {
    auto content = slurp(path, impl_->max_file_bytes());
    if (!content) return content.error();
    auto found =
        impl_->ripgrep().search_text(content->value_or(""), pattern, {max_shown_matches, {}});
    if (!found) return found.error();
    for (GrepMatch& match : found->matches) match.path = place->shown;
    return matches_text(*found);
  }
  auto folder = impl_->folder(*place);
  if (!folder) return folder.error();
  const auto visible = [&](const std::string& file) {
    return !impl_->refused(join_path(place->shown, file));
  };
  auto found =
      impl_->ripgrep().search(folder->get(), pattern, include, {max_shown_matches, visible});
  if (!found) return found.error();
  for (GrepMatch& match : found->matches) match.path = join_path(place->shown, match.path);
  return matches_text(*found);
}

Result<std::optional<std::string>> LocalWorkspaceFiles::slurp(const std::string& path,
                                                              std::size_t max_bytes) {
  auto place = impl_->find(path);
  if (!place && place.error().code == ErrorCode::not_found) return std::optional<std::string>{};
  if (!place) return place.error();
  auto file = open_file(place->where);
  if (!file && file.error().code == ErrorCode::not_found) return std::optional<std::string>{};
  if (!file) return file.error();
  auto content = read_whole(*file, place->shown, max_bytes);
  if (!content) return content.error();
  return std::optional<std::string>{std::move(*content)};
}

}  // namespace muster::files
