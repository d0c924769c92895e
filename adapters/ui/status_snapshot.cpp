#include "adapters/ui/status_snapshot.hpp"

#include <nlohmann/json.hpp>

namespace muster::ui {
namespace {

using json = nlohmann::json;

template <class T>
void get(const json& in, const char* key, T& out) {
  if (auto found = in.find(key); found != in.end() && !found->is_null()) found->get_to(out);
}

void get(const json& in, const char* key, std::optional<std::int64_t>& out) {
  if (auto found = in.find(key); found != in.end() && !found->is_null())
    out = found->get<std::int64_t>();
}

/// Reads a list of objects with `read`.
template <class T, class Read>
void list(const json& in, const char* key, std::vector<T>& out, Read read) {
  auto found = in.find(key);
  if (found == in.end() || found->is_null()) return;
  for (const json& item : found->get_ref<const json::array_t&>()) {
    if (!item.is_object()) throw std::invalid_argument(std::string(key) + " holds no objects");
    read(item, out.emplace_back());
  }
}

void read(const json& in, StatusSnapshot::Task& out) {
  get(in, "id", out.id);
  get(in, "title", out.title);
  get(in, "stage", out.stage);
  get(in, "attempt", out.attempt);
  get(in, "round", out.round);
  get(in, "files", out.files);
  get(in, "reason", out.reason);
}

void read(const json& in, StatusSnapshot::Agent& out) {
  get(in, "session", out.session);
  get(in, "role", out.role);
  get(in, "task", out.task);
  get(in, "state", out.state);
  get(in, "doing", out.doing);
  get(in, "since_ms", out.since_ms);
  get(in, "input_tokens", out.input_tokens);
  get(in, "output_tokens", out.output_tokens);
}

void read(const json& in, StatusSnapshot::Question& out) {
  get(in, "id", out.id);
  get(in, "task", out.task);
  get(in, "text", out.text);
}

void read(const json& in, StatusSnapshot::Lane& out) {
  get(in, "name", out.name);
  get(in, "in_use", out.in_use);
  get(in, "limit", out.limit);
  get(in, "paused_until_ms", out.paused_until_ms);
  get(in, "breaker", out.breaker);
  get(in, "waiting", out.waiting);
  get(in, "held_back", out.held_back);
}

void read(const json& in, StatusSnapshot::Job& out) {
  get(in, "id", out.id);
  get(in, "command", out.command);
  get(in, "task", out.task);
  get(in, "state", out.state);
  get(in, "running_ms", out.running_ms);
  get(in, "kind", out.kind);
}

json optional(const std::optional<std::int64_t>& value) { return value ? json(*value) : json(); }

}  // namespace

json to_json(const StatusSnapshot& s) {
  json out = {{"mission", s.mission},
              {"objective", s.objective},
              {"phase", s.phase},
              {"iteration", s.iteration},
              {"tasks", json::array()},
              {"agents", json::array()},
              {"todo", {{"done", s.todo_done}, {"total", s.todo_total}}},
              {"questions", json::array()},
              {"issues_open", s.issues_open},
              {"input_tokens", s.input_tokens},
              {"output_tokens", s.output_tokens},
              {"cost_usd", s.cost_usd},
              {"elapsed_ms", s.elapsed_ms},
              {"limits_hit", s.limits_hit},
              {"slots",
               {{"in_use", s.slots.in_use},
                {"limit", optional(s.slots.limit)},
                {"waiting", s.slots.waiting}}},
              {"lanes", json::array()},
              {"jobs", json::array()}};
  for (const auto& t : s.tasks)
    out["tasks"].push_back({{"id", t.id},
                            {"title", t.title},
                            {"stage", t.stage},
                            {"attempt", t.attempt},
                            {"round", t.round},
                            {"files", t.files},
                            {"reason", t.reason}});
  for (const auto& a : s.agents)
    out["agents"].push_back({{"session", a.session},
                             {"role", a.role},
                             {"task", a.task},
                             {"state", a.state},
                             {"doing", a.doing},
                             {"since_ms", a.since_ms},
                             {"input_tokens", a.input_tokens},
                             {"output_tokens", a.output_tokens}});
  for (const auto& q : s.questions)
    out["questions"].push_back({{"id", q.id}, {"task", q.task}, {"text", q.text}});
  for (const auto& l : s.lanes)
    out["lanes"].push_back({{"name", l.name},
                            {"in_use", l.in_use},
                            {"limit", optional(l.limit)},
                            {"paused_until_ms", optional(l.paused_until_ms)},
                            {"breaker", l.breaker},
                            {"waiting", l.waiting},
                            {"held_back", l.held_back}});
  for (const auto& j : s.jobs)
    out["jobs"].push_back({{"id", j.id},
                           {"command", j.command},
                           {"task", j.task},
                           {"state", j.state},
                           {"running_ms", j.running_ms},
                           {"kind", j.kind}});
  return out;
}

Result<StatusSnapshot> status_from_json(const json& in) try {
  if (!in.is_object()) return Error{ErrorCode::malformed, "a status is an object"};
  StatusSnapshot s;
  const auto item = [](const json& from, auto& to) { read(from, to); };
  get(in, "mission", s.mission);
  get(in, "objective", s.objective);
  get(in, "phase", s.phase);
  get(in, "iteration", s.iteration);
  list(in, "tasks", s.tasks, item);
  list(in, "agents", s.agents, item);
  if (auto todo = in.find("todo"); todo != in.end() && todo->is_object()) {
    get(*todo, "done", s.todo_done);
    get(*todo, "total", s.todo_total);
  }
  list(in, "questions", s.questions, item);
  get(in, "issues_open", s.issues_open);
  get(in, "input_tokens", s.input_tokens);
  get(in, "output_tokens", s.output_tokens);
  get(in, "cost_usd", s.cost_usd);
  get(in, "elapsed_ms", s.elapsed_ms);
  get(in, "limits_hit", s.limits_hit);
  if (auto slots = in.find("slots"); slots != in.end() && slots->is_object()) {
    get(*slots, "in_use", s.slots.in_use);
    get(*slots, "limit", s.slots.limit);
    get(*slots, "waiting", s.slots.waiting);
  }
  list(in, "lanes", s.lanes, item);
  list(in, "jobs", s.jobs, item);
  return s;
} catch (const std::exception& failure) {
  return Error{ErrorCode::malformed, failure.what(), "status"};
}

}  // namespace muster::ui
