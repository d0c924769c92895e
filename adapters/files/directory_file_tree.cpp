#include "adapters/files/directory_file_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>
#include <utility>

#include "adapters/files/file_io.hpp"
#include "adapters/files/text_edit.hpp"
#include "runtime/core/paths.hpp"

namespace muster::files {
namespace {

/// Made by tools, not by people: their files would hide what the project is.
constexpr std::array<std::string_view, 16> left_out{
    ".git", "node_modules", "build", "target", "dist",    "out",     ".venv", "venv",
    ".tox", "__pycache__",  "_deps", ".cache", ".muster", ".gradle", ".next", "vendor"};

bool is_left_out(std::string_view name) {
  return std::find(left_out.begin(), left_out.end(), name) != left_out.end() ||
         name.starts_with("cmake-build-");
}

struct Entry {
  std::string name;
  bool folder = false;
};

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Regular files and folders of an open folder, sorted; `budget` bounds how many are looked at.
std::vector<Entry> entries_of(UniqueFd fd, std::size_t budget) {
  std::vector<Entry> entries;
  const std::unique_ptr<DIR, CloseFolder> folder{::fdopendir(fd.get())};
  if (!folder) return entries;
  const int number = fd.release();  // the DIR owns it now
  while (const dirent* item = ::readdir(folder.get())) {
    const std::string name = item->d_name;
    if (name == "." || name == ".." || is_left_out(name)) continue;
    struct stat info {};
    if (::fstatat(number, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(info.st_mode) || S_ISREG(info.st_mode))
      entries.push_back({name, S_ISDIR(info.st_mode)});
    if (entries.size() > budget) break;
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

}  // namespace

Result<DirectoryFileTree> DirectoryFileTree::open(const std::string& root, Limits limits) {
  auto opened = TreeRoot::open(root);
  if (!opened) return opened.error();
  auto policy = FilePolicy::compile(default_patterns());
  if (!policy) return policy.error();
  DirectoryFileTree tree{std::move(*opened), std::move(*policy), limits};
  tree.collect();
  return tree;
}

void DirectoryFileTree::collect() {
  std::vector<std::string> level{""};
  for (int depth = 0; depth <= limits_.max_depth && !level.empty() && !truncated_; ++depth) {
    std::vector<std::string> next;
    for (const std::string& path : level) {
      auto where = root_.resolve(path.empty() ? "." : path);
      if (!where) continue;
      const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
      UniqueFd fd{::openat(where->folder.get(), where->name.c_str(), flags)};
      if (!fd) continue;
      for (const Entry& entry : entries_of(std::move(fd), limits_.max_paths)) {
        const bool room = files_.size() < limits_.max_paths && next.size() < limits_.max_paths;
        truncated_ = truncated_ || !room;
        if (room) (entry.folder ? next : files_).push_back(join_path(path, entry.name));
      }
    }
    level = std::move(next);
  }
  std::sort(files_.begin(), files_.end());
}

std::optional<std::string> DirectoryFileTree::read(const std::string& path) const {
  auto where = root_.resolve(path);
  if (!where || policy_.refusal(where->path)) return std::nullopt;
  auto file = open_file(*where);
  if (!file) return std::nullopt;
  auto content = read_whole(*file, path, limits_.max_file_bytes);
  if (!content || looks_binary(*content)) return std::nullopt;
  return std::move(*content);
}

}  // namespace muster::files
