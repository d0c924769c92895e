#pragma once
// Lexical work on '/'-separated paths. Nothing here looks at a file system: symlinks are for
// adapters.

#include <string>
#include <string_view>

namespace muster {

/// `path` (absolute, or relative to the absolute `base`) as an absolute path without ".", "..",
/// empty parts and trailing slash. ".." above the root stays at the root, as in the kernel. Pure.
[[nodiscard]] std::string absolute_path(std::string_view base, std::string_view path);

/// `path` is `root` or lies below it; both absolute and normalised. Pure.
[[nodiscard]] bool path_within(std::string_view root, std::string_view path);

/// `path` lies below `root` and is not `root` itself.
[[nodiscard]] bool path_below(std::string_view root, std::string_view path);

/// `path` relative to `root` when it lies within ("" for the root itself), else `path` unchanged.
[[nodiscard]] std::string relative_to(std::string_view root, std::string_view path);

/// "src/a.cpp" -> "a.cpp"; "/" -> "". "a/b/" -> "".
[[nodiscard]] std::string_view base_name(std::string_view path);
/// "src/a.cpp" -> "src"; "a.cpp" -> ""; "/a" -> "/".
[[nodiscard]] std::string_view parent_path(std::string_view path);
/// "a" + "b" -> "a/b"; an empty side gives the other.
[[nodiscard]] std::string join_path(std::string_view left, std::string_view right);

}  // namespace muster
