#include "runtime/core/tree_paths.hpp"

#include <algorithm>

#include "runtime/core/paths.hpp"

namespace muster {
namespace {

bool ends_in_parts(std::string_view path, std::string_view end) {
  return path.ends_with(end) &&
         (path.size() == end.size() || path[path.size() - end.size() - 1] == '/');
}

struct ByName {
  bool operator()(std::string_view a, std::string_view b) const {
    const auto left = base_name(a);
    const auto right = base_name(b);
    return left != right ? left < right : a < b;
  }
};

std::vector<std::string_view> folders_of(const std::vector<std::string>& paths) {
  std::vector<std::string_view> out;
  std::string_view last;
  for (const auto& path : paths) {
    // Those above were met with the first file below them.
    for (auto folder = parent_path(path); !folder.empty(); folder = parent_path(folder)) {
      if (last == folder || path_below(folder, last)) break;
      out.push_back(folder);
    }
    last = parent_path(path);
  }
  std::sort(out.begin(), out.end(), ByName());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

TreePaths::TreePaths(std::vector<std::string> paths) : paths_(std::move(paths)) {
  if (!std::is_sorted(paths_.begin(), paths_.end())) std::sort(paths_.begin(), paths_.end());
  paths_.erase(std::unique(paths_.begin(), paths_.end()), paths_.end());
  by_name_.resize(paths_.size());
  for (std::size_t i = 0; i < by_name_.size(); ++i) by_name_[i] = static_cast<std::uint32_t>(i);
  std::sort(by_name_.begin(), by_name_.end(),
            [this](auto a, auto b) { return ByName()(paths_[a], paths_[b]); });
  folders_ = folders_of(paths_);
}

bool TreePaths::has(std::string_view path) const {
  return std::binary_search(paths_.begin(), paths_.end(), path, std::less<>());
}

std::string_view TreePaths::first_with_prefix(std::string_view prefix) const {
  const auto found = std::lower_bound(paths_.begin(), paths_.end(), prefix, std::less<>());
  return found != paths_.end() && found->starts_with(prefix) ? std::string_view(*found)
                                                             : std::string_view{};
}

bool TreePaths::has_folder(std::string_view folder) const {
  return folder.empty() || !first_with_prefix(std::string(folder) + '/').empty();
}

std::vector<std::string_view> TreePaths::ending_with(std::string_view end) const {
  const auto name = base_name(end);
  auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                             [this](auto i, auto wanted) { return base_name(paths_[i]) < wanted; });
  std::vector<std::string_view> out;
  for (; at != by_name_.end() && base_name(paths_[*at]) == name; ++at)
    if (ends_in_parts(paths_[*at], end)) out.emplace_back(paths_[*at]);
  return out;
}

std::vector<std::string_view> TreePaths::folders_ending_with(std::string_view end) const {
  const auto name = base_name(end);
  auto at = std::lower_bound(folders_.begin(), folders_.end(), name,
                             [](auto folder, auto wanted) { return base_name(folder) < wanted; });
  std::vector<std::string_view> out;
  for (; at != folders_.end() && base_name(*at) == name; ++at)
    if (ends_in_parts(*at, end)) out.push_back(*at);
  return out;
}

std::vector<std::string_view> TreePaths::files_in(std::string_view folder,
                                                  std::string_view suffix) const {
  const auto prefix = folder.empty() ? std::string() : std::string(folder) + '/';
  std::vector<std::string_view> out;
  auto at = std::lower_bound(paths_.begin(), paths_.end(), std::string_view(prefix), std::less<>());
  for (; at != paths_.end() && at->starts_with(prefix); ++at)
    if (at->find('/', prefix.size()) == std::string::npos && at->ends_with(suffix))
      out.emplace_back(*at);
  return out;
}

bool path_beside(std::string_view from, std::string_view target, std::string& out) {
  out = parent_path(from);
  while (!target.empty()) {
    const auto end = std::min(target.find('/'), target.size());
    const auto part = target.substr(0, end);
    target.remove_prefix(std::min(end + 1, target.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (out.empty()) return false;
      out.resize(parent_path(out).size());
    } else {
      if (!out.empty()) out += '/';
      out += part;
    }
  }
  return true;
}

}  // namespace muster
