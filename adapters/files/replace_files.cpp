#include "adapters/files/replace_files.hpp"

#include <utility>

#include "adapters/files/file_io.hpp"
#include "adapters/files/tree_path.hpp"

namespace muster::files {
namespace {

/// A file that is to be replaced, as it was when it was compared.
struct Seen {
  ResolvedPath where;
  struct stat info {};
};

Result<Seen> look_at(const TreeRoot& root, const FileRewrite& rewrite) {
  auto where = root.resolve(rewrite.path);
  if (!where) return where.error();
  auto file = open_file(*where);
  if (!file) return file.error();
  auto content = read_whole(*file, rewrite.path, rewrite.before.size());
  const bool longer = !content && content.error().code == ErrorCode::limit_reached;
  if (!content && !longer) return content.error();
  if (longer || *content != rewrite.before)
    return Error{ErrorCode::conflict, "the file has changed meanwhile", rewrite.path};
  return Seen{std::move(*where), file->info};
}

}  // namespace

Status replace_files(const std::string& root, const std::vector<FileRewrite>& rewrites) {
  auto tree = TreeRoot::open(root);
  if (!tree) return tree.error();
  std::vector<Seen> seen;
  for (const auto& rewrite : rewrites) {
    auto one = look_at(*tree, rewrite);
    if (!one) return one.error();
    seen.push_back(std::move(*one));
  }
  for (std::size_t i = 0; i < rewrites.size(); ++i) {
    auto done = replace_file(seen[i].where, rewrites[i].after, seen[i].info);
    if (done) continue;
    auto error = done.error();
    error.context = rewrites[i].path;
    for (std::size_t back = 0; back < i; ++back)
      if (!replace_file(seen[back].where, rewrites[back].before, std::nullopt))
        error.message += "; " + rewrites[back].path + " could not be put back";
    return error;
  }
  return ok_status();
}

}  // namespace muster::files
