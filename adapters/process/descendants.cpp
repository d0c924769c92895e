#include "adapters/process/descendants.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/io/read_all.hpp"
#include "adapters/io/unique_fd.hpp"

namespace muster {
namespace {

constexpr std::chrono::milliseconds kLongestPause{50};
constexpr int kRest = 2;  // between two looks at the family, in times that one took

/// Calls `visit` with the numbers among the names in a folder: processes, threads.
void each_number(const std::string& folder, const std::function<void(pid_t)>& visit) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  if (!dir) return;
  while (const auto* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size()) visit(number);
  }
}

/// What /proc/<pid>/stat says of a process; parent 0 when it has gone.
struct ProcessStat {
  pid_t parent = 0;
  bool one_thread = false;
};

/// The fields after the name, which is in brackets and may hold anything: state, parent, ..., the
/// 18th of them the number of threads.
ProcessStat stat_of(pid_t pid) {
  const auto stat = read_all("/proc/" + std::to_string(pid) + "/stat");
  const auto bracket = stat ? stat->rfind(')') : std::string::npos;
  if (bracket == std::string::npos || stat->size() < bracket + 5) return {};
  const char* at = stat->c_str() + bracket + 2;
  ProcessStat out;
  out.parent = static_cast<pid_t>(std::strtol(at + 2, nullptr, 10));
  for (int field = 1; field < 18 && at; ++field) at = std::strchr(at + 1, ' ');
  out.one_thread = at && std::strtol(at, nullptr, 10) == 1;
  return out;
}

/// Where the children of a process are looked up.
class Tree {
 public:
  Tree() {
    const auto self = std::to_string(::getpid());
    const auto file = "/proc/" + self + "/task/" + self + "/children";
    if (::access(file.c_str(), R_OK) != 0) read_parents();
  }

  /// Appends them. Of a process of one thread, they are its first thread's.
  void children_of(pid_t pid, bool one_thread, std::vector<pid_t>& out) const {
    if (by_parent_) {
      const auto [first, last] = by_parent_->equal_range(pid);
      for (auto at = first; at != last; ++at) out.push_back(at->second);
      return;
    }
    const auto tasks = "/proc/" + std::to_string(pid) + "/task/";
    if (one_thread) return children_of_thread(tasks, pid, out);
    each_number(tasks, [&](pid_t task) { children_of_thread(tasks, task, out); });
  }

 private:
  static void children_of_thread(const std::string& tasks, pid_t task, std::vector<pid_t>& out) {
    const auto line = read_all(tasks + std::to_string(task) + "/children");
    const char* at = line ? line->c_str() : "";
    for (char* end = nullptr;; at = end) {
      const auto child = std::strtol(at, &end, 10);
      if (end == at) return;
      out.push_back(static_cast<pid_t>(child));
    }
  }

  /// Kernels without CONFIG_PROC_CHILDREN: one look at every process.
  void read_parents() {
    by_parent_.emplace();
    each_number("/proc", [&](pid_t pid) { by_parent_->emplace(stat_of(pid).parent, pid); });
  }

  std::optional<std::multimap<pid_t, pid_t>> by_parent_;
};

bool holds_entry(const std::string& block, std::string_view entry) {
  for (std::size_t at = 0; at < block.size();) {
    const auto end = std::min(block.find('\0', at), block.size());
    if (std::string_view(block).substr(at, end - at) == entry) return true;
    at = end + 1;
  }
  return false;
}

/// A process that cannot be mistaken for another; without pidfds, its number.
class Handle {
 public:
  explicit Handle(pid_t pid) : pid_(pid), fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {
    gone_ = !fd_ && errno == ESRCH;
  }
  [[nodiscard]] bool gone() const {
    pollfd polled{fd_.get(), POLLIN, 0};
    return gone_ || (fd_ && ::poll(&polled, 1, 0) > 0);
  }
  bool signal(int number) const {
    if (gone_) return false;
    if (!fd_) return ::kill(pid_, number) == 0;
    return ::syscall(SYS_pidfd_send_signal, fd_.get(), number, nullptr, 0) == 0;
  }
  /// KILL to it and to its group: a group is hit as a whole, also what forks at this moment.
  void kill_with_group() const {
    const pid_t group = ::getpgid(pid_);
    // It lived after we asked for its group, so the number means that group.
    if (group > 1 && group != ::getpgrp() && !gone()) ::kill(-group, SIGKILL);
    signal(SIGKILL);
  }

 private:
  pid_t pid_;
  UniqueFd fd_;
  bool gone_ = false;
};

/// Visits what is below `root`, each after its children were looked up: `visit` may end it.
void each_descendant(pid_t root, const std::set<pid_t>& spared,
                     const std::function<void(pid_t, const Handle&)>& visit) {
  const Tree tree;
  // A pid that is reused during the walk could close a circle: nobody is visited twice.
  std::set<pid_t> seen = spared;
  seen.insert(root);
  std::set<pid_t> family = {root};
  std::vector<pid_t> open;
  tree.children_of(root, false, open);
  while (!open.empty()) {
    const pid_t pid = open.back();
    open.pop_back();
    if (!seen.insert(pid).second) continue;
    const Handle process(pid);
    const auto stat = stat_of(pid);
    if (!family.contains(stat.parent)) continue;  // it has gone; the pid may be somebody else's
    family.insert(pid);
    tree.children_of(pid, stat.one_thread, open);
    visit(pid, process);
  }
}

}  // namespace

std::vector<pid_t> descendants_of(pid_t root, const std::set<pid_t>& spared) {
  std::vector<pid_t> found;
  each_descendant(root, spared, [&](pid_t pid, const Handle&) { found.push_back(pid); });
  return found;
}

std::vector<pid_t> processes_with_env(std::string_view entry) {
  std::vector<pid_t> out;
  each_number("/proc", [&](pid_t pid) {
    if (has_env(pid, entry)) out.push_back(pid);
  });
  return out;
}

bool has_env(pid_t pid, std::string_view entry) {
  const auto block = read_all("/proc/" + std::to_string(pid) + "/environ");
  return block && holds_entry(*block, entry);
}

bool signal_if(pid_t pid, int signal, const std::function<bool()>& is_it) {
  const Handle process(pid);  // first: what is looked at below is this process or nothing
  return is_it() && process.signal(signal);
}

DescendantEnder::DescendantEnder(std::chrono::milliseconds grace, std::set<pid_t> spared)
    : kill_at_(Clock::now() + grace), spared_(std::move(spared)) {}

void DescendantEnder::step() {
  const bool kill_now = kills();
  const auto began = Clock::now();
  if (!kill_now && began < next_look_) return;
  bool news = false;
  // Each is told as soon as it is found: a large family begins to die while the rest is looked up.
  each_descendant(::getpid(), spared_, [&](pid_t pid, const Handle& process) {
    const bool is_new = (kill_now ? killed_ : termed_).insert(pid).second;
    news = news || is_new;
    if (kill_now) return process.kill_with_group();
    if (!is_new) return;
    process.signal(SIGTERM);
    process.signal(SIGCONT);  // a stopped process does not see TERM
  });
  // To look at a large family takes a while; looking again at each of its deaths would take most of
  // the time that they need to die.
  next_look_ = Clock::now() + kRest * (Clock::now() - began);
  // While something still forks, KILL has to be faster than that: no pause at all.
  if (news)
    pause_ = std::chrono::milliseconds{kill_now ? 0 : 1};
  else
    pause_ = std::clamp(pause_ * 2, std::chrono::milliseconds{1}, kLongestPause);
}

std::chrono::milliseconds DescendantEnder::wait() const {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(kill_at_ - Clock::now());
  if (left.count() <= 0) return pause_;
  const auto rest = std::chrono::ceil<std::chrono::milliseconds>(next_look_ - Clock::now());
  return std::min(std::max(pause_, rest), left);
}

}  // namespace muster
