#pragma once
// The files of one tree, in memory.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports/workspace_files.hpp"

namespace muster::test {

using FileMap = std::map<std::string, std::string>;

/// Single-threaded. What it changes is seen by all who share the map.
class FakeFiles final : public WorkspaceFiles {
 public:
  explicit FakeFiles(std::shared_ptr<FileMap> files) : files_(std::move(files)) {}

  Result<ToolText> read(const std::string& path, int first, int) override {
    auto found = files_->find(path);
    if (found == files_->end()) return Error{ErrorCode::not_found, "no such file", path};
    return ToolText{std::to_string(first) + "\t" + found->second, false};
  }
  Result<WriteReceipt> write(const std::string& path, const std::string& content) override {
    WriteReceipt receipt{path, digest(path), {}};
    (*files_)[path] = content;
    receipt.digest_after = digest(path);
    return receipt;
  }
  Result<WriteReceipt> edit(const std::string& path, const std::string& old_text,
                            const std::string& new_text, bool) override {
    auto found = files_->find(path);
    if (found == files_->end()) return Error{ErrorCode::not_found, "no such file", path};
    auto at = found->second.find(old_text);
    if (at == std::string::npos)
      return Error{ErrorCode::invalid_argument, "old_text does not occur", path};
    auto text = found->second;
    return write(path, text.replace(at, old_text.size(), new_text));
  }
  Result<std::vector<WriteReceipt>> rewrite(const std::vector<FileRewrite>& rewrites) override {
    for (const auto& one : rewrites) {
      const auto found = files_->find(one.path);
      if (found == files_->end() || found->second != one.before)
        return Error{ErrorCode::conflict, "the file has changed meanwhile", one.path};
    }
    std::vector<WriteReceipt> out;
    for (const auto& one : rewrites) out.push_back(*write(one.path, one.after));
    return out;
  }
  Result<ToolText> list(const std::string&, int) override { return glob("**"); }
  Result<ToolText> glob(const std::string&) override {
    ToolText out;
    for (const auto& [path, text] : *files_) out.text += path + "\n";
    return out;
  }
  Result<ToolText> grep(const std::string& pattern, const std::string&,
                        const std::string&) override {
    ToolText out;
    for (const auto& [path, text] : *files_)
      if (text.find(pattern) != std::string::npos) out.text += path + "\n";
    return out;
  }
  Result<std::optional<std::string>> slurp(const std::string& path, std::size_t) override {
    auto found = files_->find(path);
    if (found == files_->end()) return std::optional<std::string>();
    return std::optional<std::string>(found->second);
  }

 private:
  std::string digest(const std::string& path) const {
    auto found = files_->find(path);
    return found == files_->end() ? std::string()
                                  : "d" + std::to_string(std::hash<std::string>()(found->second));
  }
  std::shared_ptr<FileMap> files_;
};

}  // namespace muster::test
