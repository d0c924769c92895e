#pragma once
// A temporary tree for the tests of adapters/files.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "adapters/files/local_workspace_files.hpp"

namespace muster::files::test {

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error("unexpected failure: " + result.error().text());
  return std::move(result).value();
}

/// `root()` is the tree; everything beside it in the same temporary folder is outside.
class Tree {
 public:
  Tree() {
    std::string pattern = (std::filesystem::temp_directory_path() / "muster-files-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    folder_ = std::filesystem::canonical(pattern).string();
    std::filesystem::create_directories(root());
  }
  ~Tree() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  [[nodiscard]] std::string root() const { return folder_ + "/tree"; }
  [[nodiscard]] std::string outside(const std::string& name) const { return folder_ + "/" + name; }
  [[nodiscard]] std::string path(const std::string& name) const { return root() + "/" + name; }
  void put(const std::string& name, const std::string& content) const {
    put_at(path(name), content);
  }
  static void put_at(const std::string& path, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file << content;
    if (!file.flush()) throw std::runtime_error("cannot write " + path);
  }
  [[nodiscard]] std::string get(const std::string& name) const { return get_at(path(name)); }
  static std::string get_at(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) return "<absent>";
    return {std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
  }
  [[nodiscard]] LocalFilesOptions options() const {
    LocalFilesOptions options;
    options.root = root();
    return options;
  }
  [[nodiscard]] std::unique_ptr<LocalWorkspaceFiles> files() const {
    return must(LocalWorkspaceFiles::open(options()));
  }

 private:
  std::string folder_;
};

}  // namespace muster::files::test
