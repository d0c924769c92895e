#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace muster::lsp {

/// "file:///a%20b" for an absolute path. Everything but letters, digits and -._~/ is escaped, byte
/// by byte. Pure.
[[nodiscard]] std::string file_uri(std::string_view path);

/// The path of a file URI on this machine, "." and ".." taken out by their text alone; nullopt for
/// another scheme or host, for bad escapes and for NUL. Two spellings of a path give one. Pure.
[[nodiscard]] std::optional<std::string> path_of_uri(std::string_view uri);

/// A relative path as the reference part of a URI: as file_uri(), without the scheme. Pure.
[[nodiscard]] std::string uri_escape(std::string_view path);

}  // namespace muster::lsp
