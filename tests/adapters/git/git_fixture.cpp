#include "tests/adapters/git/git_fixture.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

#include "adapters/process/run_command.hpp"

namespace muster::git::test {
namespace fs = std::filesystem;

TempFolder::TempFolder() {
  std::string pattern = (fs::temp_directory_path() / "muster-git-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = fs::canonical(pattern).string();
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void put_file(const std::string& path, const std::string& content) {
  fs::create_directories(fs::path{path}.parent_path());
  std::ofstream file{path, std::ios::binary | std::ios::trunc};
  file << content;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

std::string get_file(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) return "<absent>";
  return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
}

bool there(const std::string& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

std::map<std::string, std::string> picture(const std::string& folder) {
  std::map<std::string, std::string> seen;
  for (auto it = fs::recursive_directory_iterator{folder}; it != fs::end(it); ++it) {
    if (it->path().filename() == ".git") {
      it.disable_recursion_pending();
      continue;
    }
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) != 0) throw std::runtime_error("lstat failed");
    std::string text = std::to_string(info.st_mode);
    if (S_ISLNK(info.st_mode)) text += " -> " + fs::read_symlink(it->path()).string();
    if (S_ISREG(info.st_mode)) {
      text += " " + std::to_string(info.st_ino) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
              std::to_string(info.st_mtim.tv_nsec) + " " + get_file(it->path().string());
    }
    seen[it->path().lexically_relative(folder).string()] = text;
  }
  return seen;
}

Workspace::Workspace() { fs::create_directories(root()); }

std::string Workspace::run(const std::string& cwd, std::vector<std::string> args, bool must_succeed,
                           bool* success) const {
  CommandSpec spec;
  spec.argv = {"git", "-c", "user.name=User", "-c", "user.email=user@example.org"};
  spec.argv.insert(spec.argv.end(), args.begin(), args.end());
  spec.cwd = cwd;
  spec.env = {{"HOME", folder_.path()}, {"GIT_CONFIG_NOSYSTEM", "1"}, {"LC_ALL", "C"}};
  CommandOutput done = must(run_command(spec));
  if (success != nullptr) *success = done.success();
  if (must_succeed && !done.success()) throw std::runtime_error("git failed: " + done.err);
  while (!done.out.empty() && done.out.back() == '\n') done.out.pop_back();
  return done.out;
}

std::string Workspace::git(std::vector<std::string> args) const {
  return run(root(), std::move(args), true);
}

std::string Workspace::private_git(std::vector<std::string> args) const {
  return run(state() + "/repository.git", std::move(args), true);
}

bool Workspace::git_succeeds(std::vector<std::string> args) const {
  bool success = false;
  static_cast<void>(run(root(), std::move(args), false, &success));
  return success;
}

void Workspace::commit_all(const std::string& message) const {
  git({"add", "-A"});
  git({"commit", "-q", "--allow-empty", "-m", message});
}

void Workspace::make_repository() const {
  git({"init", "-q", "-b", "main"});
  commit_all("First");
}

GitOptions Workspace::options(const std::string& mission) const {
  GitOptions options;
  options.workspace = root();
  options.state_folder = state();
  options.mission = mission;
  return options;
}

std::string land(VersionControl& control, const std::string& key, const std::string& file,
                 const std::string& content) {
  const Snapshot tree = must(control.checkout(key, ""));
  put_file(tree.path + "/" + file, content);
  const std::string commit = must(control.commit(key, CommitInfo{"Change " + file}));
  const MergeOutcome merged = must(control.merge(commit, CommitInfo{"Change " + file}));
  if (merged.commit.empty()) throw std::runtime_error("conflict where none was expected");
  must(control.advance(must(control.tip()), merged.commit));
  must(control.release(key));
  return merged.commit;
}

}  // namespace muster::git::test
