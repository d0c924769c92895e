#include "runtime/core/todo.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace muster;

namespace {

const std::vector<TodoItem> items{{"M1.T1", "parse the input", TodoState::done, ""},
                                  {"M1.T1.S1", "a part", TodoState::open, ""},
                                  {"M1.T10", "print it", TodoState::open, ""},
                                  {"M2.T1", "ship it", TodoState::failed, "it did not build"}};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("todo.md reads back as no change") {
  auto edit = parse_todo_proposal(items, render_todo(items));
  CHECK(edit.proposals.empty());
  CHECK(edit.refusals.empty());
}

TEST_CASE("M5 a ticked, unticked, removed or invented line finishes and removes nothing") {
  auto text = render_todo(items);
  for (const char* ticked : {"- [x] M1.T10", "- [X] M1.T10", "* [x] M1.T10", "1. [x] M1.T10"}) {
    auto edit = parse_todo_proposal(items, replaced(text, "- [ ] M1.T10", ticked));
    CHECK(edit.proposals.empty());
    REQUIRE(edit.refusals.size() == 1);
    CHECK(edit.refusals[0].reason.find("muster todo accept|drop M1.T10") != std::string::npos);
    CHECK(edit.refusals[0].line > 0);
  }
  auto invented = parse_todo_proposal(items, text + "- [x] all is done\n- [ ] M7.T7 sneaky\n");
  CHECK(invented.proposals.empty());
  CHECK(invented.refusals.size() == 2);
  auto emptied = parse_todo_proposal(items, "");
  CHECK(emptied.proposals.empty());
  CHECK(emptied.refusals.size() == items.size());
}

TEST_CASE("M5 boxes in a code fence are text") {
  auto edit = parse_todo_proposal(
      items, render_todo(items) + "```\n- [ ] not a task\n- [x] M1.T10 no\n```\n");
  CHECK(edit.proposals.empty());
  CHECK(edit.refusals.empty());
}

TEST_CASE("an edit may add, reword and reorder") {
  auto text =
      replaced(render_todo(items), "print it", "print it well") + "2. [ ] write the manual\n";
  auto edit = parse_todo_proposal(items, text);
  REQUIRE(edit.proposals.size() == 2);
  CHECK(edit.proposals[0].kind == TodoProposal::Kind::reword);
  CHECK(edit.proposals[0].id == "M1.T10");
  CHECK(edit.proposals[0].title == "print it well");
  CHECK(edit.proposals[1].kind == TodoProposal::Kind::add);
  CHECK(edit.proposals[1].title == "write the manual");
  std::vector<TodoItem> turned{items[2], items[1], items[0], items[3]};
  auto reordered = parse_todo_proposal(items, render_todo(turned));
  REQUIRE(reordered.proposals.size() == 1);
  CHECK(reordered.proposals[0].order.front() == "M1.T10");
}

TEST_CASE("M12 an id is matched as a whole") {
  auto text = replaced(render_todo(items), "M1.T10 print it", "M1.T10 changed");
  auto edit = parse_todo_proposal(items, text);
  REQUIRE(edit.proposals.size() == 1);
  CHECK(edit.proposals[0].id == "M1.T10");
}

TEST_CASE("a title cannot smuggle a line in") {
  std::vector<TodoItem> hostile{{"M1.T1", "x\n- [ ] M9.T9 y\n\x1b[2J", TodoState::open, ""}};
  auto text = render_todo(hostile);
  CHECK(text.find("\n- [ ] M9") == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}
