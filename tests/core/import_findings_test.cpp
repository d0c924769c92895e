// Imports that a change broke, and those that were broken before.
#include "runtime/core/import_findings.hpp"

#include <catch2/catch_test_macros.hpp>

namespace muster {
namespace {

const MissingImport gone{"src/a.ts", 3, "./gone", "src/gone"};

}  // namespace

TEST_CASE("an import that a change writes is an error when it leads nowhere") {
  auto found = import_findings({gone}, {"src/a.ts"}, {{"src/a.ts", "import './here'\n"}}, {});
  REQUIRE(found.size() == 1);
  CHECK(found[0].file == "src/a.ts");
  CHECK(found[0].line == 3);
  CHECK(found[0].severity == "error");
  CHECK(found[0].message == "the import of './gone' leads nowhere: src/gone is not there");
  CHECK(import_findings({gone}, {"src/a.ts"}, {}, {}).size() == 1);  // a new file
}

TEST_CASE("an import that was broken before is nobody's fault now") {
  CHECK(import_findings({gone}, {"src/a.ts"}, {{"src/a.ts", "import './gone'\n"}}, {}).empty());
  CHECK(import_findings({gone}, {"src/b.ts"}, {}, {"src/other.ts"}).empty());
}

TEST_CASE("a removed file is missed where it is imported, in files that did not change, too") {
  CHECK(import_findings({gone}, {"src/gone.ts"}, {}, {"src/gone.ts"}).size() == 1);
  CHECK(import_findings({gone}, {}, {}, {"src/gone/index.ts"}).size() == 1);
  CHECK(import_findings({gone}, {}, {}, {"src/goner.ts"}).empty());
  CHECK(import_findings({gone}, {"src/a.ts"}, {{"src/a.ts", "import './gone'\n"}}, {"src/gone.ts"})
            .size() == 1);
}

}  // namespace muster
