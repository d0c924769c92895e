#include "actors/test_guard.hpp"

#include <algorithm>
#include <utility>

#include "runtime/core/paths.hpp"
#include "runtime/core/test_paths.hpp"
#include "runtime/core/test_tampering.hpp"

namespace muster {
namespace {

constexpr std::size_t max_total = 16U << 20U;  // bytes of both versions of all files

TestGuard guard_of(const TestGuardScope& scope, const std::string& path) {
  if (scope.planned.empty()) return TestGuard::warns;
  bool planned =
      std::any_of(scope.planned.begin(), scope.planned.end(), [&](const std::string& entry) {
        return path == entry || path.starts_with(entry.ends_with('/') ? entry : entry + "/");
      });
  if (!planned) return TestGuard::rejects;
  return is_test_path(path) ? TestGuard::off : TestGuard::warns;
}

ReviewFinding not_compared(const std::string& path, const std::string& why) {
  return {path, 0, "whether this change weakens tests was not compared: " + why, "warning"};
}

ReviewFinding told(const Finding& finding) {
  auto message = "test tampering, " + finding.code + ": " + finding.message;
  if (finding.severity == "error")
    message += ". A test may ask for more, not for less: restore it and mend the code";
  return {finding.file, finding.line, std::move(message), finding.severity};
}

/// The candidate's version; why it cannot be read is an error.
Result<std::optional<std::string>> after_of(WorkspaceFiles& files, const FileChange& change) {
  if (change.status == 'D') return std::optional<std::string>();
  return files.slurp(change.path, max_test_file + 1);
}

std::size_t size_of(const FileVersions& file) {
  return (file.before ? file.before->size() : 0) + (file.after ? file.after->size() : 0);
}

}  // namespace

Result<std::vector<ReviewFinding>> guard_tests(VersionControl& tree, WorkspaceFiles& files,
                                               const TestGuardScope& scope) {
  std::vector<std::string> at_base;
  bool any = false;
  for (const auto& change : scope.changed) {
    if (!may_hold_tests(change.path)) continue;
    any = true;
    if (change.status != 'A') at_base.push_back(change.path);
  }
  if (!any) return std::vector<ReviewFinding>();
  auto before = tree.base_files(scope.key, at_base, max_test_file);
  if (!before) return before.error();
  std::vector<ReviewFinding> out;
  std::vector<FileVersions> versions;
  std::size_t total = 0;
  for (const auto& change : scope.changed) {
    if (!may_hold_tests(change.path)) continue;
    auto after = after_of(files, change);
    auto old = before->find(change.path);
    bool known = change.status == 'A' || old != before->end();
    if (!after || !known || total > max_total) {
      out.push_back(not_compared(change.path, after ? "too large" : after.error().message));
      continue;
    }
    FileVersions file{change.path, std::nullopt, std::move(*after), guard_of(scope, change.path)};
    if (old != before->end()) file.before = std::move(old->second);
    total += size_of(file);
    versions.push_back(std::move(file));
  }
  for (const auto& finding : find_test_tampering(versions)) out.push_back(told(finding));
  return out;
}

}  // namespace muster
