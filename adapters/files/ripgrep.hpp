#pragma once
// ripgrep as a child: lists and searches one folder, without a shell, config files or symlinks.

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::files {

struct FileList {
  std::vector<std::string> paths;  ///< relative to the folder, sorted
  bool truncated = false;
};

struct GrepMatch {
  std::string path;      ///< relative to the folder; empty when text was searched
  std::size_t line = 0;  ///< 1-based
  std::string text;      ///< of the line, without its end
};

struct GrepResult {
  std::vector<GrepMatch> matches;  ///< sorted by path
  std::size_t more = 0;            ///< matches behind those
  bool truncated = false;
};

/// Which matches are read. The others cost next to nothing.
struct GrepWanted {
  std::size_t max_matches = 1000;
  std::function<bool(const std::string& path)> path;  ///< empty: all
};

/// Thread-safe; every call starts a process and blocks.
class Ripgrep {
 public:
  struct Options {
    std::string binary = "rg";
    std::chrono::milliseconds timeout{20'000};
    std::size_t max_output = 8U << 20U;  ///< bytes read of its output
    std::size_t max_matches_per_file = 200;
  };
  explicit Ripgrep(Options options) : options_(std::move(options)) {}

  /// Files below an open folder that ignore files do not name; hidden ones too, `.git` never.
  Result<FileList> files(int folder) const;
  /// Lines of those files that match the regular expression. `include`: a glob of rg's; empty =
  /// all.
  Result<GrepResult> search(int folder, const std::string& pattern, const std::string& include,
                            const GrepWanted& wanted) const;
  /// The same in a text.
  Result<GrepResult> search_text(const std::string& text, const std::string& pattern,
                                 const GrepWanted& wanted) const;

 private:
  Result<std::string> run(int folder, std::vector<std::string> args, std::string input,
                          bool& truncated) const;
  Options options_;
};

}  // namespace muster::files
