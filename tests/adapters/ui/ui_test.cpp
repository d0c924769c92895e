#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "adapters/ui/event_lines.hpp"
#include "adapters/ui/format.hpp"
#include "adapters/ui/status_snapshot.hpp"
#include "adapters/ui/view.hpp"
#include "adapters/ui/width.hpp"

using namespace muster;
using namespace muster::ui;
using Catch::Matchers::ContainsSubstring;
using json = nlohmann::json;

namespace {

constexpr std::int64_t t0 = 1767225600000;  // 2026-01-01T00:00:00Z

/// Compares with tests/adapters/ui/golden/<name>; MUSTER_UPDATE_GOLDEN=1 writes it instead.
void check_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(MUSTER_SOURCE_DIR) + "/tests/adapters/ui/golden/" + name;
  if (std::getenv("MUSTER_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ifstream in(path);
  REQUIRE(in);
  std::stringstream expected;
  expected << in.rdbuf();
  CHECK(text == expected.str());
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  return out;
}

/// A terminal would act on these bytes.
bool hostile(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\n') || c == 0x7f) return true;
    if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0)
      return true;
  }
  return text.find("\u202E") != std::string::npos;
}

const std::string evil =
    "a\x1b]0;owned\x07"
    "b\x1b[2J\r\nc\u202E\u009b31m\x7f";

StatusSnapshot snapshot() {
  StatusSnapshot s;
  s.mission = "m-20260101-000000";
  s.objective = "Build a REST API with authentication";
  s.phase = "executing";
  s.iteration = 1;
  s.todo_done = 3;
  s.todo_total = 8;
  s.tasks = {
      {"M1.T1", "Token store", "done", 1, 0, {"src/tokens.cpp"}, ""},
      {"M1.T2", "Login endpoint", "working", 2, 1, {"src/login.cpp"}, ""},
      {"M1.T3", "パスワードの検証 (検証)", "parked", 3, 0, {}, "the same error three times"}};
  s.agents = {{"s1", "worker", "M1.T2", "tool_running", "shell: npm test -- --filter login",
               t0 - 12000, 40000, 2100},
              {"s2", "reviewer", "M1.T4", "waiting_model", "", t0 - 3000, 900, 50},
              {"s3", "fixer", "M1.T5", "tool_running", "edit: ソース/認証モジュール.cpp",
               t0 - 65000, 1500000, 20},
              {"s4", "worker", "M1.T6", "awaiting_human", "", t0 - 3700000, 0, 0},
              {"s5", "worker", "M1.T7", "waiting_slot", "", 0, 0, 0}};
  s.questions = {{"Q1", "M1.T6", "Which database should the tokens live in, sqlite or postgres?"}};
  s.issues_open = 1;
  s.input_tokens = 1541900;
  s.output_tokens = 2170;
  s.cost_usd = 0.4213;
  s.elapsed_ms = 754000;
  s.limits_hit = {"max_files_per_task"};
  s.slots = {5, 50, 1};
  s.lanes = {{"openrouter/qwen/qwen3-coder", 5, 50, t0 + 11200, "closed", 1, 4},
             {"ollama/qwen3:8b", 0, std::nullopt, std::nullopt, "open"}};
  s.jobs = {{"j1", "npm run dev", "M1.T2", "running", 90000, "background"},
            {"j2", "make test", "M1.T2", "queued", 0, "verification"}};
  return s;
}

/// The events of a short mission, as the notifier tells them.
std::vector<UiEvent> story() {
  std::vector<UiEvent> out;
  const auto add = [&](std::int64_t at, const std::string& type, json data) {
    out.push_back({out.size() + 1, t0 + at, type, std::move(data)});
  };
  const json good = {
      {"command", "npm test"}, {"exit_code", 0}, {"signal", 0}, {"timed_out", false}};
  json bad = good;
  bad["exit_code"] = 1;
  add(0, "mission_started", {{"mission", "m-1"}, {"objective", "Add a login"}});
  add(10, "intent_issued", {{"id", 1}, {"kind", "discover"}, {"task", ""}});
  add(400, "context_discovered", {{"intent", 1}, {"commands", {1, 2}}});
  add(410, "intent_issued", {{"id", 2}, {"kind", "baseline"}, {"task", ""}});
  add(5000, "baseline_recorded", {{"intent", 2}, {"receipts", {good, good}}});
  add(6000, "triaged", {{"intent", 3}, {"kind", "large"}, {"reason", "two modules"}});
  add(6001, "phase", {{"from", "exploring"}, {"to", "planning"}, {"iteration", 1}});
  add(9000, "plan_submitted",
      {{"intent", 4}, {"tasks", {1, 2}}, {"summary", "store first, then login"}});
  add(9100, "intent_issued", {{"id", 5}, {"kind", "work"}, {"task", "M1.T1"}});
  add(9200, "agent", {{"role", "worker"}, {"task", "M1.T1"}, {"state", "waiting_model"}});
  add(9900, "agent",
      {{"role", "worker"},
       {"task", "M1.T1"},
       {"state", "tool_running"},
       {"doing", "shell: npm test"}});
  add(10000, "tick", json::object());
  add(10001, "lane.paused", {{"lane", "openrouter/x"}, {"for_ms", 3000}});
  add(14000, "work_submitted", {{"intent", 5}, {"summary", "Wrote the store"}, {"changed", true}});
  add(14100, "intent_issued", {{"id", 6}, {"kind", "verify"}, {"task", "M1.T1"}});
  add(15000, "task_verified", {{"intent", 6}, {"receipts", {good, bad}}});
  add(15100, "intent_issued", {{"id", 7}, {"kind", "review"}, {"task", "M1.T1"}});
  add(20000, "verdict_given",
      {{"intent", 7},
       {"approve", false},
       {"summary", "no"},
       {"findings",
        {{{"file", "src/a.cpp"}, {"line", 7}, {"message", "off by one"}, {"severity", "error"}},
         {{"file", "b"}, {"line", 1}, {"message", "x"}, {"severity", "info"}}}}});
  add(21000, "question_asked", {{"id", "Q1"}, {"task", "M1.T1"}, {"text", "sqlite?"}});
  add(30000, "intent_issued", {{"id", 8}, {"kind", "land"}, {"task", "M1.T1"}});
  add(31000, "landed", {{"intent", 8}, {"commit", "abc"}});
  add(31500, "command_refused",
      {{"session", "S9"},
       {"role", "worker"},
       {"task", "M1.T1"},
       {"command", "rm -rf ~ " + evil},
       {"reason", "refused (delete): it lies outside"}});
  add(31600, "stuck_detected",
      {{"session", "S9"},
       {"role", "worker"},
       {"task", "M1.T1"},
       {"kind", "same_call"},
       {"rung", "intervene"},
       {"detail", "made the same call 3 times: read a" + evil}});
  add(31700, "stuck_detected",
      {{"session", ""}, {"kind", "no_progress"}, {"rung", "ask"}, {"detail", "5 iterations"}});
  add(32000, "limit_hit", {{"name", "max_cost_usd"}, {"detail", "5 USD"}, {"fatal", false}});
  add(33000, "something_new", {{"a", evil}});
  add(60000, "sealed",
      {{"intent", 9}, {"branch", "muster/m-1"}, {"commit", "c"}, {"applied", true}});
  return out;
}

json outcome() {
  return {
      {"outcome", "sealed"},
      {"exit_code", 0},
      {"mission", "m-1"},
      {"summary", "Login works"},
      {"waived", {"lint"}},
      {"todo", {{"done", 2}, {"total", 2}}},
      {"branch", "muster/m-1"},
      {"checks", {{{"check", "test"}, {"exit_code", 0}}, {{"check", "lint"}, {"exit_code", 1}}}},
      {"note", "applied to your tree"},
      {"input_tokens", 12000},
      {"output_tokens", 345},
      {"cost_usd", 0.05}};
}

struct Screen {
  std::string progress, answer;
  Write to_progress() {
    return [this](std::string_view text) { progress += text; };
  }
  Write to_answer() {
    return [this](std::string_view text) { answer += text; };
  }
};

}  // namespace

TEST_CASE("the live frame at widths 40, 80 and 200") {
  for (const std::size_t columns : {40U, 80U, 200U}) {
    const auto frame = live_frame(snapshot(), columns, 30, t0);
    for (const auto& line : frame) {
      INFO(line);
      CHECK(display_width(line) <= columns);
    }
    check_golden("live_" + std::to_string(columns) + ".txt", joined(frame));
  }
}

TEST_CASE("a low terminal keeps the header and what waits for the user") {
  StatusSnapshot s = snapshot();
  s.agents.resize(50, s.agents[0]);
  for (const std::size_t rows : {1U, 2U, 3U, 5U, 8U, 12U}) {
    const auto frame = live_frame(s, 80, rows, t0);
    CHECK(frame.size() <= rows);
    CHECK_THAT(frame[0], ContainsSubstring("executing"));
    if (rows >= 5) CHECK_THAT(frame.back(), ContainsSubstring("muster answer Q1"));
  }
  CHECK_THAT(joined(live_frame(s, 80, 12, t0)), ContainsSubstring("more agents"));
}

TEST_CASE("muster status at three widths") {
  for (const std::size_t columns : {40U, 80U, 200U})
    check_golden("status_" + std::to_string(columns) + ".txt",
                 status_text(snapshot(), columns, t0));
}

TEST_CASE("the plain view: a line per event, the summary as the answer") {
  Screen screen;
  auto view = make_plain_view(screen.to_progress(), screen.to_answer());
  for (const auto& event : story()) view->on_event(event);
  view->finish(outcome(), t0 + 61000);
  CHECK_FALSE(hostile(screen.progress));
  check_golden("plain.txt", screen.progress);
  check_golden("summary.txt", screen.answer);
}

TEST_CASE("the JSON view: versioned lines, the result last") {
  Screen screen;
  auto view = make_json_view(screen.to_answer());
  for (const auto& event : story()) view->on_event(event);
  view->finish(outcome(), t0 + 61000);
  CHECK(screen.progress.empty());
  std::istringstream lines(screen.answer);
  std::vector<json> parsed;
  for (std::string line; std::getline(lines, line);) {
    CHECK(std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
    parsed.push_back(json::parse(line));
    CHECK(parsed.back()["schema_version"] == 1);
    CHECK(parsed.back().contains("ts"));
  }
  CHECK(parsed.size() == story().size());  // without the tick, with the result
  CHECK(parsed[0]["type"] == "mission_started");
  CHECK(parsed[0]["ts"] == "2026-01-01T00:00:00.000Z");
  CHECK(parsed[0]["data"]["objective"] == "Add a login");
  const json& result = parsed.back();
  CHECK(result["type"] == "result");
  CHECK(result["seq"] == story().size() + 1);
  CHECK(result["outcome"] == "sealed");
  CHECK(result["exit_code"] == 0);
  CHECK(result["mission"] == "m-1");
  CHECK(result["tokens"] == 12345);
  CHECK(result["cost_usd"] == 0.05);
  CHECK(result["duration_ms"] == 61000);
  CHECK(result["waived"] == json{"lint"});
}

TEST_CASE("a JSON result is complete although the mission never began") {
  Screen screen;
  make_json_view(screen.to_answer())->finish({{"reason", "no model"}}, t0);
  const json result = json::parse(screen.answer);
  for (const char* key :
       {"outcome", "exit_code", "mission", "tokens", "cost_usd", "duration_ms", "waived"})
    CHECK(result.contains(key));
  CHECK(result["exit_code"] == 1);
}

TEST_CASE("the live view redraws in place and leaves a usable terminal") {
  Screen screen;
  LiveOptions options;
  options.columns = [] { return std::size_t{80}; };
  options.rows = [] { return std::size_t{24}; };
  options.color = false;
  auto view = make_live_view(screen.to_progress(), screen.to_answer(), options);
  view->on_status(snapshot());
  view->tick(t0);
  const std::size_t height = live_frame(snapshot(), 79, 22, t0).size();
  CHECK_THAT(screen.progress, ContainsSubstring("\x1b[?25l"));
  screen.progress.clear();
  view->tick(t0 + 10);
  CHECK(screen.progress.empty());  // nothing new, and too soon
  view->on_event({1, t0 + 200, "landed", {{"intent", 1}}});
  const std::string up = "\x1b[" + std::to_string(height) + "A\r\x1b[J";
  CHECK(screen.progress.rfind(up, 0) == 0);
  CHECK_THAT(screen.progress, ContainsSubstring("] mission landed\n"));
  screen.progress.clear();
  view->tick(t0 + 1300);
  CHECK(screen.progress.rfind(up, 0) == 0);  // the clocks moved
  screen.progress.clear();
  view->finish(outcome(), t0 + 2000);
  CHECK(screen.progress == up + std::string(restore_terminal()));
  CHECK_THAT(screen.answer, ContainsSubstring("SEALED (1 waived by you)"));
  screen.progress.clear();
  view->tick(t0 + 9000);
  CHECK(screen.progress.empty());
}

TEST_CASE("a narrower terminal wraps what is there: the next drawing goes back over all of it") {
  CHECK(wrapped_rows("", 10) == 1);
  CHECK(wrapped_rows("0123456789", 10) == 1);
  CHECK(wrapped_rows("0123456789a", 10) == 2);
  CHECK(wrapped_rows("日本語", 5) == 2);  // the third does not fit beside two
  CHECK(wrapped_rows("日本語", 1) == 3);

  Screen screen;
  std::size_t columns = 120;
  LiveOptions options;
  options.columns = [&] { return columns; };
  options.rows = [] { return std::size_t{24}; };
  options.color = false;
  auto view = make_live_view(screen.to_progress(), screen.to_answer(), options);
  view->on_status(snapshot());
  view->tick(t0);
  auto now = t0;
  for (const std::size_t next : {119U, 60U, 23U, 10U, 200U, 40U}) {
    auto shown = live_frame(snapshot(), std::max<std::size_t>(columns, 20) - 1, 22, now);
    std::size_t rows = 0;
    for (const auto& line : shown) rows += wrapped_rows(line, next);
    columns = next;
    screen.progress.clear();
    now += 150;  // the picture is not old: the width alone asks for a new one
    view->tick(now);
    CHECK(screen.progress.rfind("\x1b[" + std::to_string(rows) + "A\r\x1b[J", 0) == 0);
  }
}

TEST_CASE(
    "the live view gives the cursor back when it is dropped, and without colour has no colour") {
  Screen screen;
  LiveOptions options;
  options.color = false;
  {
    auto view = make_live_view(screen.to_progress(), screen.to_answer(), options);
    view->on_status(snapshot());
    view->tick(t0);
    CHECK(screen.progress.find("\x1b[31m") == std::string::npos);
    CHECK(screen.progress.find("\x1b[1m") == std::string::npos);
    CHECK(screen.progress.find("\x1b[33m") == std::string::npos);
  }
  CHECK_THAT(screen.progress, ContainsSubstring("\x1b[?25h"));
  Screen colored;
  auto view = make_live_view(colored.to_progress(), colored.to_answer(), {});
  view->on_status(snapshot());
  view->tick(t0);
  CHECK_THAT(colored.progress, ContainsSubstring("\x1b[33m  ? muster answer Q1"));
}

TEST_CASE("F5 text from models, tools and files never reaches the terminal as a command") {
  StatusSnapshot s = snapshot();
  s.mission = s.objective = s.phase = evil;
  for (auto& task : s.tasks) task.id = task.title = task.stage = task.reason = evil;
  for (auto& agent : s.agents) agent.role = agent.task = agent.doing = evil;
  s.agents[0].state = evil;
  for (auto& question : s.questions) question.id = question.task = question.text = evil;
  for (auto& lane : s.lanes) lane.name = lane.breaker = evil;
  for (auto& job : s.jobs) job.id = job.command = job.state = evil;
  s.limits_hit = {evil};
  for (const std::size_t columns : {40U, 200U}) {
    CHECK_FALSE(hostile(joined(live_frame(s, columns, 40, t0))));
    CHECK_FALSE(hostile(status_text(s, columns, t0)));
  }

  // Every string of every event, one after the other, and the type itself.
  Screen screen;
  auto view = make_plain_view(screen.to_progress(), screen.to_answer());
  std::size_t events = 0;
  for (UiEvent event : story()) {
    const json flat = event.data.flatten();
    for (const auto& [pointer, value] : flat.items()) {
      if (!value.is_string()) continue;
      UiEvent attack = event;
      attack.data[json::json_pointer(pointer)] = evil;
      view->on_event(attack);
      ++events;
    }
    event.type = evil;
    view->on_event(event);
  }
  CHECK(events > 30);
  CHECK_FALSE(hostile(screen.progress));

  json ended = outcome();
  for (const char* key : {"outcome", "summary", "branch", "note", "reason", "answer"})
    ended[key] = evil;
  ended["waived"] = {evil};
  ended["findings"] = {{{"file", evil}, {"message", evil}}};
  view->finish(ended, t0);
  CHECK_FALSE(hostile(screen.answer));
  CHECK_THAT(screen.answer, ContainsSubstring("A"));
}

TEST_CASE("events of a wrong shape are shown, not fatal") {
  Screen screen;
  auto view = make_plain_view(screen.to_progress(), screen.to_answer());
  const std::vector<json> shapes{
      nullptr,
      7,
      "x",
      json::array({1}),
      {{"intent", "x"}, {"id", 1e300}},
      {{"receipts", {1, "x", nullptr}}, {"findings", {1}}, {"error", 3}}};
  for (const auto& event : story())
    for (const json& shape : shapes) view->on_event({1, t0, event.type, shape});
  view->finish(nullptr, t0);
  CHECK_THAT(screen.answer, ContainsSubstring("ENDED"));
}

TEST_CASE("widths: wide, combining, emoji, broken text") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("日本語") == 6);
  CHECK(display_width("e\u0301") == 1);
  CHECK(display_width("한글") == 4);
  CHECK(display_width("🚀") == 2);
  CHECK(display_width("é…·") == 3);
  CHECK(display_width("\xff\xfe") == 2);
  CHECK(display_width("a\u200bb") == 2);
  CHECK(cut("hello", 5) == "hello");
  CHECK(cut("hello!", 5) == "hell…");
  CHECK(cut("日本語", 5) == "日本…");
  CHECK(cut("日本語", 4) == "日…");
  CHECK(cut("日本語", 1) == "…");
  CHECK(cut("x", 0).empty());
  CHECK(pad("日", 4) == "日  ");
  CHECK(display_width(pad("日本語", 4)) == 4);
  for (std::size_t columns = 0; columns < 12; ++columns)
    CHECK(display_width(cut("a日b本c語d🚀e", columns)) <= columns);
}

TEST_CASE("a status survives its JSON, and one of a wrong shape is an error") {
  const StatusSnapshot s = snapshot();
  const auto back = status_from_json(to_json(s));
  REQUIRE(back.ok());
  CHECK(to_json(*back) == to_json(s));
  CHECK(status_from_json(json::object()).ok());
  CHECK(status_from_json({{"unknown", 1}, {"phase", nullptr}}).ok());
  for (const json& bad : {json(7), json{{"tasks", 7}}, json{{"tasks", {1}}}, json{{"phase", 3}},
                          json{{"agents", {{{"since_ms", "x"}}}}}}) {
    const auto result = status_from_json(bad);
    REQUIRE_FALSE(result.ok());
    CHECK(result.error().code == ErrorCode::malformed);
  }
}

TEST_CASE("numbers in words") {
  CHECK(clock_text(0) == "0:00");
  CHECK(clock_text(-5) == "0:00");
  CHECK(clock_text(754000) == "12:34");
  CHECK(clock_text(3723000) == "1:02:03");
  CHECK(count_text(999) == "999");
  CHECK(count_text(12345) == "12.3k");
  CHECK(count_text(999999) == "1.0M");
  CHECK(cost_text(0.0123) == "$0.0123");
  CHECK(cost_text(12.3) == "$12.30");
  CHECK(utc_text(t0 + 123) == "2026-01-01T00:00:00.123Z");
}

TEST_CASE("outcomes in words") {
  CHECK(summary_text({{"outcome", "sealed"}}) == "SEALED\n");
  CHECK_THAT(summary_text({{"outcome", "needs_user"}, {"reason", "M1.T1 is parked"}}),
             ContainsSubstring("NEEDS USER: M1.T1 is parked"));
  CHECK_THAT(summary_text({{"outcome", "answered"}, {"answer", "It is\n42."}}),
             ContainsSubstring("It is\n42.\n"));
}

TEST_CASE("ps has a line for each agent and each job, safe for a terminal") {
  StatusSnapshot status;
  status.agents.push_back({"S7", "worker", "M1.T2", "tool_running", evil, t0 - 65000, 1200, 300});
  status.jobs.push_back({"V3.J1", "make test" + evil, "M1.T2", "running", 3000, "verification"});
  const auto text = process_text(status, 100, t0);
  CHECK_FALSE(hostile(text));
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK_THAT(text, ContainsSubstring("worker") && ContainsSubstring("1:05") &&
                       ContainsSubstring("1.5k") && ContainsSubstring("running: make test"));
}
