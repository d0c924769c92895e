#include "adapters/git/written_trees.hpp"

#include <utility>

namespace muster::git {
namespace {

constexpr std::size_t most_entries = 5000;  // of a folder: some milliseconds
constexpr std::size_t most_folders = 1000;

}  // namespace

WrittenTrees::Before WrittenTrees::look(const std::string& folder,
                                        const std::string& excludes_file) {
  return {stamp_of_tree(folder, most_entries), stamp_of_file(excludes_file), false};
}

void WrittenTrees::remember(const std::string& folder, const std::string& index, Before before,
                            std::string tree) {
  if (!before.files) return forget(folder);
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= most_folders) entries_.clear();
  entries_[folder] = {std::move(before), stamp_of_file(index), std::move(tree)};
}

void WrittenTrees::forget(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  entries_.erase(folder);
}

WrittenTrees::Known WrittenTrees::ask(const std::string& folder, const std::string& index,
                                      const std::string& excludes_file) const {
  Entry entry;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(folder);
    if (found == entries_.end()) return {};
    entry = found->second;
  }
  if (stamp_of_file(index) != entry.index) return {};
  auto now = look(folder, excludes_file);
  if (!now.files || now.files->digest != entry.before.files->digest ||
      now.excludes != entry.before.excludes)
    return {};
  now.alone = entry.before.alone;
  const auto how = entry.before.files->settled ? Now::same : Now::same_names;
  return {how, std::move(entry.tree), std::move(now)};
}

}  // namespace muster::git
