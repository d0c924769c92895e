#include "runtime/core/saved_session.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace muster;

namespace {

constexpr const char* plain = R"({"t":"message"})";

/// A transcript up to a turn with the calls given.
SessionRecords begun(std::vector<ToolCall> calls) {
  SessionRecords out;
  out.messages = {{plain, *system_message("You are.")},
                  {plain, *user_message("Do it.")},
                  {plain, *assistant_message("so", calls)}};
  return out;
}

}  // namespace

TEST_CASE("a session comes back with its words, its results and its open calls") {
  auto records = begun({{"c1", "read", R"({"path":"a"})"}, {"c2", "read", R"({"path":"b"})"}});
  records.messages.push_back({plain, *tool_message("c1", "alpha")});
  auto saved = restore_session(records);
  REQUIRE(saved.ok());
  CHECK(saved->messages.size() == 4);
  CHECK(saved->steps == 1);
  REQUIRE(saved->messages[3].answers);
  CHECK(saved->messages[3].answers->name == "read");
  REQUIRE(saved->open_calls.size() == 1);
  CHECK(saved->open_calls[0].call == ToolCall{"c2", "read", R"({"path":"b"})"});
  CHECK_FALSE(saved->open_calls[0].outcome);  // reading again does no harm
  CHECK_FALSE(saved->ends_with_text);
}

TEST_CASE("D1 a command that was started is not run again, one that was not is") {
  auto records = begun({{"c1", "shell", R"({"command":"deploy"})"},
                        {"c2", "shell", R"({"command":"make"})"},
                        {"c3", "shell", R"({"command":"test"})"}});
  records.effects = {R"({"class":"N","turn":1,"call":"c1","job":"S1.J1","command":"deploy"})",
                     R"({"class":"N","turn":1,"call":"c2","job":"S1.J2","command":"make"})",
                     R"({"class":"N","turn":1,"call":"c2","job":"S1.J2","exit":3,"signal":0})"};
  auto saved = restore_session(records);
  REQUIRE(saved.ok());
  REQUIRE(saved->open_calls.size() == 3);
  CHECK(saved->open_calls[0].outcome->find("unknown") != std::string::npos);
  CHECK(saved->open_calls[1].outcome->starts_with("exit code 3"));
  CHECK_FALSE(saved->open_calls[2].outcome);
  CHECK(saved->jobs == 2);
}

TEST_CASE("an effect of an earlier turn does not speak for a later call of the same id") {
  auto records = begun({{"c1", "shell", R"({"command":"make"})"}});
  records.effects = {R"({"class":"N","turn":1,"call":"c1","job":"S1.J1","command":"make"})",
                     R"({"class":"N","turn":1,"call":"c1","job":"S1.J1","exit":0,"signal":0})"};
  const std::vector<ToolCall> again{{"c1", "shell", R"({"command":"make test"})"}};
  records.messages.push_back({plain, *tool_message("c1", "exit code 0")});
  records.messages.push_back({plain, *assistant_message("", again)});
  auto saved = restore_session(records);
  REQUIRE(saved.ok());
  REQUIRE(saved->open_calls.size() == 1);
  CHECK_FALSE(saved->open_calls[0].outcome);
  CHECK(saved->steps == 2);
}

TEST_CASE("writes are settled by what the journal knows; a doubtful edit is marked") {
  auto records = begun({{"c1", "write", R"({"path":"a","content":"x"})"},
                        {"c2", "edit", R"({"path":"b"})"},
                        {"c3", "edit", R"({"path":"c"})"},
                        {"c4", "write", R"({"path":"d","content":"y"})"},
                        {"c6", "edit", R"({"path":"e","symbol":"f","new_text":"z"})"},
                        {"c5", "ast_rewrite", R"x({"pattern":"f($A)","rewrite":"g($A)"})x"}});
  records.effects = {R"({"class":"C","turn":1,"call":"c1","path":"a","before":"","after":"1"})",
                     R"({"class":"C","turn":1,"call":"c2","path":"b","before":"1","after":"2"})"};
  auto saved = restore_session(records);
  REQUIRE(saved.ok());
  CHECK(saved->open_calls[0].outcome == "done");
  CHECK(saved->open_calls[1].outcome == "done");
  CHECK_FALSE(saved->open_calls[2].outcome);
  CHECK(saved->open_calls[2].may_be_made);
  CHECK_FALSE(saved->open_calls[3].outcome);  // the same content once more
  CHECK_FALSE(saved->open_calls[3].may_be_made);
  CHECK(saved->open_calls[4].outcome->find("may or may not") != std::string::npos);
  CHECK(saved->open_calls[5].outcome->find("may or may not") != std::string::npos);
}

TEST_CASE("what a session was told is known again") {
  auto records = begun({});
  records.messages.insert(records.messages.begin() + 2,
                          {R"({"t":"message","prompt":"told-3"})", *user_message("use tabs")});
  auto saved = restore_session(records);
  REQUIRE(saved.ok());
  CHECK(saved->prompts == std::set<std::string>{"told-3"});
  CHECK(saved->ends_with_text);
}

TEST_CASE("a session that was begun twice is the second one") {
  auto records = begun({{"c1", "read", "{}"}});
  for (const auto& message : begun({{"c9", "read", "{}"}}).messages)
    records.messages.push_back(message);
  auto saved = restore_session(records);
  REQUIRE(saved.ok());
  CHECK(saved->messages.size() == 3);
  CHECK(saved->steps == 1);
  REQUIRE(saved->open_calls.size() == 1);
  CHECK(saved->open_calls[0].call.id == "c9");
}

TEST_CASE("D4 a message that is no JSON is reported") {
  auto records = begun({});
  records.messages.push_back({plain, "{\"role\":"});
  CHECK(restore_session(records).error().code == ErrorCode::corrupt);
}
