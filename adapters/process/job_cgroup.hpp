#pragma once
// Control groups (cgroup v2) for jobs: where one can be made, a job's processes are in a leaf of
// their own, which the kernel ends as a whole, whatever they did to parents, sessions and
// environments. No controller is needed. Where none can be made, jobs are ended through their
// descendants alone.

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/io/unique_fd.hpp"
#include "runtime/core/result.hpp"

namespace muster {

/// The folder that stands for a process' own cgroup v2, from the text of its /proc/<pid>/cgroup and
/// /proc/<pid>/mountinfo; empty without one. Also where v2 is mounted apart, beside v1.
std::string own_cgroup_folder(std::string_view cgroup, std::string_view mountinfo);

/// A job's leaf, seen by its helper. Empty = there is none: every call does nothing.
class CgroupLeaf {
 public:
  CgroupLeaf() = default;
  /// Makes the leaf's folder; empty when it cannot (EROFS, EACCES, a controller in the way ...).
  static CgroupLeaf make(std::string folder);

  explicit operator bool() const { return !folder_.empty(); }
  /// Moves the calling process into it. In a forked child, before it becomes the command:
  /// async-signal-safe. False: it stays where it was.
  [[nodiscard]] bool enter() const noexcept;
  /// KILL to all that is in it, at once.
  void kill() const noexcept;
  /// Removes the folder, when nothing is left in it.
  void remove() noexcept;

 private:
  std::string folder_;
  UniqueFd procs_;  ///< cgroup.procs, open for writing; close-on-exec
};

/// An engine's folder for the leaves of its jobs, below its own cgroup; its name says whose it is:
/// `muster-<pid namespace>-<pid>-<start time>-<number>`. Any thread.
class JobCgroups {
 public:
  /// Empty when none can be made; `why` is then one sentence.
  static std::unique_ptr<JobCgroups> make(std::string& why);
  /// The same below a given cgroup folder.
  static std::unique_ptr<JobCgroups> make_below(const std::string& parent, std::string& why);
  /// Ends what is left, and removes the folder with its leaves.
  ~JobCgroups();
  JobCgroups(const JobCgroups&) = delete;
  JobCgroups& operator=(const JobCgroups&) = delete;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  /// Where the leaf of a job is to be; its helper makes it.
  [[nodiscard]] std::string leaf(const std::string& job) const { return folder_ + "/" + job; }
  /// Ends what is in a job's leaf and removes it: for a helper that was killed. False while
  /// something in it has not ended yet.
  [[nodiscard]] bool end(const std::string& job) const;

 private:
  explicit JobCgroups(std::string folder) : folder_(std::move(folder)) {}
  std::string folder_;
};

/// Ends what dead engines left below a cgroup folder and removes their folders. make() does it.
void remove_stale_cgroups(const std::string& parent);

/// For people: whether jobs get a leaf here, and where; leaves nothing behind.
Result<std::string> probe_job_cgroups();

}  // namespace muster
