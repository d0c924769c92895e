#include "adapters/files/projection.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

namespace muster {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t max_bytes = 4U << 20U;

/// A regular file's text; nullopt when it is none, too large, or unreadable. Symlinks are not
/// followed.
std::optional<std::string> read_text(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(path, error)) ||
      fs::file_size(path, error) > max_bytes || error)
    return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return std::nullopt;
  return text.str();
}

Status write_text(const fs::path& path, const std::string& text) {
  auto temp = path;
  temp += ".tmp";
  std::error_code error;
  fs::remove(temp, error);
  {
    std::ofstream out(temp, std::ios::binary | std::ios::trunc);
    out << text;
    out.flush();
    if (!out) return Error{ErrorCode::io_error, "cannot write", temp.string()};
  }
  fs::rename(temp, path, error);
  if (error) return Error{ErrorCode::io_error, error.message(), path.string()};
  return ok_status();
}

/// The repository's own exclude file, or nothing when the workspace is no repository of its own.
std::optional<fs::path> exclude_file(const fs::path& workspace) {
  std::error_code error;
  auto git = workspace / ".git";
  if (!fs::is_directory(fs::symlink_status(git, error))) return std::nullopt;
  return git / "info" / "exclude";
}

void ignore_folder(const fs::path& workspace) {
  auto file = exclude_file(workspace);
  if (!file) return;
  auto text = read_text(*file).value_or("");
  if (text.find("/.muster/") != std::string::npos) return;
  std::error_code error;
  fs::create_directories(file->parent_path(), error);
  if (fs::is_symlink(*file, error)) return;
  if (!text.empty() && text.back() != '\n') text += '\n';
  (void)write_text(*file, text + "/.muster/\n");
}

}  // namespace

Status WorkspaceProjection::prepare() {
  if (prepared_) return ok_status();
  std::error_code error;
  auto folder = fs::path(workspace_) / ".muster";
  if (fs::is_symlink(folder, error))
    return Error{ErrorCode::permission_denied, "is a symbolic link", folder.string()};
  fs::create_directories(folder, error);
  if (error) return Error{ErrorCode::io_error, error.message(), folder.string()};
  ignore_folder(workspace_);
  prepared_ = true;
  return ok_status();
}

Result<std::optional<std::string>> WorkspaceProjection::write(const std::string& name,
                                                              const std::string& expected,
                                                              const std::string& text) {
  std::lock_guard lock(mutex_);
  if (auto ready = prepare(); !ready) return ready.error();
  auto path = fs::path(workspace_) / ".muster" / name;
  auto now = read_text(path);
  bool edited = now && !now->empty() && !expected.empty() && *now != expected && *now != text;
  if (edited) return now;
  if (now == text) return std::optional<std::string>();
  if (auto written = write_text(path, text); !written) return written.error();
  return std::optional<std::string>();
}

}  // namespace muster
