// SARIF and JUnit's XML of findings and receipts, for any bytes.
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "actors/receipt_minter.hpp"
#include "runtime/core/junit_xml.hpp"
#include "runtime/core/sarif.hpp"
#include "runtime/core/text.hpp"
#include "runtime/core/xml_text.hpp"

using namespace muster;
using nlohmann::json;

namespace {

std::string nasty() {
  std::string out = "a<b>&\"c'\r\n\t]]>";
  for (int byte = 0; byte < 256; ++byte) out += static_cast<char>(byte);
  return out + "\xEF\xBF\xBF\xEF\xBF\xBE\xED\xA0\x80\xF0\x9F\x98\x80";
}

Finding finding(const std::string& text) {
  Finding out;
  out.tool = "gcc";
  out.severity = "error";
  out.file = "src/a b.cpp";
  out.line = 3;
  out.column = 7;
  out.code = "-Wx";
  out.message = text;
  out.fingerprint = "0123";
  return out;
}

/// The Char production of XML 1.0, on valid UTF-8.
bool xml_characters(const std::string& text) {
  if (valid_utf8(text) != text) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r') return false;
    auto three = std::string_view(text).substr(at, 3);
    if (three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF") return false;
  }
  return true;
}

/// Elements are closed in order, attributes are quoted, and every '&' begins a reference.
bool well_formed(const std::string& text) {
  std::vector<std::string> open;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '&') {
      auto end = text.find(';', at);
      if (end == std::string::npos || end - at > 6) return false;
    }
    if (text[at] == '>') return false;  // outside of a tag it is escaped
    if (text[at] != '<') continue;
    auto end = text.find('>', at);
    if (end == std::string::npos) return false;
    auto tag = text.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos) return false;
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return false;
    auto name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return false;
      open.pop_back();
    } else if (tag[0] != '?' && !tag.ends_with('/')) {
      open.push_back(name);
    }
    at = end;
  }
  return open.empty();
}

Receipt receipt(int exit_code, const std::string& output, bool flaky = false) {
  ReceiptFacts facts;
  facts.check = "test";
  facts.command = "make \"test\" && " + output.substr(0, 3);
  facts.exit_code = exit_code;
  facts.duration_ms = 1234;
  facts.output_tail = output;
  facts.flaky = flaky;
  return ReceiptMinter::mint(facts);
}

}  // namespace

TEST_CASE("XML text is valid for any bytes") {
  CHECK(xml_text("a<b & \"c\">\n\t") == "a&lt;b &amp; &quot;c&quot;&gt;&#10;&#9;");
  CHECK(xml_content("a\n\tb\r") == "a\n\tb&#13;");
  CHECK(xml_text(std::string("\0\x1b", 2)) == "\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(xml_text("\xFF") == "\xEF\xBF\xBD");
  CHECK(xml_text("\xEF\xBF\xBF") == "\xEF\xBF\xBD");
  CHECK(xml_text("\xF0\x9F\x98\x80 \xC3\xA4") == "\xF0\x9F\x98\x80 \xC3\xA4");
  CHECK(xml_characters(xml_text(nasty())));
}

TEST_CASE("JUnit's XML is well-formed, counts, and is read back") {
  auto bad = finding("no 'x' <here> & \"there\"");
  auto warning = finding("unused");
  warning.severity = "warning";
  auto failed = finding("3 is not 4");
  failed.test = "adds";
  auto text = junit_xml("muster", std::vector<Finding>{bad, warning, failed});
  CHECK(well_formed(text));
  CHECK(text.find("tests=\"3\" failures=\"2\"") != std::string::npos);
  auto read = parse_findings(text);
  REQUIRE(read.size() == 2);
  CHECK(read[0].tool == "junit");
  CHECK(read[0].message == bad.message);
  CHECK(read[0].file == bad.file);
  CHECK(read[0].line == 3);
  CHECK(read[1].test == "gcc.adds");
  auto wild = junit_xml(nasty(), std::vector<Finding>{finding(nasty())});
  CHECK(xml_characters(wild));
  CHECK(well_formed(wild));
  auto none = junit_xml("x", std::vector<Finding>{});
  CHECK(well_formed(none));
  CHECK(none.find("tests=\"0\" failures=\"0\"") != std::string::npos);
}

TEST_CASE("receipts as JUnit's XML") {
  auto text = junit_xml("M1", std::vector<Receipt>{receipt(0, "fine"), receipt(2, nasty()),
                                                   receipt(0, "later", true)});
  CHECK(well_formed(text));
  CHECK(xml_characters(text));
  CHECK(text.find("tests=\"3\" failures=\"1\"") != std::string::npos);
  CHECK(text.find("time=\"1.234\"") != std::string::npos);
  CHECK(text.find("exit code 2") != std::string::npos);
  CHECK(text.find("passed when run again") != std::string::npos);
}

TEST_CASE("SARIF has a run for each tool, with places, rules and fingerprints") {
  auto first = finding("bad");
  auto second = finding("worse");
  auto other = finding("failed");
  other.tool = "pytest";
  other.code.clear();
  other.file = "/abs/t.py";
  other.line = 0;
  other.test = "test_a";
  auto log = json::parse(sarif_log(std::vector<Finding>{first, second, other}));
  CHECK(log.at("version") == "2.1.0");
  REQUIRE(log.at("runs").size() == 2);
  const auto& run = log["runs"][0];
  CHECK(run["tool"]["driver"]["name"] == "gcc");
  CHECK(run["tool"]["driver"]["rules"].size() == 1);
  REQUIRE(run["results"].size() == 2);
  const auto& result = run["results"][1];
  CHECK(result["ruleId"] == "-Wx");
  CHECK(result["ruleIndex"] == 0);
  CHECK(result["level"] == "error");
  CHECK(result["message"]["text"] == "worse");
  CHECK(result["partialFingerprints"]["muster/v1"] == "0123");
  const auto& place = result["locations"][0]["physicalLocation"];
  CHECK(place["artifactLocation"]["uri"] == "src/a%20b.cpp");
  CHECK(place["artifactLocation"]["uriBaseId"] == "SRCROOT");
  CHECK(place["region"]["startLine"] == 3);
  CHECK(place["region"]["startColumn"] == 7);
  const auto& test = log["runs"][1]["results"][0];
  CHECK(test["ruleId"] == "pytest");
  CHECK(test["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "file:///abs/t.py");
  CHECK_FALSE(test["locations"][0]["physicalLocation"].contains("region"));
  CHECK(test["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "test_a");
}

TEST_CASE("SARIF of any bytes, of nothing, and of receipts") {
  auto wild = finding(nasty());
  wild.file = wild.test = wild.code = nasty();
  CHECK(json::parse(sarif_log(std::vector<Finding>{wild}))["runs"][0]["results"].size() == 1);
  auto empty = json::parse(sarif_log(std::vector<Finding>{}));
  REQUIRE(empty["runs"].size() == 1);
  CHECK(empty["runs"][0]["results"].empty());
  auto log = json::parse(sarif_log(std::vector<Receipt>{
      receipt(0, "fine"), receipt(1, "a.c:1:2: error: bad\n"), receipt(0, "x", true)}));
  REQUIRE(log["runs"].size() == 3);
  CHECK(log["runs"][0]["invocations"][0]["executionSuccessful"] == true);
  CHECK(log["runs"][0]["results"].empty());
  CHECK(log["runs"][1]["invocations"][0]["exitCode"] == 1);
  CHECK(log["runs"][1]["results"][0]["message"]["text"] == "bad");
  CHECK(log["runs"][2]["invocations"][0]["properties"]["flaky"] == true);
}
