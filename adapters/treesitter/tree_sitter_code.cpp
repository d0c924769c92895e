#include "adapters/treesitter/tree_sitter_code.hpp"

#include <utility>

#include "adapters/treesitter/code_search.hpp"
#include "adapters/treesitter/symbol_edit.hpp"

namespace muster {
namespace {

constexpr std::size_t kMaxFileBytes = 4U << 20U;
constexpr treesitter::FindLimits kFindLimits{8U << 20U, 1000};

treesitter::SearchSpec spec_of(const CodePattern& pattern) {
  treesitter::SearchSpec out;
  out.pattern = pattern.pattern;
  out.inside = pattern.inside;
  out.has = pattern.has;
  out.without = pattern.without;
  for (const auto& [hole, regex] : pattern.where) out.where.push_back({hole, regex});
  return out;
}

CodeHit hit_of(const std::string& file, const treesitter::CodeMatch& match) {
  return {file, match.range.begin.line + 1, match.range.begin.column + 1,
          match.lines.substr(0, match.lines.find('\n'))};
}

}  // namespace

TreeSitterCode::TreeSitterCode(std::string root, std::shared_ptr<WorkspaceFiles> files,
                               OpenIndex open_index)
    : root_(std::move(root)), files_(std::move(files)), open_index_(std::move(open_index)) {}

Result<treesitter::SearchOutcome> TreeSitterCode::find(const CodePattern& pattern, bool keep_text,
                                                       std::string* warning) {
  auto searches = treesitter::searches_for(pattern.language, spec_of(pattern));
  if (!searches) return searches.error();
  auto paths = files_->files(pattern.path);
  if (!paths) return paths.error();
  if (warning) *warning = searches->warning;
  treesitter::SearchOptions options;
  options.keep_text = keep_text;
  options.find = kFindLimits;
  return treesitter::search_files(root_, *paths, *searches, options);
}

Result<CodeHits> TreeSitterCode::search(const CodePattern& pattern) {
  CodeHits out;
  auto outcome = find(pattern, false, &out.warning);
  if (!outcome) return outcome.error();
  out.skipped = std::move(outcome->skipped);
  out.searched = outcome->searched;
  for (const auto& file : outcome->files)
    for (const auto& match : file.matches) out.hits.push_back(hit_of(file.path, match));
  return out;
}

Result<std::vector<FileRewrite>> TreeSitterCode::rewrite(const CodePattern& pattern,
                                                         const std::string& replacement) {
  const auto outcome = find(pattern, true, nullptr);
  if (!outcome) return outcome.error();
  // All files or none: one that could not be looked at may have matches, too.
  if (!outcome->skipped.empty())
    return Error{ErrorCode::limit_reached,
                 "nothing was rewritten, a file could not be searched; narrow the path",
                 outcome->skipped.front()};
  return treesitter::rewrites_of(*outcome, spec_of(pattern),
                                 treesitter::RewriteTemplate(replacement));
}

Result<treesitter::SourceTree> TreeSitterCode::parse(const std::string& path) {
  auto content = files_->slurp(path, kMaxFileBytes);
  if (!content) return content.error();
  if (!*content) return Error{ErrorCode::not_found, "there is no such file", path};
  const auto* language = language_of(path, **content);
  if (!language)
    return Error{ErrorCode::invalid_argument, "no grammar knows what is in it; use read", path};
  return treesitter::SourceParser().parse(*language, std::move(**content));
}

Result<std::vector<IndexedSymbol>> TreeSitterCode::outline(const std::string& path) {
  auto tree = parse(path);
  if (!tree) return tree.error();
  std::vector<IndexedSymbol> out;
  for (const auto& symbol : treesitter::outline_of(*tree))
    out.push_back(treesitter::indexed_symbol(path, symbol));
  return out;
}

Result<FileRewrite> TreeSitterCode::replace_symbol(const std::string& path,
                                                   const std::string& symbol, SymbolPart part,
                                                   const std::string& text) {
  auto tree = parse(path);
  if (!tree) return tree.error();
  auto found = treesitter::find_symbol(*tree, symbol);
  if (!found) return found.error();
  auto replacement = treesitter::replace_symbol(*tree, *found, part, text);
  if (!replacement) return replacement.error();
  return FileRewrite{path, std::string(tree->text()),
                     treesitter::replaced(tree->text(), {*replacement})};
}

Result<std::shared_ptr<CodeIndex>> TreeSitterCode::index() {
  std::lock_guard lock(mutex_);
  if (index_) return index_;
  if (!open_index_) return Error{ErrorCode::unavailable, "there is no index of this tree"};
  auto opened = open_index_();
  if (opened) index_ = *opened;
  return opened;
}

}  // namespace muster
