#include "runtime/core/code_places.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace muster;

TEST_CASE("a name is found on its line as a whole word") {
  const TextPositions text("int count;\nint counter = count;\n");
  CHECK(*find_name(text, 1, "count") == 4);
  CHECK(*find_name(text, 2, "count") == 25);
  CHECK(*find_name(text, 2, "counter") == 15);
}

TEST_CASE("a name that is not there is answered with what is, and with where it is") {
  const TextPositions text("one\ntwo\none\nsix\n");
  const auto other = find_name(text, 2, "one");
  REQUIRE_FALSE(other);
  CHECK(other.error().message == "line 2 does not hold 'one': two; it is on: 1, 3");
  CHECK(find_name(text, 9, "ten").error().message ==
        "line 9 does not hold 'ten': there are 5 lines; the file does not have it at all");
  CHECK_FALSE(find_name(text, 0, "one"));
  CHECK_FALSE(find_name(text, 1, ""));
}

TEST_CASE("a place is shown with its line, whatever the server counts in") {
  const TextPositions text("\xF0\x9F\x98\x80 x\n");
  CHECK(describe_place(text, {{0, 5}, {0, 6}}, TextEncoding::utf8) == "1:4: \xF0\x9F\x98\x80 x");
  CHECK(describe_place(text, {{0, 3}, {0, 4}}, TextEncoding::utf16) == "1:4: \xF0\x9F\x98\x80 x");
}

TEST_CASE("edits are made where they fit, and not at all in another text") {
  const FileEdits edits{"/a", {{{{0, 8}, {0, 11}}, "long"}, {{{0, 0}, {0, 3}}, "long"}}};
  CHECK(*apply_edits("old and old\n", edits, TextEncoding::utf16, "old") == "long and long\n");
  CHECK(apply_edits("old but old\n", edits, TextEncoding::utf16, "old").ok());
  CHECK(apply_edits("old and new\n", edits, TextEncoding::utf16, "old").error().code ==
        ErrorCode::conflict);
  const FileEdits twice{"/a", {{{{0, 0}, {0, 3}}, "a"}, {{{0, 0}, {0, 3}}, "b"}}};
  CHECK_FALSE(apply_edits("old\n", twice, TextEncoding::utf16, "old"));
}
