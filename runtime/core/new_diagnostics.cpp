#include "runtime/core/new_diagnostics.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "runtime/core/text.hpp"
#include "runtime/core/text_positions.hpp"

namespace muster {
namespace {

constexpr std::size_t message_bytes = 400;

using Key = std::pair<std::string, std::string>;  // code and message

bool counts(const Diagnostic& one) { return one.severity <= Severity::warning; }

std::string line_of(const TextPositions& text, const Diagnostic& one) {
  if (one.range.start.line < 0) return {};
  return std::string(trim(text.line(static_cast<std::size_t>(one.range.start.line))));
}

/// Takes one out of a pile; false when it is empty.
template <class Pile, class Name>
bool take(Pile& pile, const Name& name) {
  const auto found = pile.find(name);
  if (found == pile.end() || found->second == 0) return false;
  --found->second;
  return true;
}

/// TypeScript's words for what is not installed; a relative path would be the author's own file.
bool is_missing_module(const Diagnostic& one) {
  static const std::set<std::string> needs_types{"2580", "2581", "2582", "2591",
                                                 "2592", "2593", "2688", "7016"};
  if (needs_types.contains(one.code)) return true;
  return one.code == "2307" && one.message.find("'.") == std::string::npos;
}

}  // namespace

std::vector<Diagnostic> new_diagnostics(const CheckedText& before, const CheckedText& after) {
  const TextPositions old_text(before.text);
  const TextPositions new_text(after.text);
  std::map<std::pair<Key, std::string>, int> on_line;
  std::map<Key, int> anywhere;
  for (const auto& one : before.found) {
    if (!counts(one)) continue;
    ++on_line[{{one.code, one.message}, line_of(old_text, one)}];
    ++anywhere[{one.code, one.message}];
  }
  std::vector<Diagnostic> moved;
  for (const auto& one : after.found) {
    if (!counts(one)) continue;
    const Key key{one.code, one.message};
    if (take(on_line, std::pair(key, line_of(new_text, one))))
      take(anywhere, key);
    else
      moved.push_back(one);
  }
  std::vector<Diagnostic> out;
  for (auto& one : moved)
    if (!take(anywhere, Key{one.code, one.message})) out.push_back(std::move(one));
  return out;
}

bool is_about_environment(const Diagnostic& one) {
  static const std::set<std::string> codes{"pp_file_not_found",               // clangd
                                           "reportMissingImports",            // pyright
                                           "reportMissingModuleSource",       // pyright
                                           "BrokenImport", "MissingModule"};  // gopls
  return codes.contains(one.code) || is_missing_module(one);
}

std::string describe_diagnostic(const std::string& path, const std::string& server,
                                const Diagnostic& one) {
  auto out = path + ":" + std::to_string(one.range.start.line + 1) + ":" +
             std::to_string(one.range.start.character + 1) + ": " +
             std::string(to_string(one.severity)) + ": " + one_line(one.message, message_bytes);
  if (!one.code.empty()) out += " [" + one_line(one.code, 80) + "]";
  return out + " (" + server + ")";
}

ReviewFinding finding_of(const std::string& path, const std::string& server, const Diagnostic& one,
                         const std::string& severity) {
  return {path, static_cast<int>(one.range.start.line) + 1,
          "diagnostics: " + describe_diagnostic(path, server, one), severity};
}

}  // namespace muster
