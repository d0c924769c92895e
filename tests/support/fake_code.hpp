#pragma once
// The code of a tree in memory: patterns are plain text, symbols are "name = ..." lines.

#include <memory>
#include <utility>

#include "runtime/ports/workspace_code.hpp"
#include "tests/support/fake_files.hpp"

namespace muster::test {

class FakeIndex : public CodeIndex {
 public:
  Result<IndexReport> refresh() override { return IndexReport{}; }
  Result<std::vector<IndexedSymbol>> symbols(const SymbolQuery& query) override {
    if (query.name == "none") return std::vector<IndexedSymbol>{};
    return std::vector<IndexedSymbol>{
        {"src/a.cpp", "method", query.name, "A::" + query.name, "void " + query.name + "()", 3, 5}};
  }
  Result<std::vector<IndexedReference>> references(const std::string& name, std::size_t,
                                                   bool& limit_hit) override {
    limit_hit = true;
    return std::vector<IndexedReference>{{"src/b.cpp", 7, 2, name + "();", "B::run"}};
  }
  Result<std::string> map(const MapRequest& request) override {
    return "map of " + std::to_string(request.token_budget) + " about " + request.text + "\n";
  }
  Result<std::vector<std::string>> dependents(const std::vector<std::string>&) override {
    return std::vector<std::string>{};
  }
};

class FakeCode final : public WorkspaceCode {
 public:
  explicit FakeCode(std::shared_ptr<FileMap> files,
                    std::shared_ptr<CodeIndex> index = std::make_shared<FakeIndex>())
      : files_(std::move(files)), index_(std::move(index)) {}

  Result<CodeHits> search(const CodePattern& pattern) override {
    CodeHits out;
    for (const auto& [path, text] : *files_) {
      ++out.searched;
      if (text.find(pattern.pattern) != std::string::npos) out.hits.push_back({path, 1, 1, text});
    }
    return out;
  }
  Result<std::vector<FileRewrite>> rewrite(const CodePattern& pattern,
                                           const std::string& replacement) override {
    std::vector<FileRewrite> out;
    for (const auto& [path, text] : *files_)
      if (auto after = text; replace(after, pattern.pattern, replacement))
        out.push_back({path, text, after});
    return out;
  }
  Result<std::vector<IndexedSymbol>> outline(const std::string& path) override {
    return std::vector<IndexedSymbol>{{path, "function", "run", "run", "int run()", 1, 4}};
  }
  Result<FileRewrite> replace_symbol(const std::string& path, const std::string& symbol, SymbolPart,
                                     const std::string& text) override {
    auto after = files_->at(path);
    if (!replace(after, symbol, text)) return Error{ErrorCode::not_found, "no " + symbol, path};
    return FileRewrite{path, files_->at(path), after};
  }
  Result<std::shared_ptr<CodeIndex>> index() override { return index_; }

 private:
  static bool replace(std::string& text, const std::string& before, const std::string& after) {
    const auto at = text.find(before);
    if (at != std::string::npos) text.replace(at, before.size(), after);
    return at != std::string::npos;
  }
  std::shared_ptr<FileMap> files_;
  std::shared_ptr<CodeIndex> index_;
};

}  // namespace muster::test
