#include "adapters/files/syntax_gate.hpp"

#include <algorithm>

#include "runtime/core/sha256.hpp"

namespace muster {
namespace {

constexpr std::size_t kShownProblems = 5;

std::string listed(const std::string& path, const SyntaxReport& report) {
  std::string out;
  for (std::size_t i = 0; i < report.problems.size() && i < kShownProblems; ++i)
    out += "\n" + describe_problem(path, report.problems[i]);
  if (report.problems.size() > kShownProblems)
    out += "\n... and " + std::to_string(report.problems.size() - kShownProblems) +
           (report.truncated ? " or more" : "");
  return out;
}

std::string key_of(const std::string& path, const std::string& content) {
  return sha256_hex(path + '\0' + content);
}

}  // namespace

bool SyntaxGate::again(std::deque<std::string>& submissions, const std::string& key) {
  const std::lock_guard lock(mutex_);
  if (std::find(submissions.begin(), submissions.end(), key) != submissions.end()) return true;
  submissions.push_back(key);
  if (submissions.size() > kRemembered) submissions.pop_front();
  return false;
}

Result<std::string> SyntaxGate::judge(const std::string& root, const std::string& path,
                                      const std::optional<std::string>& before,
                                      const std::string& after) {
  const auto report = syntax_->compare(path, before, after);
  if (!report) return "its syntax was not checked: " + report.error().message;
  if (report->problems.empty()) return std::string();
  const auto problems = listed(path, *report);
  if (report->language->gate == GateRule::warn)
    return "this may be a syntax error; the reviewer will see it, too:" + problems;
  if (!again(refused_, root + '\0' + key_of(path, after)))
    return Error{ErrorCode::malformed,
                 "new syntax errors; nothing was written:" + problems +
                     "\nMend them. If the text is right all the same, send exactly this again: it "
                     "passes then, and the reviewer is told."};
  again(insisted_, key_of(path, after));
  return "written as you insist; the reviewer is told of:" + problems;
}

std::vector<ReviewFinding> SyntaxGate::findings(const std::string& path,
                                                const std::optional<std::string>& before,
                                                const std::string& after) {
  const auto report = syntax_->compare(path, before, after);
  if (!report)
    return {{path, 0, "its syntax was not checked: " + report.error().message, "warning"}};
  std::vector<ReviewFinding> out;
  if (report->problems.empty()) return out;
  bool trusted = report->language->gate == GateRule::refuse;
  if (trusted) {
    const std::lock_guard lock(mutex_);
    const auto key = key_of(path, after);
    trusted = std::find(insisted_.begin(), insisted_.end(), key) == insisted_.end();
  }
  for (std::size_t i = 0; i < report->problems.size() && i < kShownProblems; ++i) {
    const auto& problem = report->problems[i];
    out.push_back({path, problem.line, "syntax: " + describe_problem(path, problem),
                   trusted ? "error" : "warning"});
  }
  return out;
}

}  // namespace muster
