#include "runtime/core/paths.hpp"

#include <algorithm>

namespace muster {
namespace {

void append_parts(std::string& out, std::string_view path) {
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    const auto part = path.substr(0, end);
    path.remove_prefix(std::min(end + 1, path.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..")
      out.resize(out.empty() ? 0 : out.rfind('/'));
    else
      out.append("/").append(part);
  }
}

}  // namespace

std::string absolute_path(std::string_view base, std::string_view path) {
  std::string out;
  if (!path.starts_with('/')) append_parts(out, base);
  append_parts(out, path);
  return out.empty() ? "/" : out;
}

bool path_within(std::string_view root, std::string_view path) {
  return path == root || path_below(root, path);
}

bool path_below(std::string_view root, std::string_view path) {
  if (root == "/") return path.size() > 1 && path.front() == '/';
  return path.size() > root.size() + 1 && path.starts_with(root) && path[root.size()] == '/';
}

std::string relative_to(std::string_view root, std::string_view path) {
  if (path == root) return {};
  if (!path_below(root, path)) return std::string(path);
  return std::string(path.substr(root == "/" ? 1 : root.size() + 1));
}

std::string_view base_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view parent_path(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return path.substr(0, std::max<std::size_t>(slash, 1));
}

std::string join_path(std::string_view left, std::string_view right) {
  if (left.empty() || right.empty()) return std::string(left.empty() ? right : left);
  std::string out(left);
  if (!out.ends_with('/')) out += '/';
  return out.append(right);
}

}  // namespace muster
