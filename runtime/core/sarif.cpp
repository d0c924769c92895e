#include "runtime/core/sarif.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;

/// RFC 3986: what a path may hold as it is; a first segment with a colon would be a scheme.
std::string uri_of(std::string_view path) {
  static constexpr std::string_view kept = "-._~/!$&'()*+,;=@";
  static constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out = path.starts_with('/') ? "file://" : "";
  for (char c : path) {
    auto byte = static_cast<unsigned char>(c);
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 kept.find(c) != std::string_view::npos;
    if (plain)
      out += c;
    else
      (out += '%') += {hex[byte >> 4U], hex[byte & 15U]};
  }
  return out;
}

json location_of(const Finding& finding) {
  json out = json::object();
  if (!finding.file.empty()) {
    json artifact = {{"uri", uri_of(finding.file)}};
    if (!finding.file.starts_with('/')) artifact["uriBaseId"] = "SRCROOT";
    json physical = {{"artifactLocation", artifact}};
    if (finding.line > 0) {
      physical["region"] = {{"startLine", finding.line}};
      if (finding.column > 0) physical["region"]["startColumn"] = finding.column;
    }
    out["physicalLocation"] = std::move(physical);
  }
  if (!finding.test.empty())
    out["logicalLocations"] =
        json::array({{{"fullyQualifiedName", valid_utf8(finding.test)}, {"kind", "function"}}});
  return out;
}

std::string level_of(const Finding& finding) {
  return finding.severity == "error" || finding.severity == "warning" ? finding.severity : "note";
}

/// One tool's results, and the rules that they name.
class Run {
 public:
  explicit Run(const std::string& tool) {
    auto name = valid_utf8(tool.empty() ? "muster" : tool);
    run_ = {{"tool", {{"driver", {{"name", name}, {"rules", json::array()}}}}},
            {"columnKind", "unicodeCodePoints"},
            {"results", json::array()}};
  }

  void add(const Finding& finding) {
    auto rule = valid_utf8(finding.code.empty() ? finding.tool : finding.code);
    if (rule.empty()) rule = "muster";
    auto [known, is_new] = rules_.try_emplace(rule, rules_.size());
    if (is_new) run_["tool"]["driver"]["rules"].push_back({{"id", rule}});
    auto text = valid_utf8(finding.message);
    json result = {{"ruleId", rule},
                   {"ruleIndex", known->second},
                   {"level", level_of(finding)},
                   {"message", {{"text", text.empty() ? rule : text}}}};
    if (auto location = location_of(finding); !location.empty())
      result["locations"] = json::array({std::move(location)});
    if (!finding.fingerprint.empty())
      result["partialFingerprints"] = {{"muster/v1", valid_utf8(finding.fingerprint)}};
    run_["results"].push_back(std::move(result));
  }

  void executed(const Receipt& receipt) {
    const auto& facts = receipt.facts();
    json invocation = {{"commandLine", valid_utf8(facts.command)},
                       {"executionSuccessful", receipt.passed()},
                       {"exitCode", facts.exit_code}};
    if (facts.flaky) invocation["properties"] = {{"flaky", true}};
    if (facts.signal != 0) invocation["exitSignalNumber"] = facts.signal;
    run_["invocations"] = json::array({std::move(invocation)});
    run_["automationDetails"] = {{"id", valid_utf8(facts.check)}};
  }

  json take() { return std::move(run_); }

 private:
  json run_;
  std::map<std::string, std::size_t> rules_;
};

std::string log_of(std::vector<Run>& runs) {
  json all = json::array();
  for (auto& run : runs) all.push_back(run.take());
  json log = {{"version", "2.1.0"}, {"runs", std::move(all)}};
  return log.dump(2) + "\n";
}

}  // namespace

std::string sarif_log(const std::vector<Finding>& findings) {
  std::vector<Run> runs;
  std::map<std::string, std::size_t> places;
  for (const auto& finding : findings) {
    auto [place, is_new] = places.try_emplace(finding.tool, runs.size());
    if (is_new) runs.emplace_back(finding.tool);
    runs[place->second].add(finding);
  }
  if (runs.empty()) runs.emplace_back("muster");
  return log_of(runs);
}

std::string sarif_log(const std::vector<Receipt>& receipts) {
  std::vector<Run> runs;
  for (const auto& receipt : receipts) {
    auto& run = runs.emplace_back("muster");
    run.executed(receipt);
    if (receipt.passed()) continue;
    for (const auto& finding : parse_findings(receipt.facts().output_tail)) run.add(finding);
  }
  if (runs.empty()) runs.emplace_back("muster");
  return log_of(runs);
}

}  // namespace muster
