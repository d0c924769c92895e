#include "runtime/boot/output_file.hpp"

#include <filesystem>
#include <optional>

#include "adapters/files/file_io.hpp"
#include "adapters/files/tree_path.hpp"

namespace muster {

Status write_output_file(const std::string& path, std::string_view text) {
  const std::filesystem::path file(path);
  const auto folder = file.parent_path().string();
  auto root = files::TreeRoot::open(folder.empty() ? "." : folder);
  if (!root) return root.error();
  auto where = root->resolve(file.filename().string());
  if (!where) return where.error();
  const auto old = files::open_file(*where);
  if (!old && old.error().code != ErrorCode::not_found) return old.error();
  return files::replace_file(*where, text, old ? std::optional(old->info) : std::nullopt);
}

}  // namespace muster
