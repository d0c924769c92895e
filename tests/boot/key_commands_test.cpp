#include "runtime/boot/key_commands.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <fstream>

using namespace muster;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a key is what the command prints, and it is asked once") {
  const auto file = std::filesystem::temp_directory_path() / "muster-key-asked";
  std::filesystem::remove(file);
  KeyCommands keys;
  const std::vector<std::string> argv{"/bin/sh", "-c", "echo asked >>\"$0\"; echo key-\"$1\"",
                                      file.string(), "$(touch /never) x"};
  CHECK(keys({"/bin/echo", "key-1"}).value() == "key-1");
  CHECK_FALSE(keys(argv).ok());  // two words
  CHECK_FALSE(keys(argv).ok());
  std::ifstream in(file);
  std::string line;
  int asked = 0;
  while (std::getline(in, line)) ++asked;
  CHECK(asked == 1);
  std::filesystem::remove(file);
}

TEST_CASE("a command that gives no key says why, and never what it printed") {
  KeyCommands keys;
  const auto failed = keys({"/bin/sh", "-c", "echo sk-secret; echo locked >&2; exit 3"});
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code == ErrorCode::unauthenticated);
  CHECK_THAT(failed.error().text(), ContainsSubstring("ended with 3: locked") &&
                                        ContainsSubstring("/bin/sh") &&
                                        !ContainsSubstring("sk-secret"));
  CHECK_FALSE(keys({"/bin/true"}).ok());
  CHECK_FALSE(keys({"/bin/echo", "two\nlines"}).ok());
  CHECK_FALSE(keys({"/nowhere/pass"}).ok());
}
