#include "adapters/files/builtin_checks.hpp"

#include <re2/re2.h>

#include <nlohmann/json.hpp>

namespace muster {
namespace {

Result<std::string> judge_pattern(const Verification& check, const std::string& content) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(8 << 20);
  RE2 pattern("(?m)" + check.pattern, options);
  if (!pattern.ok())
    return Error{ErrorCode::invalid_argument, pattern.error(), "pattern of " + check.path};
  if (RE2::PartialMatch(content, pattern)) return std::string();
  return check.path + " does not match /" + check.pattern + "/";
}

std::string judge_json(const std::string& path, const std::string& content) {
  try {
    auto parsed = nlohmann::json::parse(content);
    (void)parsed;
    return {};
  } catch (const nlohmann::json::parse_error& e) {
    return path + " is not JSON: " + e.what();
  }
}

/// The shell has a parser of its own, which is stricter than the grammar.
std::string judge_shell(const std::string& path, const std::string& content,
                        const ShellParser& shell) {
  auto program = shell.parse(content);
  if (!program) return path + ": " + program.error().text();
  return program->has_error ? path + " is not valid shell" : std::string();
}

Result<std::string> judge_syntax(const Verification& check, const std::string& content,
                                 const ShellParser& shell, SyntaxPort& syntax) {
  const auto* language = language_of(check.path, content);
  if (!language)
    return Error{ErrorCode::invalid_argument,
                 "no grammar knows what is in this file; use a command", check.path};
  if (language->name == "json" && check.path.ends_with(".json"))
    return judge_json(check.path, content);
  if (language->name == "bash") return judge_shell(check.path, content, shell);
  auto report = syntax.check(check.path, content);
  if (!report) return report.error();
  return report->problems.empty() ? std::string()
                                  : describe_problem(check.path, report->problems.front());
}

}  // namespace

Result<std::string> judge_builtin_check(const Verification& check, const std::string& content,
                                        const ShellParser& shell, SyntaxPort& syntax) {
  if (check.check == "exists") return std::string();
  if (check.check == "matches") return judge_pattern(check, content);
  if (check.check == "parses") return judge_syntax(check, content, shell, syntax);
  return Error{ErrorCode::invalid_argument, "unknown built-in check '" + check.check + "'",
               check.path};
}

}  // namespace muster
