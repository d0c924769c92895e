#include "runtime/core/state_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "runtime/core/event_json.hpp"

namespace muster {

namespace {

using nlohmann::json;

/// Every member of a task, with its name: one list for both directions.
template <class Task, class Field>
void each_member_of_task(Task& task, Field&& field) {
  field("spec", task.spec);
  field("stage", task.stage);
  field("iteration", task.iteration);
  field("attempt", task.attempt);
  field("failures", task.failures);
  field("round", task.round);
  field("fixing", task.fixing);
  field("accepted", task.accepted);
  field("open_intent", task.open_intent);
  field("base", task.base);
  field("tree", task.tree);
  field("receipts", task.receipts);
  field("changed", task.changed);
  field("findings", task.findings);
  field("engine_findings", task.engine_findings);
  field("summary", task.summary);
  field("test_exempt_reason", task.test_exempt_reason);
  field("merge", task.merge);
  field("commit", task.commit);
  field("seen_errors", task.seen_errors);
  field("guidance", task.guidance);
  field("reason", task.reason);
  field("forgotten", task.forgotten);
  field("rung", task.rung);
}

template <class Any, class Field>
void each_identity(Any& state, Field&& field) {
  field("mission", state.mission);
  field("objective", state.objective);
  field("kind", state.kind);
  field("workspace", state.workspace);
  field("team", state.team);
  field("approve_plan", state.approve_plan);
  field("want_baseline", state.want_baseline);
  field("started_at_ms", state.started_at_ms);
  field("now_ms", state.now_ms);
  field("limits", state.limits);
  field("phase", state.phase);
  field("paused", state.paused);
  field("wants_user", state.wants_user);
  field("iteration", state.iteration);
  field("outcome_reason", state.outcome_reason);
}

template <class Any, class Field>
void each_known(Any& state, Field&& field) {
  field("base", state.base);
  field("base_tree", state.base_tree);
  field("tip", state.tip);
  field("tip_tree", state.tip_tree);
  field("stack", state.stack);
  field("commands", state.commands);
  field("dirty_files", state.dirty_files);
  field("discovered", state.discovered);
  field("baselined", state.baselined);
  field("baseline", state.baseline);
  field("triage", state.triage);
  field("triage_reason", state.triage_reason);
  field("answer", state.answer);
  field("answer_positive", state.answer_positive);
  field("plan_problems", state.plan_problems);
  field("plan_summary", state.plan_summary);
  field("plan_pending_approval", state.plan_pending_approval);
  field("proposed_plan", state.proposed_plan);
  field("guidance", state.guidance);
}

template <class Any, class Field>
void each_evidence(Any& state, Field&& field) {
  field("landing_queue", state.landing_queue);
  field("landing_task", state.landing_task);
  field("review_findings", state.review_findings);
  field("final_tree", state.final_tree);
  field("final_receipts", state.final_receipts);
  field("final_done", state.final_done);
  field("master_approved", state.master_approved);
  field("master_reviewed", state.master_reviewed);
  field("seal_requested", state.seal_requested);
  field("seal_summary", state.seal_summary);
  field("waived", state.waived);
  field("issues", state.issues);
  field("questions", state.questions);
  field("seal", state.seal);
}

template <class Any, class Field>
void each_count(Any& state, Field&& field) {
  field("input_tokens", state.input_tokens);
  field("cached_input_tokens", state.cached_input_tokens);
  field("output_tokens", state.output_tokens);
  field("cost_usd", state.cost_usd);
  field("limits_hit", state.limits_hit);
  field("questions_asked", state.questions_asked);
  field("mission_failures", state.mission_failures);
  field("last_failure", state.last_failure);
  field("notices", state.notices);
  field("notices_posted", state.notices_posted);
  field("crashes", state.crashes);
  field("told", state.told);
  field("told_count", state.told_count);
  field("stuck", state.stuck);
  field("interventions", state.interventions);
  field("replans", state.replans);
  field("stale_iterations", state.stale_iterations);
  field("stale_answered", state.stale_answered);
  field("landed", state.landed);
  field("last_reasons", state.last_reasons);
  field("intervention", state.intervention);
  field("next_intent", state.next_intent);
  field("dirty", state.dirty);
  field("startable", state.startable);
  field("active_tasks", state.active_tasks);
  field("unfinished_tasks", state.unfinished_tasks);
  field("dependants", state.dependants);
  field("finished", state.finished);
  field("tasks", state.tasks);
}

template <class Any, class Field>
void each_member(Any& state, Field&& field) {
  each_identity(state, field);
  each_known(state, field);
  each_evidence(state, field);
  each_count(state, field);
}

class Reader {
 public:
  explicit Reader(const json& in) : in_(in) {}
  template <class Member>
  void operator()(const char* name, Member& member) {
    if (auto found = in_.find(name); found != in_.end()) found->get_to(member);
  }

 private:
  const json& in_;
};

}  // namespace

#define MUSTER_FIELDS(...) NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(__VA_ARGS__)
MUSTER_FIELDS(Question, id, task, session, text)
MUSTER_FIELDS(Issue, id, task, title, detail, open, resolution, fix_task)
MUSTER_FIELDS(PostedNotice, id, data, told)
MUSTER_FIELDS(Told, number, task, text, before)
#undef MUSTER_FIELDS

void to_json(json& out, const TaskState& task) {
  out = json::object();
  each_member_of_task(task, [&out](const char* name, const auto& member) {
    json value = member;
    // Empty lists and texts are what a reader takes anyway: most members of most tasks.
    if (value.empty() || (value.is_string() && value.get_ref<const std::string&>().empty())) return;
    out[name] = std::move(value);
  });
}

void from_json(const json& in, TaskState& task) {
  task = TaskState{};
  each_member_of_task(task, Reader(in));
}

json state_to_json(const State& state) {
  json out{{"v", state_version},
           {"outcome_code", to_string(state.outcome_code)},
           {"leases", {{"held", state.leases.held()}, {"waiting", state.leases.waiting()}}}};
  auto& open = out["open"] = json::array();
  for (const auto& [id, intent] : state.open) open.push_back(intent);
  each_member(state, [&out](const char* name, const auto& member) { out[name] = member; });
  return out;
}

namespace {

State read_state(const json& in) {
  State state;
  each_member(state, Reader(in));
  const auto& leases = in.at("leases");
  using Held = std::map<std::string, std::vector<std::string>>;
  using Waiting = std::vector<std::pair<std::string, std::vector<std::string>>>;
  state.leases =
      LeaseTable::restored(leases.at("held").get<Held>(), leases.at("waiting").get<Waiting>());
  for (const auto& intent : in.at("open")) {
    auto issued = intent.get<IntentIssued>();
    state.open[issued.id] = issued;
  }
  state.outcome_code = error_code_from(in.value("outcome_code", "")).value_or(ErrorCode::internal);
  for (std::size_t i = 0; i < state.tasks.size(); ++i) state.index[state.tasks[i].spec.id] = i;
  return state;
}

/// Positions are used without a further look: they must be those of tasks.
bool is_sound(const State& state) {
  auto count = state.tasks.size();
  auto inside = [count](std::size_t position) { return position < count; };
  auto all = [&](const auto& positions) {
    return std::all_of(positions.begin(), positions.end(), inside);
  };
  return state.dependants.size() == count && all(state.dirty) && all(state.startable) &&
         all(state.finished) &&
         std::all_of(state.dependants.begin(), state.dependants.end(), all) &&
         (state.landing_task.empty() || state.index.contains(state.landing_task));
}

}  // namespace

Result<State> state_from_json(const json& in) try {
  auto version = in.at("v").get<int>();
  if (version != state_version)
    return Error{ErrorCode::invalid_argument, "a state of form " + std::to_string(version) +
                                                  "; this muster reads form " +
                                                  std::to_string(state_version)};
  auto state = read_state(in);
  if (!is_sound(state)) return Error{ErrorCode::corrupt, "a state that contradicts itself"};
  return state;
} catch (const std::exception& e) {
  return Error{ErrorCode::corrupt, std::string("unreadable state: ") + e.what()};
}

}  // namespace muster
