// Outputs of real tools (tests/data/findings/NAME.txt) and what is read in them (NAME.expected: a
// line for each finding). With MUSTER_WRITE_EXPECTED set the latter are written, to be looked at.
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtime/core/findings.hpp"

using namespace muster;
namespace fs = std::filesystem;

namespace {

std::string content_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string described(const std::string& output) {
  std::string out;
  for (const auto& finding : parse_findings(output))
    out += finding.tool + " " + finding.severity + " " + finding.file + ":" +
           std::to_string(finding.line) + ":" + std::to_string(finding.column) + " [" +
           finding.code + "] {" + finding.test + "} " + finding.message + "\n";
  return out;
}

}  // namespace

TEST_CASE("outputs of real tools are read into the one normal form") {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(MUSTER_SOURCE_DIR "/tests/data/findings")) {
    if (entry.path().extension() != ".txt") continue;
    ++seen;
    auto expected = fs::path(entry.path()).replace_extension(".expected");
    auto found = described(content_of(entry.path()));
    if (std::getenv("MUSTER_WRITE_EXPECTED") != nullptr) std::ofstream(expected) << found;
    CAPTURE(entry.path().filename().string());
    CHECK(found == content_of(expected));
  }
  CHECK(seen >= 25);
}

TEST_CASE("hostile output is read in linear time, into a bounded answer") {
  const char* units[] = {"<testsuite \n",
                         "<testsuite>\n<![CDATA[\n",
                         "<testsuite>\n<!--\n",
                         "<testsuite><testcase name='a'><failure message='",
                         "not ok\n---\n  error: |\n",
                         "not ok 1\n# (in test file \n",
                         "FAIL a.js\n\xE2\x97\x8F a\n",
                         "\xE2\x9C\x96 a\n",
                         " FAIL  a.ts > b\n",
                         "FAIL: a (b)\n",
                         "=====\nFAIL: a (b)\n",
                         "[ERROR] a.b <<< FAILURE!\n",
                         "[ERROR] A.b:1 x\n",
                         "A > b FAILED\n  x\n",
                         "thread 'a' panicked at '",
                         "error: a\n",
                         "a.cc:1: Failure\n",
                         "a:1: FAILED:\n",
                         "[{\"filePath\":[",
                         "{\"Action\":\"fail\",",
                         "a.js\n  1:1  error  x\n",
                         ":1:",
                         "e: .kt:",
                         "\xE2\x97\x8F",
                         "|",
                         "\x1b]"};
  for (const char* unit : units) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    CAPTURE(unit);
    CHECK(parse_findings(text).size() <= max_findings);
    CHECK(parse_findings("FAIL a.js\n" + text).size() <= max_findings);
  }
}

TEST_CASE("a flood of warnings leaves room for the error behind it") {
  std::string text;
  for (int n = 0; n < 1000; ++n)
    text += "a.c:1:1: warning: unused variable v" + std::to_string(n) + "x\n";
  text += "a.c:2:1: error: bad\n";
  auto found = parse_findings(text);
  CHECK(found.size() <= max_findings);
  CHECK(std::any_of(found.begin(), found.end(),
                    [](const Finding& finding) { return finding.severity == "error"; }));
}
