#pragma once
// A temporary workspace with the real git, for the tests of adapters/git.

#include <map>
#include <string>
#include <vector>

#include "adapters/git/git_version_control.hpp"

namespace muster::git::test {

/// The value of a Result, or a failed test that shows the error.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error("unexpected failure: " + result.error().text());
  return std::move(result).value();
}

/// A folder that removes itself.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void put_file(const std::string& path, const std::string& content);
std::string get_file(const std::string& path);
bool there(const std::string& path);

/// Everything below a folder but `.git`: path -> type, mode bits, modification time and content.
std::map<std::string, std::string> picture(const std::string& folder);

/// A workspace beside a state folder, and the user's own git in it.
class Workspace {
 public:
  Workspace();
  [[nodiscard]] std::string root() const { return folder_.path() + "/work space"; }
  [[nodiscard]] std::string state() const { return folder_.path() + "/state"; }
  [[nodiscard]] std::string outside(const std::string& name) const {
    return folder_.path() + "/" + name;
  }
  [[nodiscard]] std::string path(const std::string& name) const { return root() + "/" + name; }
  void put(const std::string& name, const std::string& content) const {
    put_file(path(name), content);
  }
  [[nodiscard]] std::string get(const std::string& name) const { return get_file(path(name)); }
  /// The user's git, with a plain configuration; throws when it fails.
  std::string git(std::vector<std::string> args) const;
  /// The same in the private repository.
  std::string private_git(std::vector<std::string> args) const;
  bool git_succeeds(std::vector<std::string> args) const;
  /// `git init` and a first commit of what is there.
  void make_repository() const;
  void commit_all(const std::string& message) const;
  [[nodiscard]] std::string head() const { return git({"rev-parse", "HEAD"}); }
  [[nodiscard]] GitOptions options(const std::string& mission = "m1") const;

 private:
  [[nodiscard]] std::string run(const std::string& cwd, std::vector<std::string> args,
                                bool must_succeed, bool* success = nullptr) const;
  TempFolder folder_;
};

/// Commits a change of one file as a task, merges and advances; returns the new tip.
std::string land(VersionControl& control, const std::string& key, const std::string& file,
                 const std::string& content);

}  // namespace muster::git::test
