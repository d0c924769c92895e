// What file tools read, write and find.

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <csignal>

#include "adapters/files/text_edit.hpp"
#include "adapters/process/run_command.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/core/text.hpp"
#include "tests/adapters/files/files_fixture.hpp"

namespace muster::files::test {
namespace fs = std::filesystem;

namespace {

std::string lines_text(int count) {
  std::string text;
  for (int i = 1; i <= count; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// "path:line: text" of ripgrep's own output.
std::vector<std::string> ripgrep_alone(const std::string& folder, const std::string& pattern) {
  CommandSpec spec;
  spec.argv = {"rg", "--no-config", "--no-heading", "--hidden", "--no-require-git",
               "-n", "--",          pattern,        "."};
  spec.cwd = folder;
  std::vector<std::string> out;
  const auto done = must(run_command(spec));
  for (const auto line : split_lines(done.out)) {
    const auto name = line.find(':', 2);
    const auto number = line.find(':', name + 1);
    out.push_back(std::string(line.substr(2, number - 2)) + ": " +
                  std::string(line.substr(number + 1)));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("read numbers lines, gives ranges and says where to go on") {
  Tree tree;
  tree.put("a.txt", "one\ntwo\nthree");
  tree.put("long.txt", lines_text(5000));
  tree.put("empty", "");
  auto files = tree.files();
  const ToolText all = must(files->read("a.txt", 1, 0));
  CHECK(all.text == "     1\tone\n     2\ttwo\n     3\tthree\n");
  CHECK_FALSE(all.truncated);
  const ToolText part = must(files->read("a.txt", 2, 1));
  CHECK(part.text == "     2\ttwo\n… 1 more lines: read from line 3\n");
  CHECK_FALSE(part.truncated);
  CHECK(files->read("a.txt", 4, 0).error().message == "the file has 3 lines");
  CHECK_FALSE(files->read("a.txt", -1, 0).ok());
  CHECK(must(files->read("empty", 1, 0)).text == "(empty file)");
  CHECK(files->read("absent", 1, 0).error().code == ErrorCode::not_found);

  const ToolText first = must(files->read("long.txt", 1, 0));
  CHECK(first.truncated);
  CHECK(first.text.ends_with("  2000\tline 2000\n… 3000 more lines: read from line 2001\n"));
  const ToolText last = must(files->read("long.txt", 4001, 3000));
  CHECK_FALSE(last.truncated);
  CHECK(last.text.ends_with("  5000\tline 5000\n"));
}

TEST_CASE("read is bounded in bytes, for long lines and for a file of 100 MB") {
  Tree tree;
  tree.put("wide.txt", std::string(3'000'000, 'x') + "\nshort\n");
  std::string many;
  for (int i = 0; i < 1900; ++i) many += std::string(100, 'y') + "\n";
  tree.put("many.txt", many);
  tree.put("big.txt", "first line\n");
  fs::resize_file(tree.path("big.txt"), 100U << 20U);
  {
    std::ofstream lines{tree.path("lines.txt"), std::ios::binary};
    const std::string block(1U << 20U, '\n');
    for (int i = 0; i < 100; ++i) lines << block;
  }
  auto files = tree.files();
  const ToolText wide = must(files->read("wide.txt", 1, 0));
  CHECK(wide.text.size() < 4000);
  CHECK(has(wide.text, "the line has 3000000 bytes"));
  CHECK(has(wide.text, "     2\tshort\n"));
  const ToolText bytes = must(files->read("many.txt", 1, 0));
  CHECK(bytes.truncated);
  CHECK(bytes.text.size() < (65U << 10U));
  CHECK(has(bytes.text, "more lines: read from line "));
  CHECK(must(files->read("big.txt", 1, 0)).text == "(binary file, 104857600 bytes)");
  const ToolText lines = must(files->read("lines.txt", 1, 0));
  CHECK(lines.truncated);
  CHECK(has(lines.text, "… 104855600 more lines: read from line 2001"));
  CHECK(has(must(files->read("lines.txt", 100'000'000, 5)).text, "100000004\t\n"));
  CHECK(files->slurp("big.txt", 1000).error().code == ErrorCode::limit_reached);
  CHECK(files->edit("lines.txt", "a", "b", false).error().code == ErrorCode::limit_reached);
}

TEST_CASE("read shows odd bytes safely") {
  Tree tree;
  tree.put("latin.txt", "caf\xe9\n");
  tree.put("unicode \xf0\x9f\x98\x80.txt", "\xc3\xa4\xf0\x9f\x98\x80\n");
  tree.put("crlf.txt", "a\r\nb\r\n");
  tree.put("binary", std::string{"GIF\0\1", 5});
  auto files = tree.files();
  CHECK(must(files->read("latin.txt", 1, 0)).text == "     1\tcaf\xef\xbf\xbd\n");
  CHECK(must(files->read("unicode \xf0\x9f\x98\x80.txt", 1, 0)).text ==
        "     1\t\xc3\xa4\xf0\x9f\x98\x80\n");
  CHECK(must(files->read("crlf.txt", 1, 0)).text == "     1\ta\n     2\tb\n");
  CHECK(must(files->read("binary", 1, 0)).text == "(binary file, 5 bytes)");
}

TEST_CASE("write creates folders, keeps modes and line endings, and gives digests") {
  Tree tree;
  tree.put("script.sh", "#!/bin/sh\n");
  ::chmod(tree.path("script.sh").c_str(), 0750);
  tree.put("dos.txt", "a\r\nb\r\n");
  auto files = tree.files();
  const WriteReceipt made = must(files->write("new/deep/file.txt", "hello\n"));
  CHECK(made.path == "new/deep/file.txt");
  CHECK(made.digest_before.empty());
  CHECK(made.digest_after == sha256_hex("hello\n"));
  CHECK(tree.get("new/deep/file.txt") == "hello\n");
  const WriteReceipt changed = must(files->write("script.sh", "#!/bin/sh\nexit\n"));
  CHECK(changed.digest_before == sha256_hex("#!/bin/sh\n"));
  CHECK(mode_of(tree.path("script.sh")) == 0750);
  must(files->write("dos.txt", "c\nd\n"));
  CHECK(tree.get("dos.txt") == "c\r\nd\r\n");
  CHECK(must(files->write("dos.txt", "e\r\nf\n")).digest_after == sha256_hex("e\r\nf\n"));
  must(files->write("empty", ""));
  CHECK(tree.get("empty").empty());
  ::chmod(tree.path("script.sh").c_str(), 0555);
  CHECK(files->write("script.sh", "x").error().code == ErrorCode::permission_denied);
  CHECK(files->write("big", std::string(11U << 20U, 'x')).error().code == ErrorCode::limit_reached);
  CHECK_FALSE(fs::exists(tree.path("big")));
}

TEST_CASE("a write that fails leaves the old content and nothing else") {
  Tree tree;
  tree.put("a.txt", "old content\n");
  auto files = tree.files();
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = before;
  small.rlim_cur = 4096;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto written = files->write("a.txt", std::string(100'000, 'x'));
  const auto edited = files->edit("a.txt", "old", std::string(100'000, 'x'), false);
  ::setrlimit(RLIMIT_FSIZE, &before);
  static_cast<void>(std::signal(SIGXFSZ, handler));
  REQUIRE_FALSE(written);
  CHECK(written.error().code == ErrorCode::no_space);
  CHECK_FALSE(edited.ok());
  CHECK(tree.get("a.txt") == "old content\n");
  CHECK(std::distance(fs::directory_iterator{tree.root()}, fs::directory_iterator{}) == 1);
}

TEST_CASE("edit replaces one place exactly, or all when asked") {
  Tree tree;
  tree.put("a.cpp", "int a = 1;\nint b = 1;\n");
  auto files = tree.files();
  const WriteReceipt receipt = must(files->edit("a.cpp", "int a = 1;", "int a = 2;", false));
  CHECK(tree.get("a.cpp") == "int a = 2;\nint b = 1;\n");
  CHECK(receipt.digest_after == sha256_hex(tree.get("a.cpp")));
  must(files->edit("a.cpp", "int", "long", true));
  CHECK(tree.get("a.cpp") == "long a = 2;\nlong b = 1;\n");
  must(files->edit("a.cpp", "long b = 1;\n", "", false));
  CHECK(tree.get("a.cpp") == "long a = 2;\n");
  CHECK(files->edit("absent", "a", "b", false).error().code == ErrorCode::not_found);
  tree.put("bin", std::string{"a\0b", 3});
  CHECK(files->edit("bin", "a", "b", false).error().code == ErrorCode::invalid_argument);
  tree.put("dos.txt", "one\r\ntwo\r\nthree\r\n");
  must(files->edit("dos.txt", "one\ntwo\n", "1\n2\n", false));
  CHECK(tree.get("dos.txt") == "1\r\n2\r\nthree\r\n");
  tree.put("\xc3\xa4.txt", "gr\xc3\xbc\xc3\x9f\n");
  must(files->edit("\xc3\xa4.txt", "\xc3\xbc", "u", false));
  CHECK(tree.get("\xc3\xa4.txt") == "gru\xc3\x9f\n");
}

TEST_CASE("edit errors help to get it right") {
  const std::string code =
      "int add(int a, int b) {\n  return a + b;\n}\n\nint sub(int a, int b) {\n  return a - "
      "b;\n}\n";
  const auto message = [&](const std::string& old_text, ErrorCode expected) {
    const auto edited = edit_text(code, old_text, "x", false);
    REQUIRE_FALSE(edited);
    CHECK(edited.error().code == expected);
    return edited.error().message;
  };
  const std::string spaces =
      message("int sub(int a, int b) {\n    return a - b;\n}", ErrorCode::not_found);
  CHECK(has(spaces, "lines 5-7 differ only in white space"));
  CHECK(has(spaces, "     6\t  return a - b;\n"));
  const std::string near =
      message("int subtract(int a, int b) {\n  return a - b;", ErrorCode::not_found);
  CHECK(has(near, "The nearest is lines 5-6"));
  CHECK(has(near, "     5\tint sub(int a, int b) {\n"));
  const std::string twice = message("(int a, int b) {", ErrorCode::conflict);
  CHECK(has(twice, "2 times, in lines 1, 5"));
  CHECK(has(message("     6\t  return a - b;", ErrorCode::not_found), "line numbers"));
  CHECK(has(message("something else entirely", ErrorCode::not_found), "nor anything like it"));
  CHECK(has(message("", ErrorCode::invalid_argument), "empty"));
  CHECK(has(message("x", ErrorCode::invalid_argument), "nothing would change"));
  CHECK(has(message(" \n\n\n ", ErrorCode::not_found), "white space only"));
}

TEST_CASE("an edit's search for something similar is bounded") {
  std::string content;
  for (int i = 0; i < 60'000; ++i)
    content += "value_" + std::to_string(i) + " = compute(" + std::to_string(i) + ");\n";
  std::string wanted;
  for (int i = 0; i < 300; ++i)
    wanted += "value_" + std::to_string(i) + " = computed(" + std::to_string(i) + ");\n";
  const auto edited = edit_text(content, wanted, "x", false);
  REQUIRE_FALSE(edited);
  CHECK(edited.error().message.size() < 8000);
  CHECK(has(edited.error().message, "The nearest is lines "));
}

TEST_CASE("list and glob honour ignore files and show what is hidden") {
  Tree tree;
  tree.put(".gitignore", "build/\n*.log\n");
  tree.put("src/a.cpp", "x");
  tree.put("src/util/b.cpp", "x");
  tree.put("src/util/c.hpp", "x");
  tree.put("build/out.o", "x");
  tree.put("x.log", "x");
  tree.put(".github/workflows/ci.yml", "x");
  tree.put(".git/HEAD", "x");
  fs::create_directories(tree.path("hollow"));
  auto files = tree.files();
  CHECK(must(files->list("", 2)).text ==
        ".github/workflows/ (1 file)\n.gitignore\nbuild/ (empty or ignored)\nhollow/ (empty or "
        "ignored)\n"
        "src/a.cpp\nsrc/util/ (2 files)\n");
  CHECK(must(files->list("src", 1)).text == "a.cpp\nutil/ (2 files)\n");
  CHECK(must(files->list("hollow", 1)).text == "(empty folder)");
  CHECK(files->list("src/a.cpp", 1).error().code == ErrorCode::invalid_argument);
  CHECK(files->list("absent", 1).error().code == ErrorCode::not_found);
  CHECK(must(files->glob("**/*.cpp")).text == "src/a.cpp\nsrc/util/b.cpp\n");
  CHECK(must(files->glob("*.cpp")).text == "src/a.cpp\nsrc/util/b.cpp\n");
  CHECK(must(files->glob("src/*.cpp")).text == "src/a.cpp\n");
  CHECK(must(files->glob(tree.path("src/*.{cpp,hpp}"))).text == "src/a.cpp\n");
  CHECK(must(files->glob("*.log")).text == "(no file matches)");
  CHECK(files->glob("[").error().code == ErrorCode::invalid_argument);
  tree.put("odd\nname.txt", "x");
  CHECK(must(files->glob("odd*")).text == "odd?name.txt\n");
}

TEST_CASE("grep finds what ripgrep finds, and nothing else") {
  Tree tree;
  tree.put("src/a.cpp", "int alpha = 1;\n// beta 22\nalpha(beta);\n");
  tree.put("src/deep/b.py", "beta = 'alpha'\n\tif beta 3\n");
  tree.put("notes.md", "Alpha\nbeta \xce\xb1\n");
  tree.put("no-end", "beta without an end");
  tree.put(".hidden/c.txt", "beta 9\n");
  tree.put(".ignore", "*.log\n");
  tree.put("x.log", "beta in a log\n");
  auto files = tree.files();
  for (const char* pattern :
       {"beta", "^beta", "alpha\\(", "(?i)alpha", "beta \\d+", "\\bbeta\\b.*$", "[ab]l?pha",
        "nothing at all", "\\s+if", "'alpha'|22", "beta \\w$", "^$", "."}) {
    INFO(pattern);
    const auto text = must(files->grep(pattern, ".", "")).text;
    std::vector<std::string> found;
    if (text != "(no matches)")
      for (const auto line : split_lines(text)) found.emplace_back(line);
    std::sort(found.begin(), found.end());
    CHECK(found == ripgrep_alone(tree.root(), pattern));
  }
}

TEST_CASE("grep gives lines with numbers, bounded") {
  Tree tree;
  tree.put(".gitignore", "ignored.txt\n");
  tree.put("a.txt", "alpha\nbeta 42\n");
  tree.put("sub/b.cpp", "beta 7\n");
  tree.put("ignored.txt", "beta\n");
  tree.put("bytes.txt", "beta \xff\n");
  tree.put("wide.txt", "gamma" + std::string(100'000, 'x') + "\n");
  tree.put("many.txt", lines_text(5000));
  auto files = tree.files();
  CHECK(must(files->grep("beta \\d+", "", "")).text == "a.txt:2: beta 42\nsub/b.cpp:1: beta 7\n");
  CHECK(must(files->grep("beta", "sub", "")).text == "sub/b.cpp:1: beta 7\n");
  CHECK(must(files->grep("beta", "", "*.cpp")).text == "sub/b.cpp:1: beta 7\n");
  CHECK(must(files->grep("beta", "a.txt", "")).text == "a.txt:2: beta 42\n");
  CHECK(must(files->grep("beta .$", "bytes.txt", "")).text == "(no matches)");
  CHECK(must(files->grep("beta", "bytes.txt", "")).text == "bytes.txt:1: beta \xef\xbf\xbd\n");
  CHECK(must(files->grep("--files", "", "")).text == "(no matches)");
  CHECK(must(files->grep("gamma", "", "")).text.size() < 600);
  const ToolText many = must(files->grep("line", "many.txt", ""));
  CHECK(many.text.size() < (65U << 10U));
  CHECK(has(many.text, "many.txt:200: line 200\n"));
  const auto bad = files->grep("(unclosed", "", "");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == ErrorCode::invalid_argument);
  CHECK(has(bad.error().message, "unclosed"));
  CHECK_FALSE(files->grep("", "", "").ok());
}

TEST_CASE("a user's ripgrep configuration and a missing ripgrep are handled") {
  Tree tree;
  tree.put("a.txt", "alpha\n");
  Tree::put_at(tree.outside("rc"), "--files-with-matches\n--pre=false\n");
  ::setenv("RIPGREP_CONFIG_PATH", tree.outside("rc").c_str(), 1);
  const auto found = tree.files()->grep("alpha", "", "");
  ::unsetenv("RIPGREP_CONFIG_PATH");
  CHECK(must(found).text == "a.txt:1: alpha\n");
  LocalFilesOptions options = tree.options();
  options.ripgrep = "/nonexistent/rg";
  auto files = must(LocalWorkspaceFiles::open(options));
  const auto missing = files->grep("alpha", "", "");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::unavailable);
  CHECK(has(missing.error().message, "ripgrep"));
}

}  // namespace muster::files::test
