#include "runtime/core/test_paths.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

namespace muster {
namespace {

constexpr std::array<std::string_view, 32> source_extensions{
    "c",   "cc",    "cpp",   "cxx", "h",  "hh", "hpp",  "hxx", "js", "jsx", "mjs",
    "cjs", "ts",    "tsx",   "py",  "go", "rs", "java", "kt",  "cs", "rb",  "php",
    "sh",  "swift", "scala", "lua", "pl", "ex", "exs",  "hs",  "ml", "zig"};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

bool is_test_folder(std::string_view name) {
  return name == "test" || name == "tests" || name == "spec" || name == "specs" ||
         name == "__tests__" || name == "testing" || name == "e2e";
}

bool is_test_file(std::string_view original) {
  auto name = lower(original);
  auto dot = name.find('.');
  auto stem = name.substr(0, dot);
  auto rest = dot == std::string::npos ? std::string() : name.substr(dot);
  if (stem.starts_with("test_") || stem.ends_with("_test") || stem.ends_with("_tests") ||
      stem.ends_with("_spec") || stem == "test" || stem == "tests")
    return true;
  if (rest.find(".test.") == 0 || rest.find(".spec.") == 0) return true;
  auto first = original.substr(0, original.find('.'));
  return first.ends_with("Test") || first.ends_with("Tests") || first.ends_with("Spec");
}

}  // namespace

bool is_test_path(const std::string& path) {
  std::size_t from = 0;
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', from)) {
    if (is_test_folder(lower(std::string_view(path).substr(from, slash - from)))) return true;
    from = slash + 1;
  }
  return is_test_file(std::string_view(path).substr(from));
}

bool is_source_path(const std::string& path) {
  auto name = std::string_view(path).substr(path.rfind('/') + 1);
  auto dot = name.rfind('.');
  if (dot == std::string_view::npos || is_test_path(path)) return false;
  auto extension = lower(name.substr(dot + 1));
  return std::find(source_extensions.begin(), source_extensions.end(), extension) !=
         source_extensions.end();
}

}  // namespace muster
