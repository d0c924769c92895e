// D2 the real program on a real file system that is full: a small tmpfs in a mount namespace of its
// own, on the folder of the journals.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "tests/e2e/sandbox.hpp"
#include "tests/e2e/script.hpp"

namespace muster::test {
namespace {

using Catch::Matchers::ContainsSubstring;

/// $1 the program, $2 the state folder, $3 bytes of ballast. Leaves room for the beginning of a
/// mission, then takes the ballast away.
constexpr const char* fill_and_resume = R"sh(
set -u
journal=$(echo "$2"/*/journal)
mount -t tmpfs -o size=4m,mode=0700 tmpfs "$journal" || exit 99
head -c "$3" /dev/zero > "$journal/ballast"
"$1" run "Be polite" --plain
echo "run: exit $?"
"$1" missions
rm "$journal/ballast"
"$1" resume --plain
echo "resume: exit $?"
"$1" doctor | grep "journal"
)sh";

std::vector<std::string> in_namespace(const std::string& script, std::vector<std::string> args) {
  std::vector<std::string> argv{"unshare", "-rm", "sh", "-c", script, "sh"};
  argv.insert(argv.end(), args.begin(), args.end());
  return argv;
}

}  // namespace

TEST_CASE("D2 a full disk pauses the mission with a clear error; with room again it is sealed") {
  Sandbox machine(plain::files());
  auto probe = run_program(in_namespace("mount -t tmpfs tmpfs \"$1\"", {machine.folder("home")}),
                           machine.repository(), machine.environment);
  if (probe.exit_code != 0) SKIP("no mount namespaces here: " + probe.err);
  machine.script(scenario(plain::large_mission()));
  REQUIRE(machine.muster({"missions"}).exit_code == 0);             // makes the folder
  const auto* ballast = GENERATE("4005000", "4028000", "4060000");  // full at different places
  auto ended =
      run_program(in_namespace(fill_and_resume, {MUSTER_BINARY, machine.state_folder(), ballast}),
                  machine.repository(), machine.environment);
  INFO(ended.out);
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  CHECK_THAT(ended.out, ContainsSubstring("run: exit 3\n"));
  CHECK_THAT(ended.err, ContainsSubstring("nothing can be recorded"));
  CHECK_THAT(ended.err, ContainsSubstring("muster resume"));
  CHECK_THAT(ended.out, ContainsSubstring("resume: exit 0\n"));
  CHECK_THAT(ended.out, ContainsSubstring("1 missions, all whole"));
  CHECK(read_file(machine.folder("project/greet.sh")) == "echo \"good day, $1\"\n");
}

}  // namespace muster::test
