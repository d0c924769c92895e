#include "adapters/ui/actor_table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <nlohmann/json.hpp>

#include "adapters/ui/event_lines.hpp"

using namespace muster;
using namespace muster::ui;
using Catch::Matchers::ContainsSubstring;
using json = nlohmann::json;

namespace {

std::string line_of(const std::string& type, json data) {
  EventLines lines;
  auto line = lines.line({1, 0, type, std::move(data)});
  return line ? line->text : "";
}

}  // namespace

TEST_CASE("the table of actors has a line for each class, and names who is at work") {
  json actors{{"classes",
               {{{"class", "session"},
                 {"alive", 3},
                 {"spawned", 12},
                 {"crashed", 1},
                 {"messages", 4711},
                 {"waiting", 2},
                 {"longest_mailbox", 2},
                 {"runs", 4000},
                 {"busy_ms", 1500.0},
                 {"p50_us", 16.384},
                 {"p99_us", 2097.152},
                 {"longest_ms", 1200.5}}}},
              {"running", {{{"actor", "session#7"}, {"label", "m/S4"}, {"for_ms", 2500.0}}}}};
  CHECK(actor_table(actors) ==
        "class           alive  spawned crashed   messages waiting       busy       p50       p99"
        "   longest\n"
        "session             3       12       1       4711       2      1.5 s   16.4 us    2.1 ms"
        "     1.2 s\n"
        "at work: session#7 m/S4 for 2.5 s\n");
}

TEST_CASE("the table of actors bears anything, and lets nothing through to the terminal") {
  CHECK_THAT(actor_table(nullptr), ContainsSubstring("class"));
  CHECK_THAT(actor_table({{"classes", 7}, {"running", "x"}}), ContainsSubstring("class"));
  auto shown = actor_table({{"classes", {1, {{"class", "a\x1b[2J\n"}, {"alive", "many"}}}},
                            {"running", {{{"actor", "b\x07"}, {"label", "c\r\nd"}}}}});
  CHECK(shown.find('\x1b') == std::string::npos);
  CHECK(shown.find('\x07') == std::string::npos);
  CHECK(shown.find('\r') == std::string::npos);
}

TEST_CASE("what the watchdog says is a line with the actor's name") {
  json actor{{"actor", "session#7"}, {"label", "m/S4 worker M1.T2"}};
  auto with = [&](const char* key, int value) {
    auto out = actor;
    out[key] = value;
    return out;
  };
  CHECK(line_of("actor.late", with("for_ms", 1500)) ==
        "actor session#7 (m/S4 worker M1.T2) has been at one message for 1.5 s");
  CHECK(line_of("actor.recovered", with("for_ms", 1500)) ==
        "actor session#7 (m/S4 worker M1.T2) goes on");
  CHECK(line_of("mailbox.growing", with("waiting", 2000)) ==
        "actor session#7 (m/S4 worker M1.T2) does not keep up: 2000 messages wait for it");
  CHECK(line_of("mailbox.drained", {{"actor", "job#3"}}) == "actor job#3 keeps up again");
  CHECK(line_of("engine.failed", {{"reason", "child 'x' failed"}}) ==
        "the engine fails: child 'x' failed; muster resume goes on");
}
