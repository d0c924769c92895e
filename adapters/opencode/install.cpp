#include "adapters/opencode/install.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "adapters/io/read_all.hpp"
#include "adapters/io/unique_fd.hpp"
#include "config/embedded.hpp"
#include "config/paths.hpp"
#include "runtime/core/jsonc_edit.hpp"

namespace muster::opencode {
namespace {

namespace fs = std::filesystem;
using config::base_folder;
using config::variable;
using nlohmann::json;

constexpr const char* plugin_key = "plugin";
constexpr const char* package = "opencode-muster";
constexpr const char* embedded_folder = "adapters/opencode/plugin/";
constexpr mode_t new_file_mode = 0644;

Error system_error(const std::string& what, const std::string& path) {
  const auto code = errno == EACCES || errno == EPERM || errno == EROFS
                        ? ErrorCode::permission_denied
                        : ErrorCode::io_error;
  return {code, what + ": " + std::strerror(errno), path};
}

/// nullopt: there is no such file.
Result<std::optional<std::string>> read_file(const std::string& path) {
  auto text = read_all(path);
  if (text.ok()) return std::optional(std::move(*text));
  if (text.error().code == ErrorCode::not_found) return std::optional<std::string>();
  return text.error();
}

Status write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return system_error("cannot write", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return ok_status();
}

/// Replaces a file in one step, on disk before it has its name. Its mode stays.
Status replace_file(const std::string& path, std::string_view text) {
  struct stat info {};
  const auto mode = ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : new_file_mode;
  const auto fresh = path + ".muster-" + std::to_string(::getpid());
  UniqueFd fd(::open(fresh.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return system_error("cannot write", fresh);
  auto done = write_all(fd.get(), text, fresh);
  if (done && (::fchmod(fd.get(), mode) != 0 || ::fsync(fd.get()) != 0))
    done = system_error("cannot write", fresh);
  if (done && ::rename(fresh.c_str(), path.c_str()) != 0)
    done = system_error("cannot replace", path);
  if (!done) ::unlink(fresh.c_str());
  return done;
}

Status make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{ErrorCode::io_error, error.message(), folder.string()};
  return ok_status();
}

/// Of the files that OpenCode merges, the one to edit.
std::string choose_file(const std::vector<std::string>& folders) {
  std::string existing;
  std::string with_list;
  for (const auto& folder : folders)
    for (const auto* name : {"opencode.json", "opencode.jsonc"}) {
      const auto path = folder + "/" + name;
      const auto text = read_file(path);
      if (!text || !*text) continue;
      existing = path;
      const auto value = parse_jsonc(**text);
      if (value && value->contains(plugin_key)) with_list = path;
    }
  if (!with_list.empty()) return with_list;
  return existing.empty() ? folders.front() + "/opencode.json" : existing;
}

Result<InstallPlaces> places_in(const config::Environment& environment,
                                const std::vector<std::string>& folders) {
  const auto data = base_folder(environment, "XDG_DATA_HOME", "/.local/share");
  if (data.empty())
    return Error{ErrorCode::invalid_argument, "neither XDG_DATA_HOME nor HOME is set"};
  return InstallPlaces{choose_file(folders), data + "/muster/opencode-plugin"};
}

/// "spec" or ["spec", {options}].
std::string spec_of(const json& entry) {
  const auto& spec = entry.is_array() && !entry.empty() ? entry[0] : entry;
  return spec.is_string() ? spec.get<std::string>() : "";
}

bool is_ours(const json& entry, const std::string& folder) {
  const auto spec = spec_of(entry);
  return spec == folder || spec == "file://" + folder || spec == package ||
         spec.rfind(std::string(package) + "@", 0) == 0;
}

/// What the configuration is to be, from what it is.
using Edit = std::function<Result<std::string>(const std::string&)>;
using Check = std::function<bool(const json& plugins)>;

Status verify(const std::string& path, const std::string& wanted, const Check& check) {
  auto text = read_file(path);
  if (!text) return text.error();
  if (!*text || **text != wanted)
    return Error{ErrorCode::conflict, "somebody else has changed the file meanwhile", path};
  auto value = parse_jsonc(**text);
  if (!value) return value.error();
  if (!check(value->value(plugin_key, json::array())))
    return Error{ErrorCode::internal, "the file does not say what it should", path};
  return ok_status();
}

/// Puts back what was there, unless somebody else has written to it since.
void roll_back(const std::string& path, const std::optional<std::string>& before,
               const std::string& ours) {
  const auto now = read_file(path);
  if (!now || !*now || **now != ours) return;
  if (before)
    (void)replace_file(path, *before);
  else
    ::unlink(path.c_str());
}

std::string backup_of(const std::string& path) { return path + ".before-muster"; }

Result<Installed> change(const std::string& given, const Edit& edit, const Check& check,
                         const AfterWrite& after_write) {
  std::error_code error;
  auto path = given;  // the file itself where the name is a link to it, as in a folder of dot files
  if (const auto target = fs::canonical(given, error); !error) path = target.string();
  auto before = read_file(path);
  if (!before) return before.error();
  auto wanted = edit(before->value_or(""));
  if (!wanted) {
    auto failure = wanted.error();
    failure.context = given + (failure.context.empty() ? "" : ": " + failure.context);
    return failure;
  }
  if (*wanted == before->value_or("")) return Installed{given, false};
  if (auto made = make_folder(fs::path(path).parent_path()); !made) return made.error();
  const auto backup = backup_of(path);
  if (*before && !fs::exists(backup, error))
    if (auto kept = replace_file(backup, **before); !kept) return kept.error();
  if (auto written = replace_file(path, *wanted); !written) return written.error();
  if (after_write) after_write();
  if (auto verified = verify(path, *wanted, check); !verified) {
    roll_back(path, *before, *wanted);
    return verified.error();
  }
  return Installed{given, true};
}

/// After the entry has gone: the copy goes, and a file that was made for the entry alone.
void tidy_up(const std::string& path, bool was_ours) {
  std::error_code error;
  const auto target = fs::canonical(path, error);
  if (error) return;
  fs::remove(backup_of(target.string()), error);
  if (!was_ours) return;
  const auto text = read_file(target.string());
  if (!text || !*text) return;
  auto rest = **text;
  std::erase_if(rest, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
  if (rest == "{}") fs::remove(target, error);
}

}  // namespace

Status write_plugin(const std::string& folder) {
  if (auto made = make_folder(folder); !made) return made;
  for (const auto name : config::embedded_files(embedded_folder)) {
    const auto path = folder + "/" + std::string(name.substr(std::strlen(embedded_folder)));
    if (auto written = replace_file(path, config::embedded(name)); !written) return written;
  }
  return ok_status();
}

Result<InstallPlaces> global_places(const config::Environment& environment) {
  if (const auto folder = variable(environment, "OPENCODE_CONFIG_DIR"); !folder.empty())
    return places_in(environment, {fs::absolute(folder).string()});
  const auto base = base_folder(environment, "XDG_CONFIG_HOME", "/.config");
  if (base.empty())
    return Error{ErrorCode::invalid_argument, "neither XDG_CONFIG_HOME nor HOME is set"};
  return places_in(environment, {base + "/opencode"});
}

Result<InstallPlaces> project_places(const config::Environment& environment,
                                     const std::string& root) {
  return places_in(environment, {root, root + "/.opencode"});
}

Result<Installed> install(const InstallPlaces& places, const std::string& binary,
                          const AfterWrite& after_write) {
  const auto& folder = places.plugin_folder;
  const json entry = json::array({folder, {{"binary", binary}}});
  auto ours = [&](const json& other) { return is_ours(other, folder); };
  auto edit = [&](const std::string& text) -> Result<std::string> {
    auto value = parse_jsonc(text);
    if (!value) return value.error();
    const auto plugins = value->value(plugin_key, json::array());
    if (std::count_if(plugins.begin(), plugins.end(), ours) == 1 &&
        std::find(plugins.begin(), plugins.end(), entry) != plugins.end())
      return text;
    auto without = remove_from_list(text, plugin_key, ours);
    if (!without) return without.error();
    return add_to_list(*without, plugin_key, entry);
  };
  auto check = [&](const json& plugins) {
    return std::find(plugins.begin(), plugins.end(), entry) != plugins.end();
  };
  // A file that cannot be edited is found before anything is written.
  auto before = read_file(places.config_file);
  if (!before) return before.error();
  if (auto possible = edit(before->value_or("")); !possible)
    return Error{possible.error().code, possible.error().message,
                 places.config_file + ": " + possible.error().context};
  if (auto written = write_plugin(folder); !written) return written.error();
  return change(places.config_file, edit, check, after_write);
}

Result<Installed> uninstall(const InstallPlaces& places, const AfterWrite& after_write) {
  const auto& folder = places.plugin_folder;
  auto ours = [&](const json& other) { return is_ours(other, folder); };
  auto edit = [&](const std::string& text) -> Result<std::string> {
    if (text.empty()) return text;
    return remove_from_list(text, plugin_key, ours);
  };
  auto check = [&](const json& plugins) {
    return std::none_of(plugins.begin(), plugins.end(), ours);
  };
  std::error_code error;
  const auto target = fs::canonical(places.config_file, error);
  const bool made_by_us = !error && !fs::exists(backup_of(target.string()), error);
  auto changed = change(places.config_file, edit, check, after_write);
  if (changed && changed->changed) tidy_up(places.config_file, made_by_us);
  return changed;
}

}  // namespace muster::opencode
