#include "adapters/files/listing.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "runtime/core/text.hpp"

namespace muster::files {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t max_entries = 1000;
constexpr std::size_t max_bytes = 64U << 10U;
constexpr std::size_t max_match_bytes = 400;

/// Text of whole lines up to the bounds, then how many more there are.
class BoundedLines {
 public:
  BoundedLines(std::size_t max_lines, std::string what)
      : max_lines_(max_lines), what_(std::move(what)) {}

  void add(std::string_view line) {
    // Behind the first that does not fit none is shown: they are said to be more, not others.
    if (dropped_ > 0 || lines_ >= max_lines_ || text_.size() + line.size() + 1 > max_bytes) {
      ++dropped_;
      return;
    }
    ++lines_;
    text_ += line;
    text_ += '\n';
  }

  void drop(std::size_t lines) { dropped_ += lines; }

  ToolText finish(bool cut, const std::string& when_empty) {
    if (dropped_ > 0)
      text_ +=
          "… " + std::to_string(dropped_) + " more " + what_ + (cut ? ", at least" : "") + "\n";
    else if (cut)
      text_ += "… more " + what_ + "\n";
    if (text_.empty()) text_ = when_empty;
    return ToolText{std::move(text_), dropped_ > 0 || cut};
  }

 private:
  std::size_t max_lines_;
  std::string what_;
  std::string text_;
  std::size_t lines_ = 0;
  std::size_t dropped_ = 0;
};

/// The part of a path down to `depth` folders; the whole path when it is not deeper.
std::string_view top_of(std::string_view path, int depth) {
  std::size_t slash = 0;
  for (int i = 0; i < depth; ++i) {
    slash = path.find('/', i == 0 ? 0 : slash + 1);
    if (slash == std::string_view::npos) return path;
  }
  return path.substr(0, slash);
}

/// Names must stay one line each, whatever bytes they have.
std::string shown_name(std::string_view path) {
  std::string text = valid_utf8(path);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return text;
}

std::vector<std::string> folders_of(int folder) {
  std::vector<std::string> names;
  std::error_code error;
  const fs::path self = "/proc/self/fd/" + std::to_string(folder);
  for (auto it = fs::directory_iterator{self, error}; !error && it != fs::directory_iterator{};
       it.increment(error)) {
    std::error_code ignored;
    const std::string name = it->path().filename().string();
    if (name != ".git" && it->is_directory(ignored)) names.push_back(name);
    if (names.size() > max_entries) break;
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

ToolText folder_text(int folder, const FileList& files, int depth) {
  const int levels = std::clamp(depth, 1, 100);
  std::map<std::string, std::size_t> deeper;
  std::vector<std::string> entries;
  for (const std::string& path : files.paths) {
    const std::string_view top = top_of(path, levels);
    if (top.size() == path.size()) {
      entries.push_back(shown_name(path));
    } else {
      ++deeper[std::string{top}];
    }
  }
  for (const auto& [path, count] : deeper)
    entries.push_back(shown_name(path) + "/ (" + std::to_string(count) +
                      (count == 1 ? " file)" : " files)"));
  for (const std::string& name : folders_of(folder)) {
    const auto first = std::lower_bound(files.paths.begin(), files.paths.end(), name + "/");
    if (first == files.paths.end() || !first->starts_with(name + "/"))
      entries.push_back(shown_name(name) + "/ (empty or ignored)");
  }
  std::sort(entries.begin(), entries.end());
  BoundedLines lines{max_entries, "entries; list a folder of it"};
  for (const std::string& entry : entries) lines.add(entry);
  return lines.finish(files.truncated, "(empty folder)");
}

ToolText paths_text(const FileList& files) {
  BoundedLines lines{max_entries, "files; use a narrower pattern"};
  for (const std::string& path : files.paths) lines.add(shown_name(path));
  return lines.finish(files.truncated, "(no file matches)");
}

ToolText matches_text(const GrepResult& found) {
  BoundedLines lines{max_shown_matches, "matches; use a narrower pattern or path"};
  for (const GrepMatch& match : found.matches) {
    const std::string_view kept = bounded_head(match.text, max_match_bytes);
    std::string line =
        shown_name(match.path) + ":" + std::to_string(match.line) + ": " + valid_utf8(kept);
    if (kept.size() < match.text.size()) line += "…";
    lines.add(line);
  }
  lines.drop(found.more);
  return lines.finish(found.truncated, "(no matches)");
}

}  // namespace muster::files
