#pragma once
// A map of a repository: its most used files and symbols, within a budget. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

/// A definition, as far as the map knows it.
struct MapSymbol {
  std::string name;
  std::string kind;       ///< see IndexedSymbol
  std::string signature;  ///< one line
  int line = 0;           ///< from 1
  int end_line = 0;
  int depth = 0;  ///< how many symbols of the file it lies in
};

/// A name that a file uses.
struct MapUse {
  std::uint64_t name = 0;  ///< name_id()
  std::uint32_t count = 0;
};

struct MapFile {
  std::string path;
  std::string_view language;  ///< of languages(): names of different ones mean different things
  std::vector<MapSymbol> symbols;  ///< in order of place
  std::vector<MapUse> uses;
  std::vector<std::uint32_t> imports = {};  ///< indices of the files that it imports
};

/// What the map is wanted for.
struct MapWish {
  std::int64_t token_budget = 2000;     ///< estimated tokens (estimate_tokens) of the whole text
  std::string text = {};                ///< the task in words: names and files in it weigh more
  std::vector<std::string> files = {};  ///< that the task is about
};

/// A symbol and what it weighs.
struct RankedSymbol {
  std::uint32_t file = 0;    ///< index into the files
  std::uint32_t symbol = 0;  ///< index into the file's symbols
  double score = 0;
};

/// All symbols, the weightiest first. Files are the nodes of a graph with an edge from where a name
/// is used to where it is defined. An edge weighs the root of the number of uses, divided by how
/// many files define the name; less for private and very short names, and for files that the user
/// does not import (a name is not a thing: half of all "string" are another one); more for names of
/// the wish. PageRank, with a preference for the files of the wish, gives each file a rank, which
/// flows along its edges into the symbols that it uses.
[[nodiscard]] std::vector<RankedSymbol> rank_symbols(const std::vector<MapFile>& files,
                                                     const MapWish& wish);

/// The map as text: file by file, the weightiest first, of each its best symbols and those around
/// them in order of place, "line: signature". As many as the budget holds; empty when it holds
/// none. The same input gives the same text.
[[nodiscard]] std::string repo_map(const std::vector<MapFile>& files, const MapWish& wish);

}  // namespace muster
