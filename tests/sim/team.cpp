#include "tests/sim/team.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace muster::sim {
namespace {

using nlohmann::json;

ModelReply says(const std::string& text) {
  ModelReply reply;
  reply.text = text;
  reply.finish_reason = "stop";
  reply.usage = {100, 0, 20, false};
  return reply;
}

ToolCall call(const std::string& name, const json& arguments) {
  return {"", name, arguments.dump()};
}

ModelReply calls(std::vector<ToolCall> tools) {
  auto reply = says("");
  reply.tool_calls = std::move(tools);
  reply.finish_reason = "tool_calls";
  return reply;
}

ModelReply calls(const std::string& name, const json& arguments) {
  return calls({call(name, arguments)});
}

std::string file_name(std::int64_t number) { return "src/f" + std::to_string(number) + ".cpp"; }

json task_of(const MissionPlan& plan, const std::string& prefix, int number, Rng random) {
  std::vector<std::string> files{file_name(number % plan.files)};
  if (random.chance(plan.shared)) {
    auto other = file_name(random.between(0, plan.files - 1));
    if (other != files[0]) files.push_back(other);
  }
  json depends = json::array();
  for (int other = 1; other < number && depends.size() < 3; ++other)
    if (random.chance(plan.dependent / number * 2))
      depends.push_back(prefix + std::to_string(other));
  json task{{"id", prefix + std::to_string(number)},
            {"title", "Task " + std::to_string(number)},
            {"description", "d"},
            {"files", files},
            {"depends_on", depends},
            {"acceptance", {"it is there"}},
            {"verification", json::array({{{"command", "make test"}}})}};
  if (random.chance(0.7)) task["test_exempt_reason"] = "no test here";
  if (random.chance(0.2)) task["verification"].push_back({{"check", "exists"}, {"path", files[0]}});
  return task;
}

}  // namespace

Team::Session& Team::session_of(const Turn& turn) {
  auto key = turn.mission + "/" + turn.session;
  auto& session = sessions_[key];
  if (turn.first) {
    // A session of that name may have been lost in a crash, and this is another one.
    session = Session{};
    session.random = stream(options_.seed, {"session", key, std::to_string(calls_)});
    make_up_mind(turn, session);
  }
  return session;
}

ModelReply Team::reply(const Turn& turn) {
  ++calls_;
  auto& session = session_of(turn);
  auto number = ++session.turns;
  auto out = [&] {
    if (session.circles > 0) return circle(session);
    if (number < 12 && session.random.chance(scenario_.mischief)) return mischief(turn, session);
    if (session.next.empty()) return end_of(turn, session);
    auto next = std::move(session.next.front());
    session.next.pop_front();
    return next;
  }();
  int index = 0;
  for (auto& tool : out.tool_calls)
    if (tool.id.empty()) tool.id = "c" + std::to_string(calls_) + "_" + std::to_string(++index);
  return out;
}

void Team::make_up_mind(const Turn& turn, Session& session) {
  if (turn.role == "worker" || turn.role == "fixer") return plan_work(turn, session);
  if (session.random.chance(0.3)) session.next.push_back(calls("list", {{"path", "."}}));
  if (turn.role == "reviewer" && session.random.chance(0.2))
    session.next.push_back(calls("shell", {{"command", "make test"}}));
}

std::string Team::effect(const Turn& turn) {
  return "effect " + turn.mission + "." + turn.session + "." + std::to_string(++effects_);
}

/// Reads, runs a command or two, writes its files; maybe badly.
void Team::plan_work(const Turn& turn, Session& session) {
  auto& random = session.random;
  const auto* task = ledger_.book(turn.mission).state.task(turn.task);
  auto files = task ? task->spec.files : std::vector<std::string>{};
  if (task)  // a fixer mends what was changed outside of the plan, too
    for (const auto& file : task->changed)
      if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
  if (files.empty()) files.push_back("src/own_" + turn.task + ".cpp");
  if (random.chance(0.3))
    session.next.push_back(
        calls({call("read", {{"path", "Makefile"}}), call("read", {{"path", "src/old.cpp"}})}));
  if (random.chance(0.3)) session.next.push_back(calls("shell", {{"command", effect(turn)}}));
  bool bad = random.chance(scenario_.bad_work);
  for (const auto& file : files) {
    auto text = (bad ? "BAD" + std::to_string(random.below(4)) + " " : std::string("good ")) +
                turn.session + " " + std::to_string(++session.pieces);
    session.next.push_back(calls("write", {{"path", file}, {"content", text}}));
  }
  // What was red before the mission is somebody's to mend, once it is seen.
  if (turn.role == "fixer" && random.chance(0.3))
    session.next.push_back(calls("write", {{"path", "src/old.cpp"}, {"content", "int old;"}}));
  if (random.chance(0.1)) {
    session.next.push_back(calls("run_background", {{"command", "serve " + effect(turn)}}));
    session.next.push_back(calls("check_background", {{"job", turn.session + ".J1"}}));
  }
  if (random.chance(0.2)) session.next.push_back(calls("shell", {{"command", effect(turn)}}));
}

ModelReply Team::mischief(const Turn& turn, Session& session) {
  auto& random = session.random;
  switch (random.below(16)) {
    case 0:
      return says("I think that all is well.");
    case 1:
      return calls({{"", "shell", "{\"command\": \"ls"}});
    case 2:
      return calls("frobnicate", {{"path", "x"}});
    case 3:
      return calls("write", {{"path", "src/f0.cpp"}, {"content", "mine now"}});
    case 4:
      return calls("write", {{"path", "../../etc/passwd"}, {"content", "x"}});
    case 5:
      return calls("ask_user", {{"question", "Which one, " + turn.session + "?"}});
    case 6:
      return calls("raise_issue", {{"title", "Doubt of " + turn.session}, {"detail", "d"}});
    case 7:
      return calls("resolve_issue", {{"id", "I1"}, {"resolution", "never mind"}});
    case 8:
      return calls("run_background", {{"command", "serve " + effect(turn)}});
    case 9:
      return calls("shell", {{"command", "rm -rf /"}});
    case 10:
      return calls({call("read", {{"path", "nowhere"}}), call("todo_read", json::object()),
                    call("shell", {{"command", effect(turn)}}), call("", json::object())});
    case 11:
      return calls("kill_background",
                   {{"job", turn.session + ".J" + std::to_string(random.below(3))}});
    case 12:
      return calls("submit_verdict", {{"verdict", "perhaps"}});
    case 13:
      session.circles = static_cast<int>(random.between(2, 12));
      return circle(session);
    default:
      return end_of(turn, session);  // too early
  }
}

/// The same again, or one thing and the other in turn; told of it or not.
ModelReply Team::circle(Session& session) {
  --session.circles;
  bool other = session.pieces % 2 == 1 && session.circles % 2 == 1;
  return calls("read", {{"path", other ? "Makefile" : "src/old.cpp"}});
}

ModelReply Team::end_of(const Turn& turn, Session& session) {
  if (turn.role == "commander" && turn.seals)
    return calls("request_seal", {{"summary", "all done"}});
  if (turn.role == "commander") return triage(turn, session);
  if (turn.role == "searcher") return calls("answer", {{"text", "it is in src"}});
  if (turn.role == "planner" && turn.task != "-") return parts(turn, session);
  if (turn.role == "planner") return plan(turn, session);
  if (turn.role == "worker" || turn.role == "fixer")
    return calls("submit_result", {{"summary", "done"}, {"test_exempt_reason", "no test here"}});
  return verdict(turn, session);
}

ModelReply Team::triage(const Turn& turn, Session& session) {
  const auto& mission = scenario_.mission(turn.mission);
  if (mission.small) {
    auto task = task_of(mission, "M1.T", 1, stream(options_.seed, {"small", turn.mission}));
    return calls("submit_triage", {{"kind", "small"}, {"reason", "one file"}, {"task", task}});
  }
  if (options_.agents < 100 && session.random.chance(0.03))
    return calls("answer", {{"text", "it is so"}});
  return calls("submit_triage", {{"kind", "large"}, {"reason", "many files"}});
}

ModelReply Team::plan(const Turn& turn, Session& session) {
  const auto& mission = scenario_.mission(turn.mission);
  const auto& state = ledger_.book(turn.mission).state;
  auto prefix = "M" + std::to_string(state.iteration) + ".T";
  int first = 0;
  while (state.index.contains(prefix + std::to_string(first + 1))) ++first;
  int count = state.iteration == 1 ? mission.tasks : 1 + static_cast<int>(session.random.below(3));
  json tasks = json::array();
  for (int i = 1; i <= count; ++i)
    tasks.push_back(
        task_of(mission, prefix, first + i,
                stream(options_.seed, {"task", turn.mission, prefix, std::to_string(first + i)})));
  if (session.random.chance(scenario_.mischief)) tasks[0]["depends_on"] = {tasks[0]["id"]};
  return calls("submit_plan", {{"summary", "so we do it"}, {"tasks", tasks}});
}

/// A task that got nowhere, in two parts.
ModelReply Team::parts(const Turn& turn, Session& session) {
  const auto& mission = scenario_.mission(turn.mission);
  json tasks = json::array();
  for (int i = 1; i <= 2; ++i) {
    auto task =
        task_of(mission, turn.task + ".S", i,
                stream(options_.seed, {"part", turn.mission, turn.task, std::to_string(i)}));
    if (session.random.chance(0.5)) task["depends_on"] = json::array();
    tasks.push_back(task);
  }
  return calls("submit_plan", {{"summary", "in parts"}, {"tasks", tasks}});
}

ModelReply Team::verdict(const Turn& turn, Session& session) {
  bool whole = turn.role == "master_reviewer";
  bool reject = session.random.chance(scenario_.rejection);
  if (whole && reject && ++rejections_[turn.mission] > 2) reject = false;
  if (!reject) return calls("submit_verdict", {{"verdict", "approve"}, {"summary", "fine"}});
  auto file = file_name(session.random.between(0, 3));
  return calls(
      "submit_verdict",
      {{"verdict", "reject"},
       {"summary", "not yet"},
       {"findings",
        json::array(
            {{{"file", file}, {"line", 1}, {"message", "wrong " + std::to_string(calls_ % 5)}}})}});
}

}  // namespace muster::sim
