// Which files imports name, language by language, and which lead nowhere for certain.
#include "runtime/core/imports.hpp"

#include <catch2/catch_test_macros.hpp>

namespace muster {
namespace {

using enum ImportForm;
using Paths = std::vector<std::string>;

Paths resolve(Paths paths, std::string_view from, Import import,
              std::vector<GoModule> modules = {}) {
  const TreePaths tree(std::move(paths));
  return resolve_import({tree, std::move(modules)}, from, import);
}

/// "line target -> missing" of each.
Paths broken(Paths paths, std::string_view from, const std::vector<Import>& imports) {
  Paths out;
  for (const auto& it : broken_imports(TreePaths(std::move(paths)), from, imports))
    out.push_back(std::to_string(it.line) + " " + it.target + " -> " + it.missing);
  return out;
}

bool is_broken(Paths paths, std::string_view from, Import import) {
  return !broken(std::move(paths), from, {std::move(import)}).empty();
}

}  // namespace

TEST_CASE("C includes: beside the file, from the root, else by an end that few have") {
  const Paths tree{"src/a.c", "src/b.h", "include/lib/x.h", "b.h", "other/y.h"};
  CHECK(resolve(tree, "src/a.c", {c_quoted, "b.h"}) == Paths{"src/b.h"});
  CHECK(resolve(tree, "other/y.h", {c_quoted, "b.h"}) == Paths{"b.h"});
  CHECK(resolve(tree, "src/a.c", {c_system, "lib/x.h"}) == Paths{"include/lib/x.h"});
  CHECK(resolve(tree, "src/a.c", {c_quoted, "y.h"}) == Paths{"other/y.h"});
  CHECK(resolve(tree, "src/a.c", {c_system, "y.h"}).empty());
  CHECK(resolve(tree, "src/a.c", {c_system, "stdio.h"}).empty());
  CHECK(resolve({"a/x/z.h", "b/x/z.h", "m.c"}, "m.c", {c_quoted, "x/z.h"}) ==
        Paths{"a/x/z.h", "b/x/z.h"});
}

TEST_CASE("scripts: suffixes, folders, and TypeScript under the name that it will have") {
  const Paths tree{"src/a.ts",        "src/b.tsx",   "src/c/index.js", "src/d.mts",
                   "src/data.json",   "lib.js",      "src/e.d.ts",     "src/c.ts",
                   "src/f/index.tsx", "src/both.js", "src/both.ts"};
  const auto from = [&](const char* target) { return resolve(tree, "src/a.ts", {script, target}); };
  CHECK(from("./b") == Paths{"src/b.tsx"});
  CHECK(from("./b.js") == Paths{"src/b.tsx"});
  CHECK(from("./d.mjs") == Paths{"src/d.mts"});
  CHECK(from("./c") == Paths{"src/c.ts"});
  CHECK(from("./c/") == Paths{"src/c/index.js"});
  CHECK(from("./f") == Paths{"src/f/index.tsx"});
  CHECK(from("./data.json") == Paths{"src/data.json"});
  CHECK(from("../lib") == Paths{"lib.js"});
  CHECK(from("./e") == Paths{"src/e.d.ts"});
  CHECK(from("./both.js") == Paths{"src/both.js"});
  CHECK(from("./b?raw") == Paths{"src/b.tsx"});
  CHECK(from("react").empty());
  CHECK(from("../../outside").empty());
  CHECK(from("./a").empty());  // itself
}

TEST_CASE("Python: relative, from the packages' root, and modules that are taken by name") {
  const Paths tree{"app/__init__.py", "app/a.py",   "app/sub/__init__.py", "app/sub/b.py",
                   "src/pkg/c.py",    "tests/t.py", "deep/x/only/here.py"};
  CHECK(resolve(tree, "app/a.py", {python, ".sub", {"b"}}) ==
        Paths{"app/sub/__init__.py", "app/sub/b.py"});
  CHECK(resolve(tree, "app/sub/b.py", {python, "..a", {"f"}}) == Paths{"app/a.py"});
  CHECK(resolve(tree, "app/sub/b.py", {python, "..", {"a"}}) ==
        Paths{"app/__init__.py", "app/a.py"});
  CHECK(resolve(tree, "tests/t.py", {python, "app.sub.b"}) == Paths{"app/sub/b.py"});
  CHECK(resolve(tree, "tests/t.py", {python, "pkg.c"}) == Paths{"src/pkg/c.py"});
  CHECK(resolve(tree, "tests/t.py", {python, "only.here"}) == Paths{"deep/x/only/here.py"});
  CHECK(resolve(tree, "tests/t.py", {python, "os"}).empty());
  CHECK(resolve(tree, "app/a.py", {python, "....x"}).empty());
}

TEST_CASE("Go: packages by the module of go.mod") {
  CHECK(go_module_name("// x\nmodule example.com/m // it\n\ngo 1.20\n") == "example.com/m");
  CHECK(go_module_name("module \"a.b/c\"\n") == "a.b/c");
  CHECK(go_module_name("go 1.20\n").empty());
  const Paths tree{"srv/go.mod",  "srv/main.go",      "srv/in/a.go",
                   "srv/in/b.go", "srv/in/a_test.go", "srv/in/deep/c.go"};
  const std::vector<GoModule> modules{{"srv", "example.com/m"}};
  CHECK(resolve(tree, "srv/main.go", {go, "example.com/m/in"}, modules) ==
        Paths{"srv/in/a.go", "srv/in/b.go"});
  CHECK(resolve(tree, "srv/main.go", {go, "fmt"}, modules).empty());
  CHECK(resolve(tree, "srv/main.go", {go, "example.com/more/in"}, modules).empty());
}

TEST_CASE("Rust: modules, and paths from the crate, the module, or another crate") {
  const Paths tree{"src/lib.rs",
                   "src/a.rs",
                   "src/a/b.rs",
                   "src/c/mod.rs",
                   "src/bin/x.rs",
                   "src/bin/part.rs",
                   "crates/my-util/src/lib.rs",
                   "crates/my-util/src/io.rs"};
  CHECK(resolve(tree, "src/lib.rs", {rust_mod, "a"}) == Paths{"src/a.rs"});
  CHECK(resolve(tree, "src/lib.rs", {rust_mod, "c"}) == Paths{"src/c/mod.rs"});
  CHECK(resolve(tree, "src/a.rs", {rust_mod, "b"}) == Paths{"src/a/b.rs"});
  CHECK(resolve(tree, "src/bin/x.rs", {rust_mod, "part"}) == Paths{"src/bin/part.rs"});
  CHECK(resolve(tree, "src/c/mod.rs", {rust_use, "crate::a::b::Thing"}) == Paths{"src/a/b.rs"});
  CHECK(resolve(tree, "src/a/b.rs", {rust_use, "super::helper"}) == Paths{"src/a.rs"});
  CHECK(resolve(tree, "src/a.rs", {rust_use, "self::b::X"}) == Paths{"src/a/b.rs"});
  CHECK(resolve(tree, "src/a.rs", {rust_use, "my_util::io::read"}) ==
        Paths{"crates/my-util/src/io.rs"});
  CHECK(resolve(tree, "src/a.rs", {rust_use, "std::fmt"}).empty());
}

TEST_CASE("Java, Ruby, PHP, shells, CSS and HTML") {
  const Paths java_tree{"src/main/java/a/b/C.java", "src/main/java/a/b/D.java", "x/App.java"};
  CHECK(resolve(java_tree, "x/App.java", {java, "a.b.C"}) == Paths{java_tree[0]});
  CHECK(resolve(java_tree, "x/App.java", {java, "a.b.C.member"}) == Paths{java_tree[0]});
  CHECK(resolve(java_tree, "x/App.java", {java, "a.b.*"}) == Paths{java_tree[0], java_tree[1]});
  CHECK(resolve(java_tree, "x/App.java", {java, "java.util.List"}).empty());

  const Paths ruby_tree{"lib/a/b.rb", "lib/a.rb", "spec/a_spec.rb", "spec/help.rb"};
  CHECK(resolve(ruby_tree, "spec/a_spec.rb", {ruby_require, "a/b"}) == Paths{"lib/a/b.rb"});
  CHECK(resolve(ruby_tree, "spec/a_spec.rb", {ruby_relative, "help"}) == Paths{"spec/help.rb"});
  CHECK(resolve(ruby_tree, "spec/a_spec.rb", {ruby_require, "json"}).empty());

  const Paths php_tree{"src/Http/Client.php", "src/Db/Client.php", "src/boot.php"};
  CHECK(resolve(php_tree, "src/boot.php", {php_use, "App\\Http\\Client"}) == Paths{php_tree[0]});
  CHECK(resolve(php_tree, "src/boot.php", {php_use, "Other\\Client"}).empty());
  CHECK(resolve(php_tree, "src/Db/Client.php", {php_beside, "../boot.php"}) ==
        Paths{"src/boot.php"});

  const Paths shell_tree{"scripts/lib.sh", "scripts/run", "tools/x/other.sh"};
  CHECK(resolve(shell_tree, "scripts/run", {bash_beside, "lib.sh"}) == Paths{"scripts/lib.sh"});
  CHECK(resolve(shell_tree, "scripts/run", {bash_source, "scripts/lib.sh"}) ==
        Paths{"scripts/lib.sh"});
  CHECK(resolve(shell_tree, "scripts/run", {bash_source, "./other.sh"}) ==
        Paths{"tools/x/other.sh"});

  CHECK(resolve({"a/x.css", "a/y.css"}, "a/x.css", {css, "y.css"}) == Paths{"a/y.css"});
  CHECK(resolve({"p/i.html", "js/a.js"}, "p/i.html", {html, "/js/a.js?v=1"}) == Paths{"js/a.js"});
  CHECK(resolve({"p/i.html", "p/a.js"}, "p/i.html", {html, "a.js"}) == Paths{"p/a.js"});
  CHECK(resolve({"a.cs"}, "b.cs", {csharp, "A.B"}).empty());
}

TEST_CASE("imports that certainly lead nowhere, with the place that is missing") {
  CHECK(broken({"src/a.ts", "src/b.ts"}, "src/a.ts",
               {{script, "./gone", {}, 1}, {script, "./b", {}, 2}, {script, "react", {}, 3}}) ==
        Paths{"1 ./gone -> src/gone"});
  CHECK(broken({"app/a.py", "app/b.py"}, "app/a.py",
               {{python, ".gone", {"x"}, 4}, {python, ".b", {"y"}, 5}, {python, "gone", {}, 6}}) ==
        Paths{"4 .gone -> app/gone.py"});
  CHECK(broken({"src/lib.rs"}, "src/lib.rs", {{rust_mod, "gone", {}, 1}}) ==
        Paths{"1 gone -> src/gone.rs"});
  CHECK(broken({"src/a.rs"}, "src/a.rs", {{rust_mod, "gone", {}, 1}}) ==
        Paths{"1 gone -> src/a/gone.rs"});
  CHECK(is_broken({"lib/a.rb"}, "lib/a.rb", {ruby_relative, "gone"}));
  CHECK(is_broken({"a.php"}, "a.php", {php_beside, "gone.php"}));
  CHECK(is_broken({"a.sh"}, "a.sh", {bash_source, "./gone.sh"}));
  CHECK(is_broken({"a.css"}, "a.css", {css, "./gone.css"}));
}

TEST_CASE("what may be there in another way is not said to be missing") {
  // Other suffixes, folders, what is made of something else.
  CHECK_FALSE(is_broken({"a.ts", "x.svelte"}, "a.ts", {script, "./x"}));
  CHECK_FALSE(is_broken({"a.ts", "x.coffee"}, "a.ts", {script, "./x.js"}));
  CHECK_FALSE(is_broken({"a.ts", "x/package.json"}, "a.ts", {script, "./x"}));
  CHECK_FALSE(is_broken({"a.ts", "x.svg"}, "a.ts", {script, "./x.svg?url"}));
  CHECK_FALSE(is_broken({"a.py", "ext.cpython-311-x86_64-linux-gnu.so"}, "a.py", {python, ".ext"}));
  CHECK_FALSE(is_broken({"p/a.py", "p/ns/x.py"}, "p/a.py", {python, ".ns", {"x"}}));
  CHECK_FALSE(is_broken({"p/a.py"}, "p/a.py", {python, ".", {"x"}}));
  CHECK_FALSE(is_broken({"src/main.rs", "src/x/mod.rs"}, "src/main.rs", {rust_mod, "x"}));
  CHECK_FALSE(is_broken({"tests/t.rs", "tests/x.rs"}, "tests/t.rs", {rust_mod, "x"}));
  // Generated, or in a folder that the tree has nothing of.
  CHECK_FALSE(is_broken({"a.ts"}, "a.ts", {script, "./generated/x"}));
  CHECK_FALSE(is_broken({"a.ts"}, "a.ts", {script, "./x.gen"}));
  CHECK_FALSE(is_broken({"src/a.ts"}, "src/a.ts", {script, "../dist/x"}));
  CHECK_FALSE(is_broken({"a.ts"}, "a.ts", {script, "./elsewhere/x"}));
  CHECK_FALSE(is_broken({"a.ts"}, "a.ts", {script, "../outside"}));
  // Looked for in places that only a compiler or a shell knows.
  CHECK_FALSE(is_broken({"a.c"}, "a.c", {c_quoted, "gone.h"}));
  CHECK_FALSE(is_broken({"a.py"}, "a.py", {python, "gone.x"}));
  CHECK_FALSE(is_broken({"a.sh", "lib/x.sh"}, "a.sh", {bash_source, "./x.sh"}));
  CHECK_FALSE(is_broken({"a.sh"}, "a.sh", {bash_source, "gone.sh"}));
  CHECK_FALSE(is_broken({"a.sh"}, "a.sh", {bash_source, "./.env"}));
  CHECK_FALSE(is_broken({"a.sh"}, "a.sh", {bash_beside, "gone.sh"}));
  CHECK_FALSE(is_broken({"a.html"}, "a.html", {html, "./gone.js"}));
  // Meant to be allowed to fail.
  CHECK_FALSE(is_broken({"a.ts"}, "a.ts", {script, "./gone", {}, 1, true}));
}

}  // namespace muster
