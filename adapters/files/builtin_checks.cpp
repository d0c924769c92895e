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

Result<std::string> judge_syntax(const Verification& check, const std::string& content,
                                 const ShellParser& shell) {
  auto dot = check.path.rfind('.');
  auto extension = dot == std::string::npos ? std::string() : check.path.substr(dot + 1);
  if (extension == "json") return judge_json(check.path, content);
  if (extension == "sh" || extension == "bash") {
    auto program = shell.parse(content);
    if (!program) return check.path + ": " + program.error().text();
    return program->has_error ? check.path + " is not valid shell" : std::string();
  }
  return Error{ErrorCode::invalid_argument,
               "no parser for '." + extension + "' files; use a command", check.path};
}

}  // namespace

Result<std::string> judge_builtin_check(const Verification& check, const std::string& content,
                                        const ShellParser& shell) {
  if (check.check == "exists") return std::string();
  if (check.check == "matches") return judge_pattern(check, content);
  if (check.check == "parses") return judge_syntax(check, content, shell);
  return Error{ErrorCode::invalid_argument, "unknown built-in check '" + check.check + "'",
               check.path};
}

}  // namespace muster
