#include "adapters/process/job_cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>
#include <vector>

#include "adapters/io/read_all.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto removal_patience = 500ms;  // of a folder whose processes were killed just now
constexpr auto removal_pause = 2ms;

/// Empty when it cannot be read: the process has ended.
std::string text_of(const std::string& path) {
  auto text = read_all(path);
  return text.ok() ? std::move(*text) : std::string();
}

std::string_view next_line(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  const auto line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

/// The path after "0::", which is the v2 hierarchy.
std::string path_in_v2(std::string_view cgroup) {
  while (!cgroup.empty()) {
    const auto line = next_line(cgroup);
    if (line.starts_with("0::")) return std::string(line.substr(3));
  }
  return {};
}

/// mountinfo writes blanks, tabs, line breaks and backslashes as \ooo.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int value = 0;
    const auto* from = text.data() + i + 1;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(from, from + 3, value, 8).ptr == from + 3) {
      out += static_cast<char>(value);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Mount {
  std::string root;   ///< the folder of the hierarchy that is mounted
  std::string point;  ///< where
};

std::optional<Mount> v2_mount(std::string_view line) {
  const auto dash = line.find(" - ");
  if (dash == std::string_view::npos || !line.substr(dash + 3).starts_with("cgroup2 "))
    return std::nullopt;
  std::istringstream fields{std::string(line)};
  std::string id;
  std::string parent;
  std::string device;
  std::string root;
  std::string point;
  if (!(fields >> id >> parent >> device >> root >> point)) return std::nullopt;
  return Mount{unescaped(root), unescaped(point)};
}

bool write_text(const std::string& path, std::string_view text) noexcept {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Field 22 of /proc/<pid>/stat: with it, a pid that is used again is another process.
std::string start_time_of(pid_t pid) {
  const auto stat = text_of("/proc/" + std::to_string(pid) + "/stat");
  const auto bracket = stat.rfind(')');
  if (bracket == std::string::npos) return {};
  std::istringstream fields(stat.substr(bracket + 1));
  std::string field;
  for (int i = 3; i <= 22; ++i) fields >> field;
  return field;
}

/// How the names of engines in our pid namespace begin: another's pids mean nothing here.
std::string namespace_prefix() {
  struct stat info {};
  ::stat("/proc/self/ns/pid", &info);
  return "muster-" + std::to_string(info.st_ino) + "-";
}

std::string process_prefix(pid_t pid) {
  return namespace_prefix() + std::to_string(pid) + "-" + start_time_of(pid) + "-";
}

/// Whether a folder was made by an engine that has gone. Others are nobody's business.
bool is_stale(const std::string& name) {
  const auto prefix = namespace_prefix();
  if (!name.starts_with(prefix)) return false;
  pid_t pid = 0;
  const auto* from = name.data() + prefix.size();
  const auto [end, bad] = std::from_chars(from, name.data() + name.size(), pid);
  return bad == std::errc{} && *end == '-' && pid > 0 && !name.starts_with(process_prefix(pid));
}

std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code failed;
  for (auto at = fs::directory_iterator(folder, failed); !failed && at != fs::directory_iterator();
       at.increment(failed)) {
    if (at->is_directory(failed)) out.push_back(at->path().string());
  }
  return out;
}

void remove_with_leaves(const std::string& folder) {
  for (const auto& leaf : folders_in(folder)) ::rmdir(leaf.c_str());
  ::rmdir(folder.c_str());
}

/// Kills all below, and removes the folders as soon as they are empty: a killed process leaves its
/// cgroup a moment later.
void end_folder(const std::string& folder) {
  write_text(folder + "/cgroup.kill", "1");
  const auto give_up = std::chrono::steady_clock::now() + removal_patience;
  for (;;) {
    remove_with_leaves(folder);
    if (::access(folder.c_str(), F_OK) != 0 || std::chrono::steady_clock::now() > give_up) return;
    std::this_thread::sleep_for(removal_pause);  // the kernel tells of no better moment
  }
}

}  // namespace

std::string own_cgroup_folder(std::string_view cgroup, std::string_view mountinfo) {
  const auto path = path_in_v2(cgroup);
  // Above the root of our namespace there is nothing that we could use.
  if (path.empty() || path.starts_with("/..")) return {};
  while (!mountinfo.empty()) {
    const auto mount = v2_mount(next_line(mountinfo));
    if (!mount) continue;
    if (mount->root == "/") return mount->point + (path == "/" ? "" : path);
    // A part of the hierarchy is mounted: ours counts from there.
    if (path == mount->root) return mount->point;
    if (path.starts_with(mount->root + "/")) return mount->point + path.substr(mount->root.size());
  }
  return {};
}

// ---- a leaf
// --------------------------------------------------------------------------------------

CgroupLeaf CgroupLeaf::make(std::string folder) {
  CgroupLeaf leaf;
  if (folder.empty() || ::mkdir(folder.c_str(), 0755) != 0) return leaf;
  leaf.procs_ = UniqueFd(::open((folder + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!leaf.procs_) {
    ::rmdir(folder.c_str());
    return leaf;
  }
  leaf.folder_ = std::move(folder);
  return leaf;
}

bool CgroupLeaf::enter() const noexcept {
  return procs_ && ::write(procs_.get(), "0", 1) == 1;  // 0 = whoever writes
}

void CgroupLeaf::kill() const noexcept {
  if (!folder_.empty()) write_text(folder_ + "/cgroup.kill", "1");
}

void CgroupLeaf::remove() noexcept {
  if (folder_.empty()) return;
  ::rmdir(folder_.c_str());
  folder_.clear();
}

// ---- an engine's
// ---------------------------------------------------------------------------------

std::unique_ptr<JobCgroups> JobCgroups::make(std::string& why) {
  const auto parent =
      own_cgroup_folder(text_of("/proc/self/cgroup"), text_of("/proc/self/mountinfo"));
  if (parent.empty()) {
    why = "no cgroup v2 is mounted";
    return nullptr;
  }
  return make_below(parent, why);
}

std::unique_ptr<JobCgroups> JobCgroups::make_below(const std::string& parent, std::string& why) {
  remove_stale_cgroups(parent);
  static std::atomic<unsigned> count{0};
  const auto folder = parent + "/" + process_prefix(::getpid()) + std::to_string(++count);
  if (::mkdir(folder.c_str(), 0755) != 0) {
    why = "no cgroup can be made in " + parent + ": " + std::generic_category().message(errno);
    return nullptr;
  }
  // Kernels before 5.14 have no cgroup.kill; a process may not be moved between subtrees that
  // belong to others.
  const auto leaf_folder = folder + "/probe";
  auto leaf = CgroupLeaf::make(leaf_folder);
  const bool kills = ::access((folder + "/cgroup.kill").c_str(), W_OK) == 0;
  const bool moves = ::access((parent + "/cgroup.procs").c_str(), W_OK) == 0;
  leaf.remove();
  if (::access(leaf_folder.c_str(), F_OK) != 0 && kills && moves)
    return std::unique_ptr<JobCgroups>(new JobCgroups(folder));
  ::rmdir(folder.c_str());
  why = "cgroups in " + parent + " cannot be used (" +
        (kills ? "processes may not be moved)" : "cgroup.kill is missing)");
  return nullptr;
}

JobCgroups::~JobCgroups() { end_folder(folder_); }

bool JobCgroups::end(const std::string& job) const {
  const auto folder = leaf(job);
  write_text(folder + "/cgroup.kill", "1");
  return ::rmdir(folder.c_str()) == 0 || errno == ENOENT;
}

void remove_stale_cgroups(const std::string& parent) {
  for (const auto& folder : folders_in(parent)) {
    if (is_stale(fs::path(folder).filename().string())) end_folder(folder);
  }
}

Result<std::string> probe_job_cgroups() {
  std::string why;
  const auto cgroups = JobCgroups::make(why);
  if (!cgroups) return Error{ErrorCode::unavailable, why};
  return fs::path(cgroups->folder()).parent_path().string();
}

}  // namespace muster
