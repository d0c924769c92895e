#pragma once
// The code of a folder by its structure, through tree-sitter.

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/treesitter/code_search.hpp"
#include "adapters/treesitter/source_tree.hpp"
#include "runtime/ports/workspace_code.hpp"

namespace muster {

class TreeSitterCode final : public WorkspaceCode {
 public:
  using OpenIndex = std::function<Result<std::shared_ptr<CodeIndex>>()>;

  /// `files`: what agents may see of the folder `root`. `open_index` is called once, when the index
  /// is asked for the first time; empty: there is none.
  TreeSitterCode(std::string root, std::shared_ptr<WorkspaceFiles> files, OpenIndex open_index);

  Result<CodeHits> search(const CodePattern& pattern) override;
  Result<std::vector<FileRewrite>> rewrite(const CodePattern& pattern,
                                           const std::string& replacement) override;
  Result<std::vector<IndexedSymbol>> outline(const std::string& path) override;
  Result<FileRewrite> replace_symbol(const std::string& path, const std::string& symbol,
                                     SymbolPart part, const std::string& text) override;
  Result<std::shared_ptr<CodeIndex>> index() override;

 private:
  Result<treesitter::SearchOutcome> find(const CodePattern& pattern, bool keep_text,
                                         std::string* warning);
  Result<treesitter::SourceTree> parse(const std::string& path);

  std::string root_;
  std::shared_ptr<WorkspaceFiles> files_;
  OpenIndex open_index_;
  std::mutex mutex_;  // of index_
  std::shared_ptr<CodeIndex> index_;
};

}  // namespace muster
