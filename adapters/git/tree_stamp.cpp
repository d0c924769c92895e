#include "adapters/git/tree_stamp.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/io/unique_fd.hpp"
#include "runtime/core/sha256.hpp"

namespace muster::git {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
/// The kernel dates files by its clock tick, of 10 ms at most.
constexpr std::int64_t tick_ns = 2 * 10'000'000;
/// What file systems that keep whole seconds need (FAT: two).
constexpr std::int64_t coarse_ns = 3 * second_ns;
constexpr int deepest = 200;

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * second_ns + time.tv_nsec;
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now);
}

void append(std::string& out, std::uint64_t number) {
  std::array<char, sizeof number> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  out.append(bytes.data(), bytes.size());
}

void append(std::string& out, const struct stat& info) {
  for (const auto number :
       {static_cast<std::uint64_t>(info.st_mode), static_cast<std::uint64_t>(info.st_size),
        static_cast<std::uint64_t>(info.st_ino), static_cast<std::uint64_t>(info.st_dev),
        static_cast<std::uint64_t>(nanoseconds(info.st_mtim)),
        static_cast<std::uint64_t>(nanoseconds(info.st_ctim))})
    append(out, number);
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};
using Folder = std::unique_ptr<DIR, CloseFolder>;

std::optional<std::vector<std::string>> names_in(DIR* folder) {
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const auto* entry = ::readdir(folder);
    if (entry == nullptr) break;
    const std::string_view name{entry->d_name};
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return std::nullopt;
  std::sort(names.begin(), names.end());
  return names;
}

/// One walk. Folders count by their names alone: git knows no others, and their times change with
/// what is ignored.
class Walk {
 public:
  explicit Walk(std::size_t max_entries) : left_(max_entries), began_(now_ns()) {}

  bool folder(UniqueFd fd, int depth) {
    if (!fd || depth > deepest) return false;
    const Folder open{::fdopendir(fd.release())};
    if (!open) return false;
    const auto names = names_in(open.get());
    return names && std::all_of(names->begin(), names->end(), [&](const std::string& name) {
             return (depth == 0 && name == ".git") || entry(::dirfd(open.get()), name, depth);
           });
  }

  [[nodiscard]] TreeStamp stamp() const { return {sha256_hex(seen_), settled_}; }

 private:
  bool entry(int parent, const std::string& name, int depth) {
    struct stat info {};
    if (left_-- == 0 || ::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
      return false;
    append(seen_, name.size());
    seen_ += name;
    if (!S_ISDIR(info.st_mode)) {
      append(seen_, info);
      settled_ = settled_ && !racy(info);
      return true;
    }
    seen_ += '{';
    constexpr int how = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    const bool read = folder(UniqueFd{::openat(parent, name.c_str(), how)}, depth + 1);
    seen_ += '}';
    return read;
  }

  [[nodiscard]] bool racy(const struct stat& info) const {
    const auto changed = std::max(nanoseconds(info.st_ctim), nanoseconds(info.st_mtim));
    return changed > began_ - (info.st_ctim.tv_nsec == 0 ? coarse_ns : tick_ns);
  }

  std::size_t left_;
  std::int64_t began_;
  std::string seen_;
  bool settled_ = true;
};

}  // namespace

std::optional<TreeStamp> stamp_of_tree(const std::string& folder, std::size_t max_entries) {
  Walk walk(max_entries);
  constexpr int how = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  if (!walk.folder(UniqueFd{::open(folder.c_str(), how)}, 0)) return std::nullopt;
  return walk.stamp();
}

std::string stamp_of_file(const std::string& path) {
  struct stat info {};
  std::string out;
  if (::lstat(path.c_str(), &info) == 0) append(out, info);
  return out;
}

bool is_dated_copy(const std::string& path, const std::string& copy) {
  struct stat one {};
  struct stat other {};
  return ::lstat(path.c_str(), &one) == 0 && ::lstat(copy.c_str(), &other) == 0 &&
         one.st_size == other.st_size && nanoseconds(one.st_mtim) == nanoseconds(other.st_mtim);
}

}  // namespace muster::git
