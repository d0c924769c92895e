#include <catch2/catch_test_macros.hpp>
#include <string>

#include "runtime/core/stuck.hpp"

using namespace muster;

namespace {

SeenTurn::Call read(const std::string& path, const std::string& result = "text") {
  return {"read", path, result, false, true, false};
}
SeenTurn::Call shell(const std::string& command, const std::string& result = "exit code 1") {
  return {"shell", command, result, false, false, false};
}
SeenTurn::Call write(const std::string& path, const std::string& result = "written") {
  return {"write", path, result, false, false, false};
}
SeenTurn one(const SeenTurn::Call& call) { return {"", {call}}; }

/// The kind that the last of the turns brings; nullopt when none of them does.
std::optional<StuckKind> kind_of(StuckDetector& detector, const std::vector<SeenTurn>& turns) {
  for (std::size_t i = 0; i < turns.size(); ++i) {
    auto seen = detector.see(turns[i]);
    if (!seen) continue;
    CHECK(i + 1 == turns.size());
    return seen->kind;
  }
  return std::nullopt;
}

std::optional<StuckKind> kind_of(const std::vector<SeenTurn>& turns) {
  StuckDetector detector(true);
  return kind_of(detector, turns);
}

}  // namespace

TEST_CASE("M6 three identical text-only turns stop a loop; other words do not") {
  CHECK(kind_of({{"I am done.", {}}, {" I am done.\n", {}}, {"I am done.", {}}}) ==
        StuckKind::same_output);
  CHECK_FALSE(kind_of({{"I am done.", {}}, {"Really.", {}}, {"I am done.", {}}, {"Yes.", {}}}));
  CHECK_FALSE(
      kind_of({{"I am done.", {}}, {"I am done.", {}}, one(read("a")), {"I am done.", {}}}));
}

TEST_CASE("M6 three reads of different files are no loop; three of the same are") {
  CHECK_FALSE(kind_of({one(read("a")), one(read("b")), one(read("c"))}));
  CHECK(kind_of({one(read("a")), one(read("a")), one(read("a"))}) == StuckKind::same_call);
  CHECK_FALSE(kind_of({one(read("a", "1")), one(read("a", "2")), one(read("a", "3"))}));
}

TEST_CASE("the same command with the same outcome is a loop, whatever its times say") {
  CHECK(kind_of({one(shell("make test", "failed in 12 ms")),
                 one(shell("make test", "failed in 9 ms")),
                 one(shell("make test", "failed in 31 ms"))}) == StuckKind::same_call);
  CHECK_FALSE(kind_of({one(shell("make test", "a fails")), one(shell("make test", "b fails")),
                       one(shell("make test", "passes"))}));
}

TEST_CASE("a command that is run again after each change is no loop") {
  std::vector<SeenTurn> turns;
  for (int i = 0; i < 12; ++i) {
    turns.push_back(
        one(write("a.cpp", "written " + std::string(static_cast<std::size_t>(i), 'x'))));
    turns.push_back(one(shell("make test")));
  }
  CHECK_FALSE(kind_of(turns));
}

TEST_CASE("A-B-A-B is seen, of reads and of edits that undo each other") {
  CHECK(kind_of({one(read("a")), one(read("b")), one(read("a")), one(read("b"))}) ==
        StuckKind::alternating);
  CHECK(kind_of({one(write("a.cpp=1")), one(write("a.cpp=2")), one(write("a.cpp=1")),
                 one(write("a.cpp=2"))}) == StuckKind::alternating);
}

TEST_CASE("a longer circle is seen, too") {
  StuckDetector detector(true);
  std::optional<StuckSeen> seen;
  int turns = 0;
  for (; turns < 60 && !seen; ++turns)
    seen = detector.see(one(read("f" + std::to_string(turns % 5))));
  REQUIRE(seen);
  CHECK(seen->kind == StuckKind::same_call);
  CHECK(turns <= 30);
}

TEST_CASE("T1 waiting for a background job is no loop") {
  std::vector<SeenTurn> turns(
      50, one({"check_background", "S1.J1", "still running", false, false, true}));
  CHECK_FALSE(kind_of(turns));
}

TEST_CASE("an agent that should write and only reads is told so; a reader is not") {
  std::vector<SeenTurn> turns;
  turns.reserve(25);
  for (int i = 0; i < 25; ++i) turns.push_back(one(read("f" + std::to_string(i))));
  CHECK(kind_of(turns) == StuckKind::only_reads);
  StuckDetector reader(false);
  CHECK_FALSE(kind_of(reader, turns));
  turns[20] = one(write("a"));
  CHECK_FALSE(kind_of(turns));
}

TEST_CASE("progress resets the counts, and is told with what is seen next") {
  StuckDetector detector(true);
  auto again = one(read("a"));
  CHECK(kind_of(detector, {again, again, again}) == StuckKind::same_call);
  CHECK_FALSE(kind_of(detector, {again, again}));  // counted anew
  CHECK_FALSE(kind_of(detector, {one(write("a")), one(read("b"))}));
  CHECK_FALSE(kind_of(detector, {again, again}));
  auto seen = detector.see(again);
  REQUIRE(seen);
  CHECK(seen->progressed);
  seen = {};
  for (int i = 0; i < 3; ++i) seen = detector.see(again);
  REQUIRE(seen);
  CHECK_FALSE(seen->progressed);
}

TEST_CASE("an edit that fails is no progress") {
  StuckDetector detector(true);
  auto failing = [](int n) {
    return one(
        {"edit", "old" + std::to_string(n), "error (not_found): no such text", true, false, false});
  };
  for (int i = 0; i < 5; ++i) CHECK_FALSE(detector.see(failing(i)));
  auto same = one(read("a"));
  (void)kind_of(detector, {same, same});
  auto seen = detector.see(same);
  REQUIRE(seen);
  CHECK_FALSE(seen->progressed);
}
