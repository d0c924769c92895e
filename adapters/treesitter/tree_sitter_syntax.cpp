#include "adapters/treesitter/tree_sitter_syntax.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "adapters/treesitter/syntax_problems.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using treesitter::max_syntax_problems;
using treesitter::PlacedProblem;
using treesitter::SourceTree;

SyntaxReport report_of(const Language& language, std::vector<PlacedProblem> problems) {
  SyntaxReport out;
  out.language = &language;
  out.truncated = problems.size() > max_syntax_problems;
  if (out.truncated) problems.resize(max_syntax_problems);
  for (auto& placed : problems) out.problems.push_back(std::move(placed.problem));
  return out;
}

/// A problem is an old one when the old text had the same on a line like it: where it stands may
/// have moved.
void drop_known(const std::vector<PlacedProblem>& before, std::vector<PlacedProblem>& after) {
  using Key = std::pair<std::string, std::string>;
  std::map<Key, int> known;
  for (const auto& placed : before) ++known[{placed.problem.message, placed.problem.text}];
  std::erase_if(after, [&](const PlacedProblem& placed) {
    const auto found = known.find({placed.problem.message, placed.problem.text});
    return found != known.end() && found->second-- > 0;
  });
}

}  // namespace

TreeSitterSyntax::Tree TreeSitterSyntax::kept(const Language& language, std::string_view text) {
  const std::lock_guard lock(mutex_);
  const auto at = std::find_if(trees_.begin(), trees_.end(), [&](const Tree& tree) {
    return &tree->language() == &language && tree->text() == text;
  });
  if (at == trees_.end()) return nullptr;
  trees_.splice(trees_.begin(), trees_, at);
  return trees_.front();
}

void TreeSitterSyntax::keep(Tree tree) {
  const std::lock_guard lock(mutex_);
  trees_.push_front(std::move(tree));
  if (trees_.size() > kept_trees_) trees_.pop_back();
}

Result<TreeSitterSyntax::Tree> TreeSitterSyntax::tree_of(const Language& language,
                                                         const std::string& text,
                                                         const Tree& before) {
  if (auto tree = kept(language, text)) return tree;
  treesitter::SourceParser parser(limits_);
  auto parsed = parser.parse(language, text, before.get());
  if (!parsed) return parsed.error();
  auto tree = std::make_shared<const SourceTree>(std::move(*parsed));
  keep(tree);
  return tree;
}

Result<SyntaxReport> TreeSitterSyntax::check(const std::string& path, const std::string& content) {
  return compare(path, std::nullopt, content);
}

Result<SyntaxReport> TreeSitterSyntax::compare(const std::string& path,
                                               const std::optional<std::string>& before,
                                               const std::string& after) {
  const auto* language = language_of(path, after);
  if (!language) return SyntaxReport{};
  Tree old;
  if (before) {
    auto parsed = tree_of(*language, *before, nullptr);
    if (!parsed) return parsed.error();
    old = *parsed;
  }
  auto tree = tree_of(*language, after, old);
  if (!tree) {
    auto error = tree.error();
    error.context = path;
    return error;
  }
  auto problems = treesitter::problems_of(**tree);
  if (old && !problems.empty()) drop_known(treesitter::problems_of(*old), problems);
  return report_of(*language, std::move(problems));
}

}  // namespace muster
