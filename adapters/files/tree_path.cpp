#include "adapters/files/tree_path.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "adapters/files/file_io.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster::files {
namespace {

constexpr int max_symlinks = 40;
constexpr std::size_t max_path = 4096;
constexpr int walk_flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Error outside(const std::string& path) {
  return Error{ErrorCode::permission_denied, "it leads outside of the working tree", path};
}

void push_front(std::deque<std::string>& parts, std::string_view path) {
  std::vector<std::string> fresh;
  while (!path.empty()) {
    const std::string_view part = path.substr(0, path.find('/'));
    if (!part.empty() && part != ".") fresh.emplace_back(part);
    path.remove_prefix(std::min(path.size(), part.size() + 1));
  }
  parts.insert(parts.begin(), fresh.begin(), fresh.end());
}

/// The target when `name` is a symlink, "" when it is something else or missing.
std::string link_target(int folder, const std::string& name) {
  std::array<char, max_path> target{};
  const ssize_t size = ::readlinkat(folder, name.c_str(), target.data(), target.size());
  return size > 0 ? std::string{target.data(), static_cast<std::size_t>(size)} : "";
}

/// One walk: a stack of open folders below the root, and what is still to go.
class Walk {
 public:
  Walk(int root, const std::string& asked, TreeRoot::Missing missing)
      : root_(root), asked_(asked), missing_(missing) {}

  std::deque<std::string>& rest() { return rest_; }
  void back_to_root() {
    stack_.clear();
    names_.clear();
  }
  int links() { return ++links_; }
  [[nodiscard]] int folder() const { return stack_.empty() ? root_ : stack_.back().get(); }

  Status up() {
    if (stack_.empty()) return outside(asked_);
    stack_.pop_back();
    names_.pop_back();
    return ok_status();
  }

  Status down(const std::string& name) {
    int fd = ::openat(folder(), name.c_str(), walk_flags);
    const bool make = missing_ == TreeRoot::Missing::make_folders && !in_git(name);
    if (fd < 0 && errno == ENOENT && make) {
      if (::mkdirat(folder(), name.c_str(), 0777) != 0 && errno != EEXIST)
        return file_error(errno, "cannot make a folder", asked_);
      fd = ::openat(folder(), name.c_str(), walk_flags);
    }
    if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
      return Error{ErrorCode::invalid_argument, "'" + join(name) + "' is not a folder", asked_};
    if (fd < 0) return file_error(errno, "cannot open the folder '" + join(name) + "'", asked_);
    stack_.emplace_back(fd);
    names_.push_back(name);
    return ok_status();
  }

  Result<ResolvedPath> finish(const std::string& name) {
    const int fd = ::fcntl(folder(), F_DUPFD_CLOEXEC, 0);
    if (fd < 0) return file_error(errno, "cannot hold the folder", asked_);
    return ResolvedPath{UniqueFd{fd}, name, name == "." ? join("") : join(name)};
  }

 private:
  /// Not even a folder is made among git's own files.
  [[nodiscard]] bool in_git(const std::string& name) const {
    const auto is_git = [](const std::string& part) { return iequals(part, ".git"); };
    return is_git(name) || std::any_of(names_.begin(), names_.end(), is_git);
  }

  [[nodiscard]] std::string join(const std::string& name) const {
    std::string text;
    for (const std::string& part : names_) text += (text.empty() ? "" : "/") + part;
    return join_path(text, name);
  }

  int root_;
  const std::string& asked_;
  TreeRoot::Missing missing_;
  std::vector<UniqueFd> stack_;
  std::vector<std::string> names_;
  std::deque<std::string> rest_;
  int links_ = 0;
};

}  // namespace

Result<TreeRoot> TreeRoot::open(const std::string& path) {
  std::error_code error;
  const std::string real = std::filesystem::canonical(path, error).string();
  if (error) return file_error(error.value(), "cannot open the working tree", path);
  UniqueFd fd{::open(real.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return file_error(errno, "cannot open the working tree", path);
  return TreeRoot{std::move(fd), real, absolute_path("/", path)};
}

Result<std::string> TreeRoot::below_root(const std::string& path) const {
  if (path.empty() || path.front() != '/') return path;
  for (const std::string* root : {&path_, &given_}) {
    // No ".." is taken out here: behind a symlink it means something else.
    if (path == *root) return std::string{"."};
    if (path.starts_with(*root + "/")) return path.substr(root->size() + 1);
  }
  return outside(path);
}

Result<ResolvedPath> TreeRoot::resolve(const std::string& path, Missing missing) const {
  if (path.find('\0') != std::string::npos)
    return Error{ErrorCode::invalid_argument, "a path has no NUL byte"};
  if (path.empty() || path.size() > max_path)
    return Error{ErrorCode::invalid_argument, "a path has 1 to 4096 bytes"};
  auto relative = below_root(path);
  if (!relative) return relative.error();
  Walk walk{fd_.get(), path, missing};
  push_front(walk.rest(), *relative);
  while (!walk.rest().empty()) {
    const std::string name = std::move(walk.rest().front());
    walk.rest().pop_front();
    if (name == "..") {
      if (auto up = walk.up(); !up) return up.error();
      continue;
    }
    if (const std::string target = link_target(walk.folder(), name); !target.empty()) {
      if (walk.links() > max_symlinks)
        return Error{ErrorCode::invalid_argument, "too many symlinks", path};
      auto inside = below_root(target);
      if (!inside) return outside(path);
      if (target.front() == '/') walk.back_to_root();
      push_front(walk.rest(), *inside);
      continue;
    }
    if (walk.rest().empty()) return walk.finish(name);
    if (auto down = walk.down(name); !down) return down.error();
  }
  return walk.finish(".");
}

}  // namespace muster::files
