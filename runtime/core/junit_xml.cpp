#include "runtime/core/junit_xml.hpp"

#include <cstdint>

#include "runtime/core/xml_text.hpp"

namespace muster {
namespace {

std::string attribute(const char* name, std::string_view value) {
  return std::string(" ") + name + "=\"" + xml_text(value) + "\"";
}

std::string seconds(std::int64_t ms) {
  if (ms < 0) ms = 0;
  auto rest = std::to_string(ms % 1000);
  return std::to_string(ms / 1000) + "." + std::string(3 - rest.size(), '0') + rest;
}

std::string element(const char* name, const std::string& attributes, std::string_view content) {
  return std::string("      <") + name + attributes + ">" + xml_content(content) + "</" + name +
         ">\n";
}

/// Test cases, counted.
struct Suite {
  std::string cases;
  std::size_t tests = 0;
  std::size_t failures = 0;
  std::int64_t ms = 0;

  void add(const std::string& attributes, const std::string& inside) {
    ++tests;
    cases += "    <testcase" + attributes + (inside.empty() ? "/>\n" : ">\n" + inside);
    if (!inside.empty()) cases += "    </testcase>\n";
  }
  [[nodiscard]] std::string document(const std::string& name) const {
    auto counts = attribute("name", name) + attribute("tests", std::to_string(tests)) +
                  attribute("failures", std::to_string(failures)) + attribute("errors", "0") +
                  attribute("skipped", "0") + attribute("time", seconds(ms));
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite" + counts +
           ">\n" + cases + "  </testsuite>\n</testsuites>\n";
  }
};

std::string how_it_ended(const ReceiptFacts& facts) {
  if (facts.timed_out) return "timed out";
  if (facts.signal != 0) return "signal " + std::to_string(facts.signal);
  return "exit code " + std::to_string(facts.exit_code);
}

void add_receipt(Suite& suite, const Receipt& receipt) {
  const auto& facts = receipt.facts();
  std::string inside;
  if (!receipt.passed()) {
    ++suite.failures;
    auto message = "'" + facts.command + "': " + how_it_ended(facts);
    inside = element("failure", attribute("message", message) + attribute("type", "check"),
                     facts.output_tail);
  }
  if (facts.flaky) inside = element("system-out", {}, "failed at first, passed when run again");
  suite.ms += facts.duration_ms > 0 ? facts.duration_ms : 0;
  suite.add(attribute("classname", "check") +
                attribute("name", facts.check + ": " + facts.command) +
                attribute("time", seconds(facts.duration_ms)),
            inside);
}

std::string place_text(const Finding& finding) {
  if (finding.file.empty() || finding.line == 0) return finding.file;
  auto out = finding.file + ":" + std::to_string(finding.line);
  return finding.column == 0 ? out : out + ":" + std::to_string(finding.column);
}

void add_finding(Suite& suite, const Finding& finding) {
  auto place = place_text(finding);
  auto name = finding.test.empty() ? place : finding.test;
  auto attributes = attribute("classname", finding.tool) +
                    attribute("name", name.empty() ? finding.message : name);
  if (!finding.file.empty()) attributes += attribute("file", finding.file);
  if (finding.line > 0) attributes += attribute("line", std::to_string(finding.line));
  auto text = place.empty() ? finding.message : place + ": " + finding.message;
  if (finding.severity != "error")
    return suite.add(attributes, element("system-out", {}, finding.severity + ": " + text));
  ++suite.failures;
  auto type = finding.code.empty() ? finding.tool : finding.code;
  suite.add(
      attributes,
      element("failure", attribute("message", finding.message) + attribute("type", type), text));
}

}  // namespace

std::string junit_xml(const std::string& name, const std::vector<Receipt>& receipts) {
  Suite suite;
  for (const auto& receipt : receipts) add_receipt(suite, receipt);
  return suite.document(name);
}

std::string junit_xml(const std::string& name, const std::vector<Finding>& findings) {
  Suite suite;
  for (const auto& finding : findings) add_finding(suite, finding);
  return suite.document(name);
}

}  // namespace muster
