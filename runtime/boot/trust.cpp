#include "runtime/boot/trust.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include "runtime/boot/output_file.hpp"
#include "runtime/core/sha256.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return in ? std::optional(text.str()) : std::nullopt;
}

std::string mark_file(const config::WorkspacePaths& paths) {
  return paths.state_dir + "/trusted-config.sha256";
}

}  // namespace

Trust trust_of(const config::WorkspacePaths& paths) {
  const auto file = content_of(config::project_config_file(paths.workspace));
  const auto mark = content_of(mark_file(paths));
  if (!file || !mark) return Trust::none;
  return *mark == sha256_hex(*file) ? Trust::given : Trust::outdated;
}

Status give_trust(const config::WorkspacePaths& paths) {
  const auto name = config::project_config_file(paths.workspace);
  const auto file = content_of(name);
  if (!file) return Error{ErrorCode::not_found, "there is no configuration to trust", name};
  std::error_code failure;
  fs::create_directories(paths.state_dir, failure);
  if (failure) return Error{ErrorCode::io_error, failure.message(), paths.state_dir};
  return write_output_file(mark_file(paths), sha256_hex(*file));
}

Status take_trust(const config::WorkspacePaths& paths) {
  std::error_code failure;
  fs::remove(mark_file(paths), failure);
  if (failure) return Error{ErrorCode::io_error, failure.message(), mark_file(paths)};
  return ok_status();
}

}  // namespace muster
