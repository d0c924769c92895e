#pragma once
// Whether a folder's files are those of before, told by what the kernel keeps of each: no process,
// and no file is opened.

#include <cstddef>
#include <optional>
#include <string>

namespace muster::git {

/// Paths, kinds, sizes and times of all entries of a folder at one moment. As sure as git's index:
/// a change sets an entry's ctime, which programs cannot choose.
struct TreeStamp {
  std::string digest;
  /// False: an entry changed so short a time ago that another change could leave its times as they
  /// are, and with them the digest. Git calls such an entry racy.
  bool settled = true;
};

/// The stamp of what is below `folder`, without its own `.git`. nullopt when there are more than
/// `max_entries`, or when something cannot be read. Blocks.
std::optional<TreeStamp> stamp_of_tree(const std::string& folder, std::size_t max_entries);

/// Size, times and number of one file; empty when there is none.
std::string stamp_of_file(const std::string& path);

/// Whether copy_index() made `copy` of `path` as it is now.
bool is_dated_copy(const std::string& path, const std::string& copy);

}  // namespace muster::git
