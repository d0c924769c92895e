#include "tests/actors/mission_stage.hpp"

#include <catch2/catch_test_macros.hpp>

namespace muster::test {

MissionStage::MissionStage() {
  notifier = base.time.track(spawn_notifier(base.time.system(), std::make_shared<NoticeSinks>()));
  SinkSpec sink;
  sink.id = "book";
  sink.sink = book;
  sink.capacity = 100000;
  (void)base.time.ask<Unit>(notifier, subscribe_atom_v, sink);
  started.mission = "M";
  started.objective = "Add two files.";
  started.at_ms = 1;
  base.model.script = [this](const SeenRequest& request) { return play(request); };
  base.processes->on_start = [this](const std::string& name) {
    base.processes->inner.exit(name, commands_exit);
  };
}

MissionStage::~MissionStage() { base.time.kill_all(); }

json MissionStage::task(const std::string& id, const std::string& file) {
  return {{"id", id},
          {"title", "Write " + file},
          {"description", "d"},
          {"files", {file}},
          {"depends_on", json::array()},
          {"acceptance", {"it is there"}},
          {"verification", {{{"command", "make test"}}}},
          {"test_exempt_reason", "no test here"}};
}

MissionDeps MissionStage::deps() {
  MissionDeps deps;
  deps.session = base.deps();
  deps.session.open_files =
      [this](const std::string& root) -> Result<std::shared_ptr<WorkspaceFiles>> {
    return tree->open_files(root);
  };
  deps.notifier = notifier;
  deps.store = base.store.get();
  deps.tree = tree;
  for (const char* role :
       {"commander", "planner", "worker", "fixer", "reviewer", "master_reviewer", "searcher"}) {
    auto profile = make_profile(role);
    for (const char* final_tool : {"submit_triage", "answer", "submit_plan", "submit_result",
                                   "submit_verdict", "request_seal"}) {
      profile->tool_names.insert(final_tool);
      profile->final_tools.insert(final_tool);
    }
    if (profile->role == "commander") profile->tool_names.insert("cancel");
    deps.roster[role] = profile;
  }
  deps.survey = [this](const std::string&) {
    return ProjectFacts{{"C++"}, commands, "context", "", "src/a.cpp"};
  };
  deps.builtin_check = [](const Verification&, const std::string&) -> Result<std::string> {
    return std::string();
  };
  deps.is_verification = [](const std::string& command) { return command.starts_with("make"); };
  deps.project = [this](const std::string& name, const std::string& expected,
                        const std::string& text) -> Result<std::optional<std::string>> {
    auto& file = workspace[name];
    if (name == "todo.md" && file != expected) return std::optional<std::string>(file);
    file = text;
    return std::optional<std::string>();
  };
  return deps;
}

mission_actor MissionStage::start(bool fresh) {
  MissionSpec spec;
  spec.mission = "M";
  if (fresh) spec.start = started;
  spec.session = base.limits;
  spec.end_pause = end_pause;
  spec.snapshots = snapshots;
  mission = base.time.spawn<Mission, mission_actor>(spec, deps());
  base.time.run();
  return mission;
}

void MissionStage::finish(std::chrono::minutes patience) {
  for (auto left = patience; left.count() > 0 && count("mission_ended") == 0; left -= 1min)
    base.time.advance(1min);
}

Result<std::string> MissionStage::control(const std::string& method, const json& params) {
  return base.time.ask<std::string>(mission, control_atom_v, ControlRequest{method, params.dump()});
}

Pending<std::string> MissionStage::begin_control(const std::string& method, const json& params) {
  auto pending =
      base.time.begin<std::string>(mission, control_atom_v, ControlRequest{method, params.dump()});
  base.time.run();
  return pending;
}

json MissionStage::status() { return json::parse(*control("status")); }

int MissionStage::count(const std::string& type) const {
  int found = 0;
  for (const auto& notice : book->notices) found += notice.type == type ? 1 : 0;
  return found;
}

json MissionStage::last(const std::string& type) const {
  json out;
  for (const auto& notice : book->notices)
    if (notice.type == type) out = json::parse(notice.json);
  return out;
}

State MissionStage::folded() {
  State state;
  for (const auto& record : base.records("event")) {
    auto event = event_from_json(json::parse(record.row.empty() ? record.body : record.row));
    REQUIRE(event.ok());
    muster::apply(state, *event);
  }
  return state;
}

void MissionStage::check_sealed() {
  base.time.run();
  CHECK(count("mission_ended") == 1);
  CHECK(last("mission_ended")["outcome"] == "sealed");
  CHECK(last("mission_ended")["exit_code"] == 0);
  CHECK(tree->applied == 1);
  CHECK(folded().phase == Phase::sealed);
  CHECK(folded().open.empty());
  CHECK(base.slots().in_use == 0);
  CHECK(base.model.in_flight == 0);
  CHECK(base.processes->inner.running == 0);
  base.check_transcripts();
}

std::optional<ModelOutcome> MissionStage::play(const SeenRequest& request) {
  auto header = request.header();
  auto field = [&header](const std::string& name) {
    auto from = header.find(name + "=") + name.size() + 1;
    return header.substr(from, header.find_first_of(" ]", from) - from);
  };
  Turn turn{request, field("agent"), field("task"), field("session"), std::stoi(field("attempt")),
            0};
  for (const auto& message : request.messages()) turn.number += message["role"] == "assistant";
  if (agent)
    if (auto own = agent(turn)) return *own;
  return team(turn);
}

ModelOutcome MissionStage::team(const Turn& turn) {
  bool seals = turn.request.last("user").find("Call request_seal") != std::string::npos;
  if (turn.agent == "commander" && seals) return calls("request_seal", {{"summary", "two files"}});
  if (turn.agent == "commander")
    return calls("submit_triage", {{"kind", "large"}, {"reason", "two files"}});
  if (turn.agent == "planner")
    return calls("submit_plan", {{"summary", "write them"}, {"tasks", plan}});
  if (turn.agent == "worker" || turn.agent == "fixer") {
    if (turn.number > 0)
      return calls("submit_result", {{"summary", "done"}, {"changed_files", json::array()}});
    for (const auto& one : plan)
      if (one["id"] == turn.task)
        return calls("write", {{"path", one["files"][0]}, {"content", "by " + turn.session}});
  }
  return calls("submit_verdict", {{"verdict", "approve"}, {"summary", "fine"}});
}

}  // namespace muster::test
