#include "adapters/git/changed_files.hpp"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>

#include "tests/adapters/git/git_fixture.hpp"

namespace muster::git::test {
namespace {

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("changed files are those that differ from HEAD or are new, not what is ignored or gone") {
  const Workspace work;
  work.put("same", "1");
  work.put("changed", "1");
  work.put("staged", "1");
  work.put("gone", "1");
  work.put(".gitignore", "*.log\n");
  work.make_repository();
  CHECK(must(changed_files(work.root())).empty());
  work.put("changed", "22");
  work.put("staged", "22");
  work.git({"add", "staged"});
  work.put("sub/new \xC3\xA9\nfile", "1");
  work.put("x.log", "1");
  std::filesystem::remove(work.path("gone"));
  CHECK(must(changed_files(work.root())) == Names{"changed", "staged", "sub/new \xC3\xA9\nfile"});
}

TEST_CASE("without a first commit all files are changed") {
  const Workspace work;
  work.put("a", "1");
  work.put("b", "1");
  work.git({"init", "-q"});
  work.git({"add", "a"});
  CHECK(must(changed_files(work.root())) == Names{"a", "b"});
}

TEST_CASE("a repository's filters do not run when its changed files are looked for") {
  const Workspace work;
  work.put("a", "1");
  work.make_repository();
  work.git({"config", "filter.evil.clean", "touch '" + work.outside("ran") + "'; cat"});
  work.put(".gitattributes", "* filter=evil\n");
  work.put("a", "22");
  CHECK(must(changed_files(work.root())) == Names{".gitattributes", "a"});
  CHECK_FALSE(there(work.outside("ran")));
}

TEST_CASE("a folder that is no repository has no changed files") {
  const Workspace work;
  work.put("a", "1");
  const auto changed = changed_files(work.root());
  REQUIRE_FALSE(changed);
  CHECK(changed.error().code == ErrorCode::invalid_argument);
}

}  // namespace muster::git::test
