#pragma once
// The syntax port on tree-sitter's grammars.

#include <list>
#include <mutex>

#include "adapters/treesitter/source_tree.hpp"
#include "runtime/ports/syntax.hpp"

namespace muster {

/// Keeps the trees of the last texts that it saw: a change of one of them is parsed in the time
/// that the change takes, not the file. Thread-safe.
class TreeSitterSyntax final : public SyntaxPort {
 public:
  explicit TreeSitterSyntax(treesitter::SourceLimits limits = {}, std::size_t kept_trees = 64)
      : limits_(limits), kept_trees_(kept_trees) {}

  Result<SyntaxReport> check(const std::string& path, const std::string& content) override;
  Result<SyntaxReport> compare(const std::string& path, const std::optional<std::string>& before,
                               const std::string& after) override;

 private:
  using Tree = std::shared_ptr<const treesitter::SourceTree>;

  Result<Tree> tree_of(const Language& language, const std::string& text, const Tree& before);
  Tree kept(const Language& language, std::string_view text);
  void keep(Tree tree);

  treesitter::SourceLimits limits_;
  std::size_t kept_trees_;
  std::mutex mutex_;
  std::list<Tree> trees_;  // the last used first
};

}  // namespace muster
