#include "adapters/git/workspace_writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>

#include "adapters/git/beneath.hpp"
#include "runtime/core/fault_points.hpp"
#include "runtime/core/sha256.hpp"

namespace muster::git {
namespace fs = std::filesystem;
namespace {

using Changes = std::vector<TreeChange>;

/// Changes come sorted by git: bytewise by path.
const TreeChange* find_change(const Changes& changes, const std::string& path) {
  const auto at = std::lower_bound(
      changes.begin(), changes.end(), path,
      [](const TreeChange& change, const std::string& wanted) { return change.path < wanted; });
  return at == changes.end() || at->path != path ? nullptr : &*at;
}

/// A file in the way of this path's folder that the change itself takes away.
bool parent_goes_away(const Changes& changes, const std::string& path) {
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const TreeChange* above = find_change(changes, path.substr(0, slash));
    if (above != nullptr && above->to.absent()) return true;
  }
  return false;
}

/// True when all that a folder holds is taken away by the change itself.
bool folder_goes_away(const std::string& workspace, const std::string& path,
                      const Changes& changes) {
  std::error_code error;
  const fs::path root{workspace};
  for (auto it = fs::recursive_directory_iterator{root / path, error};
       !error && it != fs::recursive_directory_iterator{}; it.increment(error)) {
    if (!it->is_symlink() && it->is_directory()) continue;
    const TreeChange* inner =
        find_change(changes, it->path().lexically_relative(root).generic_string());
    if (inner == nullptr || !inner->to.absent()) return false;
  }
  return !error;
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
         a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

Status unchanged_since(int parent, const std::string& name, const TreeChange& change,
                       const CurrentFile& current) {
  struct stat now {};
  const bool there = ::fstatat(parent, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0;
  const bool file = there && !S_ISDIR(now.st_mode);
  if (file == (current.seen.st_ino != 0) && (!file || same_file(now, current.seen)))
    return ok_status();
  return Error{ErrorCode::conflict, "the file was changed at this moment", change.path};
}

Status copy_bytes(int from, int to, const std::string& path) {
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(errno, "cannot read", path);
    if (got == 0) return ok_status();
    for (ssize_t done = 0; done < got;) {
      const ssize_t put = ::write(to, buffer.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return errno_error(errno, "cannot write", path);
      done += put;
    }
  }
}

Status make_file(int source, int parent, const std::string& temp, const std::string& path) {
  struct stat info {};
  if (::fstat(source, &info) != 0) return errno_error(errno, "cannot stat", path);
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const Descriptor target{::openat(parent, temp.c_str(), flags, info.st_mode & 0777)};
  if (!target) return errno_error(errno, "cannot create", path);
  if (auto copied = copy_bytes(source, target.get(), path); !copied) return copied;
  if (::fsync(target.get()) != 0) return errno_error(errno, "cannot sync", path);
  return ok_status();
}

Status make_symlink(int staged, const std::string& name, int parent, const std::string& temp,
                    const std::string& path) {
  std::array<char, 4097> target{};
  const ssize_t size = ::readlinkat(staged, name.c_str(), target.data(), target.size() - 1);
  if (size < 0) return errno_error(errno, "cannot read the link", path);
  target.at(static_cast<std::size_t>(size)) = '\0';
  if (::symlinkat(target.data(), parent, temp.c_str()) != 0)
    return errno_error(errno, "cannot link", path);
  return ok_status();
}

/// Removes folders that became empty, from the innermost outwards, never the root.
void remove_empty_parents(int root, std::string path) {
  for (;;) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return;
    path.resize(slash);
    auto parent = open_parent(root, path, false);
    if (!parent) return;
    if (::unlinkat(parent->get(), last_component(path).c_str(), AT_REMOVEDIR) != 0) return;
  }
}

/// Files are synced as they are written; this makes their names durable.
void sync_folders(int root, const Changes& changes) {
  std::string last = "/";
  for (const TreeChange& change : changes) {
    const std::string folder =
        change.path.substr(0, change.path.size() - last_component(change.path).size());
    if (folder == last) continue;
    last = folder;
    if (auto parent = open_parent(root, change.path, false)) ::fsync(parent->get());
  }
}

/// Removes a folder of empty folders.
Status remove_hollow_folder(int parent, const std::string& name, const std::string& path) {
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return ok_status();
  if (errno != ENOTEMPTY && errno != EEXIST) return errno_error(errno, "cannot remove", path);
  const Descriptor folder{
      ::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!folder) return errno_error(errno, "cannot open", path);
  std::error_code error;
  const fs::path self = "/proc/self/fd/" + std::to_string(folder.get());
  for (const auto& entry : fs::directory_iterator{self, error})
    if (auto gone = remove_hollow_folder(folder.get(), entry.path().filename().string(), path);
        !gone)
      return gone;
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0) return ok_status();
  return errno_error(errno, "cannot remove", path);
}

}  // namespace

CurrentFile WorkspaceWriter::classify(int root, const TreeChange& change,
                                      const Changes& changes) const {
  CurrentFile file;
  auto parent = open_parent(root, change.path, false);
  if (!parent) {
    const bool missing = parent.error().code == ErrorCode::not_found;
    file.blocked = !missing && !parent_goes_away(changes, change.path);
    return file;
  }
  struct stat info {};
  const std::string name = last_component(change.path);
  if (::fstatat(parent->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    file.blocked = errno != ENOENT;
    return file;
  }
  if (S_ISDIR(info.st_mode)) {
    file.blocked = !change.to.absent() && !folder_goes_away(workspace_, change.path, changes);
    return file;
  }
  file.blocked = !S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode);
  file.seen = info;
  return file;
}

Result<std::vector<CurrentFile>> WorkspaceWriter::look(const Changes& changes,
                                                       const std::string& expected) const {
  auto root = open_folder(workspace_);
  if (!root) return root.error();
  std::vector<CurrentFile> files;
  std::vector<std::string> to_hash;
  for (const TreeChange& change : changes) {
    files.push_back(classify(root->get(), change, changes));
    if (!files.back().blocked && files.back().seen.st_ino != 0) to_hash.push_back(change.path);
  }
  // git hashes, because line endings and encodings are converted as the attributes say. It starts
  // from the expected tree, since the conversion of line endings depends on what is stored already.
  const std::string index = scratch_ + "/look.index";
  if (auto gone = remove_tree(index + ".lock"); !gone) return gone.error();
  GitContext context = repository_.context(workspace_, index);
  if (auto read = git_.ok(context, {"read-tree", expected}); !read) return read.error();
  context.stdin_text = join_nul(to_hash);
  const auto hashed = git_.ok(context, {"update-index", "--add", "--replace", "-z", "--stdin"});
  if (!to_hash.empty() && !hashed) return hashed.error();
  context.stdin_text.clear();
  auto raw = git_.out(context, {"diff-index", "--cached", "--raw", "-z", "--no-renames", expected});
  if (!raw) return raw.error();
  std::map<std::string, TreeChange::Entry> differing;
  for (TreeChange& change : parse_raw_diff(*raw)) differing[change.path] = std::move(change.to);
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].seen.st_ino == 0) continue;
    const auto at = differing.find(changes[i].path);
    files[i].entry = at == differing.end() ? changes[i].from : at->second;
  }
  return files;
}

Status WorkspaceWriter::stage(const std::vector<std::string>& paths,
                              const std::string& target) const {
  const std::string folder = scratch_ + "/stage";
  const std::string index = scratch_ + "/stage.index";
  for (const std::string& old : {folder, index, index + ".lock"})
    if (auto gone = remove_tree(old); !gone) return gone;
  if (auto made = make_folders(folder); !made) return made;
  GitContext context = repository_.context(folder, index);
  if (auto read = git_.ok(context, {"read-tree", target}); !read) return read;
  context.stdin_text = join_nul(paths);
  if (paths.empty()) return ok_status();
  return git_.ok(context, {"checkout-index", "-f", "-z", "--stdin"});
}

Status WorkspaceWriter::remove_one(int root, const TreeChange& change,
                                   const CurrentFile& current) const {
  auto parent = open_parent(root, change.path, false);
  if (!parent) return parent.error();
  const std::string name = last_component(change.path);
  if (auto same = unchanged_since(parent->get(), name, change, current); !same) return same;
  if (::unlinkat(parent->get(), name.c_str(), 0) != 0)
    return errno_error(errno, "cannot remove", change.path);
  remove_empty_parents(root, change.path);
  return ok_status();
}

Status WorkspaceWriter::put_one(int root, int staged, const TreeChange& change,
                                const CurrentFile& current) const {
  auto source_parent = open_parent(staged, change.path, false);
  if (!source_parent) return source_parent.error();
  auto parent = open_parent(root, change.path, true);
  if (!parent) return parent.error();
  const std::string name = last_component(change.path);
  // The same name at every try: what a killed writer left here is replaced by the one that repeats
  // its work.
  const std::string temp = ".muster-new-" + sha256_hex(change.path).substr(0, 12);
  ::unlinkat(parent->get(), temp.c_str(), 0);
  Status made = ok_status();
  if (change.to.symlink()) {
    made = make_symlink(source_parent->get(), name, parent->get(), temp, change.path);
  } else {
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
    const Descriptor source{::openat(source_parent->get(), name.c_str(), flags)};
    made = source ? make_file(source.get(), parent->get(), temp, change.path)
                  : Status{errno_error(errno, "cannot open the staged file", change.path)};
  }
  if (made) made = unchanged_since(parent->get(), name, change, current);
  struct stat info {};
  const bool folder = ::fstatat(parent->get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                      S_ISDIR(info.st_mode);
  if (made && folder) made = remove_hollow_folder(parent->get(), name, change.path);
  if (made && ::renameat(parent->get(), temp.c_str(), parent->get(), name.c_str()) != 0)
    made = errno_error(errno, "cannot put the file in place", change.path);
  if (!made) ::unlinkat(parent->get(), temp.c_str(), 0);
  return made;
}

Status WorkspaceWriter::write(const Changes& changes, const std::vector<CurrentFile>& current,
                              const std::string& target) const {
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < changes.size(); ++i)
    if (!changes[i].to.absent() && !(current[i].entry == changes[i].to))
      wanted.push_back(changes[i].path);
  if (auto staged = stage(wanted, target); !staged) return staged;
  auto root = open_folder(workspace_);
  if (!root) return root.error();
  auto stage_root = open_folder(scratch_ + "/stage");
  if (!stage_root) return stage_root.error();
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (!changes[i].to.absent() || current[i].entry.absent()) continue;
    MUSTER_FAULT_POINT("apply.before_file");
    if (auto done = remove_one(root->get(), changes[i], current[i]); !done) return done;
  }
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].to.absent() || current[i].entry == changes[i].to) continue;
    MUSTER_FAULT_POINT("apply.before_file");
    if (auto done = put_one(root->get(), stage_root->get(), changes[i], current[i]); !done)
      return done;
  }
  sync_folders(root->get(), changes);
  return remove_tree(scratch_ + "/stage");
}

}  // namespace muster::git
