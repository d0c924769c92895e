#pragma once
// Trees and a database in a temporary folder, and what the index says of them as lines.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "adapters/index/code_index.hpp"

namespace muster::index::test {

using Lines = std::vector<std::string>;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error("unexpected failure: " + result.error().text());
  return std::move(result).value();
}

class Place {
 public:
  Place() {
    auto name = (std::filesystem::temp_directory_path() / "muster-index-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = std::filesystem::canonical(name).string();
    std::filesystem::create_directories(tree());
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] std::string tree(const std::string& name = "tree") const {
    return folder_ + "/" + name;
  }
  [[nodiscard]] std::string database() const { return folder_ + "/state/index.db"; }
  [[nodiscard]] std::string path(const std::string& name) const { return tree() + "/" + name; }

  void put(const std::string& name, const std::string& content,
           const std::string& in = "tree") const {
    const std::filesystem::path path(tree(in) + "/" + name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << content;
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
  }
  void remove(const std::string& name) const { std::filesystem::remove_all(path(name)); }

  [[nodiscard]] CodeIndexOptions options() const {
    CodeIndexOptions out;
    out.database = database();
    return out;
  }
  [[nodiscard]] std::shared_ptr<CodeIndex> open(const std::string& name = "tree") const {
    return open_with(options(), name);
  }
  [[nodiscard]] std::shared_ptr<CodeIndex> open_with(const CodeIndexOptions& options,
                                                     const std::string& name = "tree") const {
    return must(SqliteCodeIndex(options).open(tree(name)));
  }

 private:
  std::string folder_;
};

/// "file:line kind path" of each.
inline Lines symbols(CodeIndex& index, const SymbolQuery& query = {}) {
  Lines out;
  for (const auto& it : must(index.symbols(query)))
    out.push_back(it.file + ":" + std::to_string(it.line) + " " + it.kind + " " + it.path);
  return out;
}

/// "file:line:column text [within]" of each.
inline Lines references(CodeIndex& index, const std::string& name, std::size_t limit = 1000) {
  Lines out;
  bool more = false;
  for (const auto& it : must(index.references(name, limit, more)))
    out.push_back(it.file + ":" + std::to_string(it.line) + ":" + std::to_string(it.column) + " " +
                  it.text + " [" + it.within + "]");
  if (more) out.emplace_back("...");
  return out;
}

}  // namespace muster::index::test
