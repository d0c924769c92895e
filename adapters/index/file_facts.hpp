#pragma once
// What the index keeps of one content, and the bytes that it is kept as.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/imports.hpp"
#include "runtime/core/result.hpp"

namespace muster::index {

/// A definition in a content.
struct FactSymbol {
  std::string kind;
  std::string name;
  std::string path;  ///< ends with the name
  std::string signature;
  int line = 0;  ///< from 1
  int end_line = 0;
  std::size_t begin = 0;  ///< in bytes
  std::size_t end = 0;
  int depth = 0;
};

/// A use of a name.
struct NameUse {
  std::uint64_t name = 0;  ///< name_id()
  std::uint32_t offset = 0;

  bool operator<(const NameUse& other) const {
    return name != other.name ? name < other.name : offset < other.offset;
  }
};

/// How often a content uses a name.
struct NameCount {
  std::uint64_t name = 0;
  std::uint32_t count = 0;
};

struct FileFacts {
  std::vector<FactSymbol> symbols;  ///< in order of place
  std::vector<NameUse> uses;        ///< sorted
  std::vector<Import> imports;
  std::uint64_t lines = 0;
};

/// The facts as they lie in the database. Numbers are LEB128 but for the ids in `names`, which are
/// eight bytes each, sorted, so that one is found without reading the others.
struct PackedFacts {
  std::string symbols;
  std::string names;   ///< how many, ids, how often each
  std::string places;  ///< for each name the offsets, as differences
  std::string imports;
};

[[nodiscard]] PackedFacts pack(const FileFacts& facts);

/// Errors of all: corrupt.
Result<std::vector<FactSymbol>> unpack_symbols(std::string_view bytes);
Result<std::vector<Import>> unpack_imports(std::string_view bytes);
Result<std::vector<NameCount>> unpack_names(std::string_view bytes);
/// Whether the names have this one: a look at few bytes. What is no list has none.
[[nodiscard]] bool has_name(std::string_view names, std::uint64_t name);
/// The offsets of one name; empty when it is not used.
Result<std::vector<std::uint32_t>> unpack_places(std::string_view names, std::string_view places,
                                                 std::uint64_t name);

}  // namespace muster::index
