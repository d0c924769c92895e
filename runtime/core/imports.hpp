#pragma once
// What files import, and which files of the tree that names. Pure: a tree is its paths here.

#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/tree_paths.hpp"

namespace muster {

/// How an import is written, which decides where it is looked for.
enum class ImportForm {
  c_quoted,       ///< #include "x"
  c_system,       ///< #include <x>
  script,         ///< JavaScript, TypeScript: import, export from, require, import()
  python,         ///< target with its leading dots: "..pkg.mod"; names: what is taken from it
  go,             ///< the package's path
  rust_mod,       ///< mod x; with the modules around it in the file: "outer::x"
  rust_use,       ///< "crate::a::B"
  java,           ///< "a.b.C", "a.b.*"
  csharp,         ///< a namespace, which no path tells
  ruby_require,   ///< looked for in the load path
  ruby_relative,  ///< require_relative
  php_use,        ///< a class: "A\B\C"
  php_include,    ///< include, require: looked for in include_path and the current folder
  php_beside,     ///< __DIR__ . '/x.php'
  bash_source,    ///< source x: relative to the current folder
  bash_beside,    ///< source "$dir/x": the rest behind what only the shell knows
  css,            ///< @import
  html,           ///< <script src>, <link href>
};

/// One import of a file.
struct Import {
  ImportForm form = ImportForm::script;
  std::string target;
  std::vector<std::string> names = {};  ///< Python's "from target import names"
  int line = 0;                         ///< from 1
  /// Its absence may be meant: in a try, under a condition, with an attribute that says where.
  bool guarded = false;

  bool operator==(const Import&) const = default;
};

/// A module of Go's: what go.mod says, and where that is.
struct GoModule {
  std::string folder;
  std::string name;
};

/// The first "module" line of a go.mod; empty when there is none. Pure.
[[nodiscard]] std::string go_module_name(std::string_view go_mod);

/// What imports are resolved in.
struct ImportTree {
  const TreePaths& paths;
  std::vector<GoModule> go_modules = {};
};

/// The files of the tree that an import of the file `from` names, sorted; empty when that cannot be
/// told or is outside of the tree. A package is all its files. Pure.
[[nodiscard]] std::vector<std::string> resolve_import(const ImportTree& tree, std::string_view from,
                                                      const Import& import);

/// An import that leads nowhere.
struct BrokenImport {
  int line = 0;
  std::string target;   ///< as it is written
  std::string missing;  ///< the path from the root that is not there
};

/// The same, with the file that has it.
struct MissingImport {
  std::string file;
  int line = 0;         ///< from 1
  std::string target;   ///< as it is written
  std::string missing;  ///< the path from the root that is not there, perhaps without its suffix
};

/// Those imports of the file `from` that certainly name a file of the tree which is not there:
/// relative ones (JavaScript's "./x", Python's ".x", Ruby's require_relative, PHP's __DIR__, CSS's
/// "./x"), Rust's "mod x;" and a shell's "source ./x". Not told: guarded ones, what may be
/// generated (a folder named so, or one that is not in the tree at all), and everything that is
/// looked for in a list of places that the tree does not tell (C's includes, packages). `paths`
/// should hold every file that is there, ignored ones, too. Pure.
[[nodiscard]] std::vector<BrokenImport> broken_imports(const TreePaths& paths,
                                                       std::string_view from,
                                                       const std::vector<Import>& imports);

}  // namespace muster
