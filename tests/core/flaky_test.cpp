#include "runtime/core/flaky.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "actors/receipt_minter.hpp"

using namespace muster;

namespace {

Finding failing(const std::string& file, const std::string& message = "wrong") {
  Finding out;
  out.tool = "go";
  out.severity = "error";
  out.file = file;
  out.message = message;
  return out;
}

}  // namespace

TEST_CASE("a change reaches a failing test unless it clearly cannot") {
  auto test = failing("server/add_test.go");
  CHECK_FALSE(change_may_reach({"README.md", "docs/logo.png", "LICENSE"}, {test}));
  CHECK_FALSE(change_may_reach({"README.md"}, {}));
  CHECK_FALSE(change_may_reach({"web/app.ts", "docs/a.rst"}, {test}));
  CHECK(change_may_reach({}, {test}));
  CHECK(change_may_reach({"server/add.go"}, {test}));
  CHECK(change_may_reach({"README.md", "server/add.go"}, {test}));
  CHECK(change_may_reach({"go.mod"}, {test}));
  CHECK(change_may_reach({"requirements.txt"}, {test}));
  CHECK(change_may_reach({"package.json"}, {test}));
  CHECK(change_may_reach({"tests/data/a.md"}, {test}));    // what a test may read
  CHECK(change_may_reach({"server/web/app.ts"}, {test}));  // the same folder
  CHECK(change_may_reach({"web/main.go"}, {test}));        // the same language
  CHECK(change_may_reach({"app.ts"}, {test}));             // at the root
  CHECK(change_may_reach({"web/app.ts"}, {failing("")}));  // who knows where
  CHECK(change_may_reach({"web/app.ts"}, {}));
  CHECK(change_may_reach({"README.md"}, {failing("a_test.go", "README.md: no such heading")}));
  CHECK(change_may_reach({"web/app.ts"}, {test, failing("web/app_test.ts")}));
}

TEST_CASE("a flaky receipt says so, others are written as ever") {
  ReceiptFacts facts;
  facts.check = "test";
  nlohmann::json plain = ReceiptMinter::mint(facts);
  CHECK_FALSE(plain.contains("flaky"));
  facts.flaky = true;
  nlohmann::json marked = ReceiptMinter::mint(facts);
  CHECK(marked.at("flaky") == true);
  CHECK(marked.get<Receipt>().facts().flaky);
  CHECK_FALSE(plain.get<Receipt>().facts().flaky);
}
