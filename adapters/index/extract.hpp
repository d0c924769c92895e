#pragma once
// From a syntax tree to what the index keeps of it.

#include <memory>
#include <vector>

#include "adapters/index/file_facts.hpp"
#include "adapters/treesitter/source_tree.hpp"

namespace muster::index {

/// Whether a file in this language has anything that the index keeps: data has not.
[[nodiscard]] bool has_facts(const Language& language);

/// What a node of the tree is to the index.
enum class NodeRole : std::uint8_t {
  none,
  name,          ///< an identifier
  command_name,  ///< of a shell
  import,        ///< may be one: see imports_of
};

/// Keeps a table a language. Not thread-safe: one a thread.
class Extractor {
 public:
  Extractor();
  ~Extractor();
  Extractor(const Extractor&) = delete;
  Extractor& operator=(const Extractor&) = delete;

  [[nodiscard]] FileFacts facts_of(const treesitter::SourceTree& tree);

 private:
  using Roles = std::vector<NodeRole>;  // by the grammar's number of a type
  const Roles& roles_of(const Language& language);

  std::vector<std::unique_ptr<Roles>> roles_;  // by the place in languages()
};

}  // namespace muster::index
