#include "runtime/boot/demo.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "adapters/process/run_command.hpp"
#include "config/embedded.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view project = "config/demo/ledger/";
constexpr std::string_view extension =
    ".txt";  // keeps the project's sources out of muster's own build
constexpr std::string_view hidden = "dot_";  // stands for the dot of a hidden file

/// "config/demo/ledger/dot_gitignore.txt" -> ".gitignore".
fs::path path_in_project(std::string_view embedded) {
  embedded.remove_prefix(project.size());
  embedded.remove_suffix(extension.size());
  fs::path path(embedded);
  auto name = path.filename().string();
  if (name.starts_with(hidden)) path.replace_filename("." + name.substr(hidden.size()));
  return path;
}

Status write_file(const fs::path& path, std::string_view content) {
  std::error_code failure;
  fs::create_directories(path.parent_path(), failure);
  std::ofstream file(path, std::ios::binary);
  file << content;
  file.close();
  if (!file) return Error{ErrorCode::io_error, "cannot write the demo's files", path.string()};
  return ok_status();
}

Status write_project(const fs::path& root) {
  auto names = config::embedded_files(project);
  if (names.empty())
    return Error{ErrorCode::internal, "the demo's files are not part of this program"};
  for (auto name : names)
    if (auto written = write_file(root / path_in_project(name), config::embedded(name)); !written)
      return written;
  return ok_status();
}

/// The user's git configuration (hooks, signing, templates) has no say in the demo.
Status git(const std::string& repository, std::vector<std::string> arguments) {
  CommandSpec command;
  command.argv = {"git",
                  "-c",
                  "user.name=muster demo",
                  "-c",
                  "user.email=demo@localhost",
                  "-c",
                  "commit.gpgsign=false"};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.cwd = repository;
  command.env = {{"GIT_CONFIG_NOSYSTEM", "1"}, {"GIT_CONFIG_GLOBAL", "/dev/null"}};
  command.unset_env = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"};
  command.timeout = 30s;
  auto output = run_command(command);
  if (!output) return output.error();
  if (!output->success())
    return Error{ErrorCode::io_error, "git " + arguments.front() + " failed: " + output->err,
                 repository};
  return ok_status();
}

Status commit_project(const std::string& repository) {
  std::vector<std::vector<std::string>> steps{{"init", "-q", "-b", "main", "--template="},
                                              {"add", "-A"},
                                              {"commit", "-q", "-m", "Add up expenses"}};
  for (auto& step : steps)
    if (auto done = git(repository, std::move(step)); !done) return done;
  return ok_status();
}

Result<std::string> make_temporary_folder() {
  const char* base = std::getenv("TMPDIR");
  std::string name =
      (base != nullptr && *base == '/' ? std::string(base) : "/tmp") + "/muster-demo-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    return Error{ErrorCode::io_error,
                 std::string("cannot make a folder for the demo: ") + std::strerror(errno), name};
  std::error_code failure;
  auto canonical = fs::canonical(name, failure);
  return failure ? name : canonical.string();
}

}  // namespace

DemoWorkspace::DemoWorkspace(DemoWorkspace&& other) noexcept { *this = std::move(other); }

DemoWorkspace& DemoWorkspace::operator=(DemoWorkspace&& other) noexcept {
  std::swap(folder, other.folder);
  std::swap(repository, other.repository);
  std::swap(state, other.state);
  std::swap(keep, other.keep);
  return *this;
}

DemoWorkspace::~DemoWorkspace() {
  std::error_code failure;
  if (!folder.empty() && !keep) fs::remove_all(folder, failure);
}

Result<DemoWorkspace> make_demo_workspace(bool keep) {
  auto folder = make_temporary_folder();
  if (!folder) return folder.error();
  DemoWorkspace demo;
  demo.folder = *folder;
  demo.repository = *folder + "/ledger";
  demo.state = *folder + "/state";
  std::error_code failure;
  fs::create_directory(demo.state, failure);
  if (auto written = write_project(demo.repository); !written) return written.error();
  if (auto committed = commit_project(demo.repository); !committed) return committed.error();
  demo.keep = keep;  // only a whole one
  return demo;
}

std::string demo_scenario(bool fast) {
  std::string text(config::embedded("config/demo/scenario.json"));
  if (!fast) return text;
  auto scenario = nlohmann::json::parse(text, nullptr, false);
  if (!scenario.is_object()) return text;
  scenario.erase("defaults");
  return scenario.dump(2);
}

std::string demo_objective() {
  return "Quoted categories such as \"food, drink\" are counted wrong: mend that. "
         "Write amounts with separators (12,345.67), and add --top N, which lists the N largest "
         "categories only.";
}

}  // namespace muster
