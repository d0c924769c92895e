#pragma once
// Port to the files of one working tree as agents may see and change them. All calls block.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster {

/// What a file tool produced for the model: bounded text, and whether there was more.
struct ToolText {
  std::string text;
  bool truncated = false;
};

struct WriteReceipt {
  std::string path;           ///< relative, normalised
  std::string digest_before;  ///< SHA-256 hex, empty = did not exist
  std::string digest_after;
  std::string note;  ///< what the agent should know of it; may be empty
};

/// A file's new content, made from the old.
struct FileRewrite {
  std::string path;    ///< relative to the root
  std::string before;  ///< what the file must still hold
  std::string after;
};

/// One tree, opened by its root. Every path is checked: inside the root after resolving symlinks,
/// not credentials, not .git.
class WorkspaceFiles {
 public:
  virtual ~WorkspaceFiles() = default;
  /// Lines [first, first+count) with line numbers; first is 1-based; count 0 = to the bound. Binary
  /// files are described, not shown.
  virtual Result<ToolText> read(const std::string& path, int first, int count) = 0;
  /// Creates or replaces a file (temp + rename), making parent folders.
  virtual Result<WriteReceipt> write(const std::string& path, const std::string& content) = 0;
  /// Replaces exactly one occurrence of old_text (or all, when asked); errors say how many there
  /// are, and show the nearest miss.
  virtual Result<WriteReceipt> edit(const std::string& path, const std::string& old_text,
                                    const std::string& new_text, bool all) = 0;
  /// Replaces all of the files or none. conflict: one is not what it was; the context names it.
  /// Receipts in the order of the rewrites. A crash in the middle may leave some written.
  virtual Result<std::vector<WriteReceipt>> rewrite(const std::vector<FileRewrite>& rewrites) = 0;
  /// Paths of the files at or below a path that agents may see, ignore files honoured, sorted.
  virtual Result<std::vector<std::string>> files(const std::string& path) = 0;
  virtual Result<ToolText> list(const std::string& path, int depth) = 0;
  /// Files that match the glob ("**" crosses folders), honouring ignore files.
  virtual Result<ToolText> glob(const std::string& pattern) = 0;
  /// ripgrep: pattern is a regular expression; include is an optional glob.
  virtual Result<ToolText> grep(const std::string& pattern, const std::string& path,
                                const std::string& include) = 0;
  /// Whole content for the engine itself (built-in checks); nullopt when absent. At most max_bytes.
  virtual Result<std::optional<std::string>> slurp(const std::string& path,
                                                   std::size_t max_bytes) = 0;
};

/// Opens the tree at `root`. Any thread.
using OpenFiles = std::function<Result<std::shared_ptr<WorkspaceFiles>>(const std::string& root)>;

}  // namespace muster
