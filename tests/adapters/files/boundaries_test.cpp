// F3: nothing leads out of the tree, and credentials stay unseen.

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>

#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <thread>

#include "adapters/files/directory_file_tree.hpp"
#include "tests/adapters/files/files_fixture.hpp"

namespace muster::files::test {
namespace fs = std::filesystem;

namespace {

/// Every way in by path: all must say the same.
void check_refused(WorkspaceFiles& files, const std::string& path, ErrorCode code) {
  CAPTURE(path);
  const auto read = files.read(path, 1, 0);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == code);
  CHECK_FALSE(read.error().message.empty());
  CHECK(files.slurp(path, 1000).error().code == code);
  CHECK(files.write(path, "x").error().code == code);
  CHECK_FALSE(files.edit(path, "secret", "x", false).ok());
  CHECK_FALSE(files.grep("secret", path, "").ok());
}

}  // namespace

TEST_CASE("F3 paths, symlinks and roots that lead outside are refused") {
  Tree tree;
  tree.put("a.txt", "inside\n");
  tree.put("dir/b.txt", "inside\n");
  Tree::put_at(tree.outside("secret.txt"), "secret\n");
  Tree::put_at(tree.outside("tree-beside/secret.txt"), "secret\n");
  fs::create_symlink(tree.outside("secret.txt"), tree.path("link-file"));
  fs::create_symlink("../secret.txt", tree.path("link-relative"));
  fs::create_directory_symlink(tree.outside(""), tree.path("link-dir"));
  fs::create_directory_symlink("/", tree.path("link-root"));
  fs::create_symlink("link-dir/secret.txt", tree.path("link-to-link"));
  fs::create_directory_symlink("/proc/self/root", tree.path("link-proc"));
  auto files = tree.files();
  for (const std::string& path :
       {std::string{"../secret.txt"}, std::string{"dir/../../secret.txt"},
        tree.outside("secret.txt"), tree.outside("tree-beside/secret.txt"),
        std::string{"/etc/passwd"}, std::string{"/proc/self/root/etc/passwd"},
        std::string{"/proc/self/cwd/x"}, tree.root() + "/../secret.txt", std::string{"link-file"},
        std::string{"link-relative"}, std::string{"link-dir/secret.txt"},
        std::string{"link-root/etc/passwd"}, std::string{"link-to-link"},
        std::string{"link-proc/etc/passwd"}, std::string{"./../secret.txt"},
        std::string{"dir//..//..//secret.txt"}})
    check_refused(*files, path, ErrorCode::permission_denied);
  CHECK(Tree::get_at(tree.outside("secret.txt")) == "secret\n");
  CHECK(files->list("..", 1).error().code == ErrorCode::permission_denied);
  CHECK(files->list("link-dir", 1).error().code == ErrorCode::permission_denied);
  CHECK(files->list("/", 1).error().code == ErrorCode::permission_denied);
  CHECK_FALSE(files->glob("/etc/*").ok());
  CHECK(must(files->glob("../*")).text == "(no file matches)");
  CHECK(must(files->grep("secret", "", "")).text == "(no matches)");
}

TEST_CASE("F3 a path with NUL, an empty one and an endless one are refused") {
  Tree tree;
  tree.put("a.txt", "inside\n");
  fs::create_symlink("loop-b", tree.path("loop-a"));
  fs::create_symlink("loop-a", tree.path("loop-b"));
  auto files = tree.files();
  check_refused(*files, std::string{"a.txt\0.png", 10}, ErrorCode::invalid_argument);
  check_refused(*files, "loop-a", ErrorCode::invalid_argument);
  check_refused(*files, std::string(5000, 'a'), ErrorCode::invalid_argument);
  check_refused(*files, "a.txt/b", ErrorCode::invalid_argument);
  CHECK_FALSE(files->write("", "x").ok());
  CHECK_FALSE(files->write(".", "x").ok());
}

TEST_CASE("F3 links inside of the tree, hard links and absolute paths below the root are fine") {
  Tree tree;
  tree.put("dir/b.txt", "inside\n");
  Tree::put_at(tree.outside("shared.txt"), "shared\n");
  fs::create_hard_link(tree.outside("shared.txt"), tree.path("hard.txt"));
  fs::create_directory_symlink("dir", tree.path("inner"));
  fs::create_symlink(tree.path("dir/b.txt"), tree.path("absolute"));
  fs::create_directory_symlink(tree.root(), tree.outside("alias"));
  auto files = tree.files();
  CHECK(must(files->read("hard.txt", 1, 0)).text == "     1\tshared\n");
  CHECK(must(files->slurp("inner/b.txt", 100)) == "inside\n");
  CHECK(must(files->slurp("absolute", 100)) == "inside\n");
  CHECK(must(files->slurp(tree.path("dir/b.txt"), 100)) == "inside\n");
  CHECK(must(files->slurp("dir/../dir/./b.txt", 100)) == "inside\n");
  const WriteReceipt receipt = must(files->write(tree.path("inner/new.txt"), "x"));
  CHECK(receipt.path == "dir/new.txt");
  CHECK(tree.get("dir/new.txt") == "x");

  LocalFilesOptions options = tree.options();
  options.root = tree.outside("alias");
  auto aliased = must(LocalWorkspaceFiles::open(options));
  CHECK(must(aliased->slurp(tree.outside("alias/dir/b.txt"), 100)) == "inside\n");
  CHECK(must(aliased->slurp(tree.path("dir/b.txt"), 100)) == "inside\n");
}

TEST_CASE("F3 a folder that is swapped for a symlink while it is used leads nowhere") {
  Tree tree;
  tree.put("dir/file.txt", "inside\n");
  Tree::put_at(tree.outside("away/file.txt"), "outside\n");
  fs::create_directory_symlink(tree.outside("away"), tree.path("trap"));
  auto files = tree.files();
  std::atomic<bool> stop{false};
  std::thread swapper{[&] {
    const std::string one = tree.path("dir");
    const std::string two = tree.path("trap");
    while (!stop) ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, two.c_str(), RENAME_EXCHANGE);
  }};
  int inside = 0;
  int refused = 0;
  int leaked = 0;
  // Both sides must have been seen, however the two threads are scheduled.
  auto enough = [&](int tries) { return tries >= 2000 && inside > 0 && refused > 0; };
  for (int i = 0; !enough(i) && i < 10'000'000; ++i) {
    const auto content = files->slurp("dir/file.txt", 100);
    if (!content) ++refused;
    if (content && *content == "inside\n") ++inside;
    if (content && *content == "outside\n") ++leaked;
    if (i % 4 == 0) static_cast<void>(files->write("dir/new.txt", "written"));
  }
  stop = true;
  swapper.join();
  CHECK(leaked == 0);
  CHECK(inside > 0);
  CHECK(refused > 0);
  CHECK(Tree::get_at(tree.outside("away/file.txt")) == "outside\n");
  CHECK_FALSE(fs::exists(tree.outside("away/new.txt")));
}

TEST_CASE("F3 credentials and git's own files are neither read, written nor found") {
  Tree tree;
  const std::vector<std::string> names{
      ".env",        ".env.local",       "config/.ENV",      "prod.env",
      "server.pem",  "id_rsa",           "deploy_ed25519",   ".npmrc",
      "sub/.netrc",  ".aws/credentials", "home/.ssh/config", ".git/config",
      ".GIT/config", "x/.git/HEAD",      "terraform.tfstate"};
  for (const std::string& name : names) tree.put(name, "secret\n");
  tree.put(".env.example", "secret of nobody\n");
  tree.put("id_rsa.pub", "secret of nobody\n");
  fs::create_symlink(".env", tree.path("harmless.txt"));
  fs::create_directory_symlink(".git", tree.path("g"));
  auto files = tree.files();
  for (const std::string& name : names) check_refused(*files, name, ErrorCode::permission_denied);
  check_refused(*files, "harmless.txt", ErrorCode::permission_denied);
  check_refused(*files, "g/config", ErrorCode::permission_denied);
  CHECK_FALSE(files->write("g/new/file", "x").ok());
  CHECK_FALSE(fs::exists(tree.path(".git/new")));
  CHECK_FALSE(files->write(".git/hooks/pre-commit", "x").ok());
  CHECK_FALSE(fs::exists(tree.path(".git/hooks")));
  CHECK(files->read(".env", 1, 0).error().message.find("credentials") != std::string::npos);
  CHECK(must(files->read(".env.example", 1, 0)).text.find("nobody") != std::string::npos);
  CHECK(must(files->grep("secret", "", "")).text ==
        ".env.example:1: secret of nobody\nid_rsa.pub:1: secret of nobody\n");

  LocalFilesOptions options = tree.options();
  options.patterns.denied = {"private/**"};
  tree.put("deep/private/x.txt", "secret\n");
  auto own = must(LocalWorkspaceFiles::open(options));
  CHECK(own->read("deep/private/x.txt", 1, 0).error().code == ErrorCode::permission_denied);
  CHECK(own->read(".env", 1, 0).ok());
}

TEST_CASE("a linked dependency folder can be read through its name and not written") {
  Tree tree;
  tree.put("a.txt", "x\n");
  Tree::put_at(tree.outside("user/node_modules/pkg/index.js"), "module\n");
  Tree::put_at(tree.outside("user/node_modules/pkg/.env"), "secret\n");
  Tree::put_at(tree.outside("user/other.txt"), "other\n");
  fs::create_directory_symlink(tree.outside("user/node_modules"), tree.path("node_modules"));
  LocalFilesOptions options = tree.options();
  options.linked = {{"node_modules", tree.outside("user/node_modules")}};
  auto files = must(LocalWorkspaceFiles::open(options));
  CHECK(must(files->read("node_modules/pkg/index.js", 1, 0)).text == "     1\tmodule\n");
  CHECK(must(files->read(tree.path("node_modules/pkg/index.js"), 1, 0)).text == "     1\tmodule\n");
  CHECK(must(files->list("node_modules", 3)).text.find("pkg/index.js") != std::string::npos);
  CHECK(must(files->grep("module", "node_modules", "")).text ==
        "node_modules/pkg/index.js:1: module\n");
  CHECK(files->read("node_modules/pkg/.env", 1, 0).error().code == ErrorCode::permission_denied);
  CHECK(files->read("node_modules/../../user/other.txt", 1, 0).error().code ==
        ErrorCode::permission_denied);
  CHECK(files->write("node_modules/pkg/index.js", "x").error().code ==
        ErrorCode::permission_denied);
  CHECK_FALSE(files->edit("node_modules/pkg/index.js", "module", "x", false).ok());
  // The agent's own symlink under that name does not count.
  fs::remove(tree.path("node_modules"));
  fs::create_directory_symlink("/etc", tree.path("node_modules"));
  CHECK_FALSE(files->read("node_modules/passwd", 1, 0).ok());
}

TEST_CASE("a fifo, a device and a folder are no files") {
  Tree tree;
  tree.put("dir/a.txt", "x\n");
  REQUIRE(::mkfifo(tree.path("fifo").c_str(), 0600) == 0);
  auto files = tree.files();
  CHECK(files->read("fifo", 1, 0).error().code == ErrorCode::invalid_argument);
  CHECK(files->write("fifo", "x").error().code == ErrorCode::invalid_argument);
  CHECK(files->read("dir", 1, 0).error().message.find("list") != std::string::npos);
  CHECK(files->write("dir", "x").error().code == ErrorCode::invalid_argument);
}

TEST_CASE("discovery sees regular files of people, bounded, and no symlinks or secrets") {
  Tree tree;
  tree.put("CMakeLists.txt", "project(x)\n");
  tree.put("a/b/c/d/e/f/deep.txt", "x");
  tree.put("a/b/c/d/e/f/g/too-deep.txt", "x");
  tree.put("node_modules/p/package.json", "{}");
  tree.put(".git/config", "x");
  tree.put("build/out.txt", "x");
  tree.put(".env", "secret");
  tree.put("bin.dat", std::string{"\0x", 2});
  fs::create_symlink("/etc/passwd", tree.path("link"));
  fs::create_directory_symlink("/etc", tree.path("etc"));
  const DirectoryFileTree found = must(DirectoryFileTree::open(tree.root()));
  CHECK(found.files() ==
        std::vector<std::string>{".env", "CMakeLists.txt", "a/b/c/d/e/f/deep.txt", "bin.dat"});
  CHECK_FALSE(found.truncated());
  CHECK(found.read("CMakeLists.txt") == "project(x)\n");
  for (const char* name : {".env", "bin.dat", "link", "etc/passwd", "../x", "absent", "a"})
    CHECK_FALSE(found.read(name).has_value());
  for (int i = 0; i < 30; ++i) tree.put("many/" + std::to_string(i), "x");
  const DirectoryFileTree some = must(DirectoryFileTree::open(tree.root(), {.max_paths = 10}));
  CHECK(some.truncated());
  CHECK(some.files().size() == 10);
  CHECK(std::find(some.files().begin(), some.files().end(), "CMakeLists.txt") !=
        some.files().end());
}

}  // namespace muster::files::test
