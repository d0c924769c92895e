#include "adapters/index/tree_reader.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <unordered_map>

#include "adapters/index/symbol_query.hpp"
#include "adapters/io/read_all.hpp"
#include "adapters/io/unique_fd.hpp"
#include "runtime/core/languages.hpp"
#include "runtime/core/name_id.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster::index {
namespace {

constexpr std::size_t kMaxShownLine = 200;
constexpr std::size_t kMaxMissing = 1000;

/// The file's text now; empty when it cannot be read.
std::string text_of(const KnownTree& tree, const std::string& path) {
  // Below the open folder, whatever its own path leads to by now.
  auto text = read_all("/proc/self/fd/" + std::to_string(tree.root) + '/' + path);
  return text ? std::move(*text) : std::string();
}

/// Calls visit(path, row) for each row; the path is its first column. Stops at a failure.
template <class Visit>
Status each_row(store::Statement& query, Visit visit) {
  for (;;) {
    auto row = query.step();
    if (!row) return row.error();
    if (!*row) return ok_status();
    if (Status done = visit(query.bytes(0)); !done) return done;
  }
}

bool in_folder(const std::string& path, std::string_view folder) {
  return folder.empty() || folder == "." || path_within(folder, path);
}

std::string normal_folder(std::string_view folder) {
  std::string out;
  return path_beside("", folder, out) ? out : std::string(folder);
}

// ---- references -------------------------------------------------------------------------------

std::int64_t code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; });
}

/// The innermost symbol around a place.
std::string around(const std::vector<FactSymbol>& symbols, std::size_t offset) {
  const FactSymbol* best = nullptr;
  for (const auto& symbol : symbols) {
    if (symbol.begin > offset) break;
    const bool inner = !best || symbol.begin >= best->begin;
    if (offset < symbol.end && inner) best = &symbol;
  }
  return best ? best->path : std::string();
}

/// The places of one name in one text.
class Places {
 public:
  Places(std::string path, const std::string& name, std::string text)
      : path_(std::move(path)), name_(name), text_(std::move(text)) {}

  /// False when the text has something else there by now.
  bool at(std::size_t offset, const std::vector<FactSymbol>& symbols, IndexedReference& out) {
    if (offset > text_.size() || text_.compare(offset, name_.size(), name_) != 0) return false;
    line_ +=
        static_cast<int>(std::count(text_.begin() + static_cast<std::ptrdiff_t>(counted_),
                                    text_.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
    counted_ = offset;
    const std::string_view text = text_;
    const auto before = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
    const auto begin = before == std::string_view::npos ? 0 : before + 1;
    const auto line = text.substr(begin, text.find('\n', begin) - begin);
    out.file = path_;
    out.line = line_;
    out.column = static_cast<int>(code_points(text.substr(begin, offset - begin))) + 1;
    out.text = valid_utf8(bounded_head(trim(line), kMaxShownLine));
    out.within = around(symbols, offset);
    return true;
  }

 private:
  std::string path_;
  const std::string& name_;
  std::string text_;
  std::size_t counted_ = 0;
  int line_ = 1;
};

/// A content that uses a name, and the file that has it.
struct Hit {
  std::string path;
  std::int64_t content = 0;
};

Result<std::vector<Hit>> hits_of(const KnownTree& tree, std::uint64_t name) {
  auto query = tree.database.prepare(
      "SELECT f.path, f.content, c.names FROM file f JOIN content c ON c.id=f.content"
      " WHERE f.tree=?1 ORDER BY f.path");
  if (!query) return query.error();
  query->bind(1, tree.tree);
  std::vector<Hit> out;
  auto done = each_row(*query, [&](std::string path) -> Status {
    if (has_name(query->view(2), name)) out.push_back({std::move(path), query->integer(1)});
    return ok_status();
  });
  if (!done) return done.error();
  return out;
}

// ---- imports ----------------------------------------------------------------------------------

TreePaths paths_of(const KnownTree& tree) {
  std::vector<std::string> out;
  out.reserve(tree.files.size());
  for (const auto& file : tree.files) out.push_back(file.path);
  return TreePaths(std::move(out));
}

ImportTree import_tree(const KnownTree& tree, const TreePaths& paths) {
  ImportTree out{paths, {}};
  for (const auto path : paths.ending_with("go.mod")) {
    auto name = go_module_name(text_of(tree, std::string(path)));
    auto folder = path == "go.mod" ? std::string() : std::string(parent_path(path));
    if (!name.empty()) out.go_modules.push_back({std::move(folder), std::move(name)});
  }
  return out;
}

/// Calls visit(path, imports) for each file that imports something.
template <class Visit>
Status each_import(const KnownTree& tree, Visit visit) {
  auto query = tree.database.prepare(
      "SELECT f.path, c.imports FROM file f JOIN content c ON c.id=f.content"
      " WHERE f.tree=?1 AND length(c.imports)>1 ORDER BY f.path");
  if (!query) return query.error();
  query->bind(1, tree.tree);
  return each_row(*query, [&](const std::string& path) -> Status {
    auto imports = unpack_imports(query->view(1));
    if (!imports) return imports.error();
    visit(path, *imports);
    return ok_status();
  });
}

/// Gives each file those that it imports; `imports`: of each file, in the same order.
void link(const ImportTree& tree, const std::vector<std::vector<Import>>& imports,
          std::vector<MapFile>& files) {
  std::unordered_map<std::string_view, std::uint32_t> index;
  index.reserve(files.size());
  for (std::uint32_t i = 0; i < files.size(); ++i) index.emplace(files[i].path, i);
  for (std::size_t i = 0; i < files.size(); ++i)
    for (const auto& import : imports[i])
      for (const auto& target : resolve_import(tree, files[i].path, import))
        if (const auto found = index.find(target); found != index.end())
          files[i].imports.push_back(found->second);
}

/// Whether the folder has something of this name with whatever suffix, listed or not.
bool is_there(const KnownTree& tree, const std::string& path) {
  auto folder = std::string(parent_path(path));
  if (folder.empty()) folder = ".";
  const auto whole = base_name(path);
  const auto stem = whole.substr(0, whole.rfind('.'));
  struct Closer {
    void operator()(DIR* dir) const { ::closedir(dir); }
  };
  const int fd = ::openat(tree.root, folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, Closer> dir(fd < 0 ? nullptr : ::fdopendir(fd));
  if (!dir) return false;
  for (auto* entry = ::readdir(dir.get()); entry != nullptr; entry = ::readdir(dir.get())) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name == whole || name == stem) return true;
    if (name.starts_with(stem) && name.size() > stem.size() && name[stem.size()] == '.')
      return true;
  }
  return false;
}

}  // namespace

Result<std::vector<IndexedSymbol>> find_symbols(const KnownTree& tree, const SymbolQuery& query) {
  const SymbolFilter filter(query);
  const auto folder = normal_folder(query.folder);
  auto rows = tree.database.prepare(
      "SELECT f.path, c.symbols FROM file f JOIN content c ON c.id=f.content"
      " WHERE f.tree=?1 AND f.symbols>0 ORDER BY f.path");
  if (!rows) return rows.error();
  rows->bind(1, tree.tree);
  std::vector<IndexedSymbol> out;
  auto done = each_row(*rows, [&](const std::string& path) -> Status {
    const bool wanted = out.size() < query.limit && in_folder(path, folder);
    if (!wanted || !filter.possible_in(rows->view(1))) return ok_status();
    auto symbols = unpack_symbols(rows->view(1));
    if (!symbols) return symbols.error();
    for (auto& it : *symbols)
      if (out.size() < query.limit && filter.matches(it))
        out.push_back({path, std::move(it.kind), std::move(it.name), std::move(it.path),
                       std::move(it.signature), it.line, it.end_line});
    return ok_status();
  });
  if (!done) return done.error();
  return out;
}

Result<std::vector<IndexedReference>> find_references(const KnownTree& tree,
                                                      const std::string& name, std::size_t limit,
                                                      bool& limit_hit) {
  limit_hit = false;
  auto hits = hits_of(tree, name_id(name));
  if (!hits) return hits.error();
  auto query = tree.database.prepare("SELECT names, symbols, places FROM content WHERE id=?1");
  if (!query) return query.error();
  std::vector<IndexedReference> out;
  for (auto& hit : *hits) {
    query->reset();
    auto row = query->bind(1, hit.content).step();
    if (!row) return row.error();
    if (!*row) continue;
    auto offsets = unpack_places(query->view(0), query->view(2), name_id(name));
    auto symbols = unpack_symbols(query->view(1));
    if (!offsets) return offsets.error();
    if (!symbols) return symbols.error();
    auto text = text_of(tree, hit.path);
    Places places(std::move(hit.path), name, std::move(text));
    for (const auto offset : *offsets) {
      IndexedReference found;
      if (!places.at(offset, *symbols, found)) continue;
      limit_hit = out.size() >= limit;
      if (limit_hit) return out;
      out.push_back(std::move(found));
    }
  }
  return out;
}

Result<std::vector<MapFile>> map_files(const KnownTree& tree) {
  const auto paths = paths_of(tree);
  const auto where = import_tree(tree, paths);
  std::vector<std::vector<Import>> imports;
  auto rows = tree.database.prepare(
      "SELECT f.path, f.language, c.names, c.symbols, c.imports FROM file f JOIN content c ON "
      "c.id=f.content"
      " WHERE f.tree=?1 ORDER BY f.path");
  if (!rows) return rows.error();
  rows->bind(1, tree.tree);
  std::vector<MapFile> out;
  auto done = each_row(*rows, [&](std::string path) -> Status {
    const auto* language = language_named(rows->view(1));
    auto names = unpack_names(rows->view(2));
    auto symbols = unpack_symbols(rows->view(3));
    if (!names) return names.error();
    if (!symbols) return symbols.error();
    auto imported = unpack_imports(rows->view(4));
    if (!imported) return imported.error();
    imports.push_back(std::move(*imported));
    MapFile file{std::move(path), language ? language->name : std::string_view{}, {}, {}, {}};
    file.uses.reserve(names->size());
    for (const auto& use : *names) file.uses.push_back({use.name, use.count});
    file.symbols.reserve(symbols->size());
    for (auto& it : *symbols)
      file.symbols.push_back({std::move(it.name), std::move(it.kind), std::move(it.signature),
                              it.line, it.end_line, it.depth});
    out.push_back(std::move(file));
    return ok_status();
  });
  if (!done) return done.error();
  link(where, imports, out);
  return out;
}

Result<std::vector<std::string>> find_dependents(const KnownTree& tree,
                                                 const std::vector<std::string>& files) {
  const auto paths = paths_of(tree);
  const auto where = import_tree(tree, paths);
  std::unordered_map<std::string, std::vector<std::string>> importers;
  auto done = each_import(tree, [&](const std::string& path, const std::vector<Import>& imports) {
    for (const auto& import : imports)
      for (auto& target : resolve_import(where, path, import))
        importers[std::move(target)].push_back(path);
  });
  if (!done) return done.error();
  std::vector<std::string> todo;
  std::map<std::string, bool> reached;  // true: it was asked for
  for (const auto& file : files)
    if (reached.emplace(normal_folder(file), true).second) todo.push_back(normal_folder(file));
  while (!todo.empty()) {
    const auto found = importers.find(todo.back());
    todo.pop_back();
    if (found == importers.end()) continue;
    for (const auto& importer : found->second)
      if (reached.emplace(importer, false).second) todo.push_back(importer);
  }
  std::vector<std::string> out;
  for (const auto& [path, asked] : reached)
    if (!asked) out.push_back(path);
  return out;
}

Result<std::vector<MissingImport>> find_missing_imports(const KnownTree& tree,
                                                        const std::vector<std::string>& files) {
  const auto paths = paths_of(tree);
  std::vector<MissingImport> out;
  auto done = each_import(tree, [&](const std::string& path, const std::vector<Import>& imports) {
    const bool asked = files.empty() || std::find(files.begin(), files.end(), path) != files.end();
    if (!asked || out.size() >= kMaxMissing) return;
    for (auto& broken : broken_imports(paths, path, imports))
      if (!is_there(tree, broken.missing))
        out.push_back({path, broken.line, std::move(broken.target), std::move(broken.missing)});
  });
  if (!done) return done.error();
  return out;
}

}  // namespace muster::index
