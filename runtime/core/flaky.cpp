#include "runtime/core/flaky.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/core/code_tokens.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/test_paths.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

bool is_document(const std::string& path) {
  // No "txt": requirements.txt and CMakeLists.txt are none.
  static constexpr std::array<std::string_view, 10> extensions{
      "md", "markdown", "rst", "adoc", "png", "jpg", "jpeg", "gif", "webp", "ico"};
  static constexpr std::array<std::string_view, 5> names{"license", "notice", "authors",
                                                         "changelog", "copying"};
  if (is_test_path(path)) return false;
  auto name = to_lower(base_name(path));
  if (std::find(names.begin(), names.end(), name) != names.end()) return true;
  auto dot = name.rfind('.');
  return dot != std::string::npos &&
         std::find(extensions.begin(), extensions.end(), name.substr(dot + 1)) != extensions.end();
}

/// The first folder of a relative path; "" for a file at the root, and for an absolute path.
std::string_view top_folder(std::string_view path) {
  auto slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

bool is_known(CodeLanguage language) {
  return language != CodeLanguage::none && language != CodeLanguage::other;
}

/// Another language in another folder than everything that fails.
bool is_apart(const std::string& path, const std::vector<Finding>& failures) {
  auto language = code_language(path);
  auto folder = top_folder(path);
  bool told = false;
  for (const auto& failure : failures) {
    if (failure.severity != "error") continue;
    auto theirs = code_language(failure.file);
    auto place = top_folder(failure.file);
    if (!is_known(theirs) || place.empty() || theirs == language || place == folder) return false;
    told = true;
  }
  return told && is_known(language) && !folder.empty();
}

bool is_named(const std::string& path, const std::vector<Finding>& failures) {
  auto name = base_name(path);
  return std::any_of(failures.begin(), failures.end(), [&](const Finding& failure) {
    for (const auto* text : {&failure.file, &failure.test, &failure.message})
      if (text->find(name) != std::string::npos) return true;
    return false;
  });
}

}  // namespace

bool change_may_reach(const std::vector<std::string>& changed,
                      const std::vector<Finding>& failures) {
  if (changed.empty()) return true;
  return std::any_of(changed.begin(), changed.end(), [&](const std::string& path) {
    return is_named(path, failures) || (!is_document(path) && !is_apart(path, failures));
  });
}

}  // namespace muster
