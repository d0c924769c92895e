#include "runtime/core/judgement.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "runtime/core/receipt.hpp"

using namespace muster;

namespace {

Receipt receipt(const std::string& check, int exit_code, std::vector<std::string> prints = {}) {
  return nlohmann::json{{"check", check},        {"command", check},  {"exit_code", exit_code},
                        {"tree_before", "t"},    {"tree_after", "t"}, {"output_tail", "tail"},
                        {"fingerprints", prints}}
      .get<Receipt>();
}

}  // namespace

TEST_CASE("diagnostics are no execution of a candidate") {
  TaskVerified event{1, "t", {receipt(diagnostics_check, 0)}, {}, {}};
  const auto alone = judge_verification({}, event);
  REQUIRE(alone.errors.size() == 1);
  CHECK(alone.errors[0].message == "no verification was executed");
  event.receipts.push_back(receipt("test", 0));
  CHECK(judge_verification({}, event).errors.empty());
}

TEST_CASE("what diagnostics hold against a candidate is said once, and known again") {
  TaskVerified event{1, "t", {receipt(diagnostics_check, 1, {"f1"})}, {}, {}};
  event.findings = {{"a.cpp", 2, "diagnostics: a.cpp:2:1: error: bad (clangd)", "error"},
                    {"", 0, "diagnostics: not checked: no server: b.x", "info"}};
  const auto judged = judge_verification({}, event);
  REQUIRE(judged.errors.size() == 1);
  CHECK(judged.errors[0].line == 2);
  CHECK(judged.warnings.size() == 1);
  CHECK(judged.fingerprints == std::vector<std::string>{"f1"});
  event.findings.clear();  // a receipt that nothing explains still counts
  CHECK(judge_verification({}, event).errors.size() >= 1);
}
