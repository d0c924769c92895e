#include "tests/sim/ledger.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "actors/mission_sessions.hpp"
#include "runtime/core/gate.hpp"
#include "tests/support/rebuilt_state.hpp"

namespace muster::sim {
namespace {

using nlohmann::json;

constexpr std::size_t kept_lines = 60;
constexpr std::size_t line_bytes = 240;

std::string clock_text(Micros at) {
  char out[40];
  std::snprintf(out, sizeof out, "%9.3f s", static_cast<double>(at) / 1e6);
  return out;
}

Result<EventBody> event_of(const std::string& row, const std::string& body) {
  return event_from_json(json::parse(row.empty() ? body : row, nullptr, false));
}

}  // namespace

Ledger::Ledger(World& world, const Scenario& scenario, const Options& options, bool trace)
    : world_(world), scenario_(scenario), options_(options), trace_on_(trace) {
  for (const auto& mission : scenario.missions) books_[mission.start.mission];
}

void Ledger::say(const std::string& line) {
  auto text = clock_text(world_.now()) + "  " + line.substr(0, line_bytes);
  if (trace_on_) std::fprintf(stderr, "%s\n", text.c_str());
  lines_.push_back(std::move(text));
  if (lines_.size() > kept_lines) lines_.pop_front();
}

// ---- the journal

void Ledger::handed(const std::string& mission, const NewRecord& record) {
  auto& book = books_[mission];
  ++book.handed;
  ++tally.records;
  progress();
  trace_.add(static_cast<std::uint64_t>(world_.now()));
  trace_.add(mission).add(record.kind).add(record.key).add(record.row).add(record.body);
  if (record.kind != "event") return;
  say(mission + " " + (record.row.empty() ? record.body : record.row));
  auto event = event_of(record.row, record.body);
  if (!event) return world_.fail("journal", "an event that cannot be read: " + record.row);
  on_event(mission, book, *event);
}

void Ledger::on_event(const std::string& mission, MissionBook& book, const EventBody& event) {
  ++book.events;
  ++tally.events;
  const auto* intent = std::get_if<IntentIssued>(&event);
  if (intent) check_new(book, *intent);
  if (intent && is_session_step(intent->kind)) ++tally.sessions;
  if (intent && intent->kind == IntentKind::seal) book.seal_intent = book.handed;
  bool was_over = is_terminal(book.state.phase);
  muster::apply(book.state, event);
  if (intent && !book.state.open.contains(intent->id))
    world_.fail("intents", mission + ": an issued intent was refused by the state");
  if (std::holds_alternative<UserStopped>(event) && !was_over) book.stopped_at = world_.now();
  if (!was_over && is_terminal(book.state.phase)) {
    book.ended_at = book.handed;
    if (book.state.phase == Phase::sealed) check_seal(mission, book);
  }
  if (options_.agents < 100 || book.events % 32 == 0) check_tasks(mission, book.state);
}

void Ledger::durable(const std::string& mission, const StoredRecord& record) {
  auto& book = books_[mission];
  book.durable = record.seq;
  if (record.kind != "effect") return;
  auto row = json::parse(record.row.empty() ? record.body : record.row, nullptr, false);
  if (row.is_object() && row.value("class", "") == "N" && row.contains("command"))
    book.durable_commands.insert(row["command"].get<std::string>());
}

void Ledger::rebuild(const std::string& mission, const std::vector<StoredRecord>& records) {
  auto& book = books_[mission];
  if (records.size() < book.durable)
    world_.fail("lost record", "D1 " + mission + ": " + std::to_string(book.durable) +
                                   " records were acknowledged, " + std::to_string(records.size()) +
                                   " are left");
  book.state = State{};
  book.events = 0;
  book.handed = book.durable = records.size();
  book.ended_at.reset();
  book.stopped_at.reset();
  book.seal_intent = 0;
  for (const auto& record : records) {
    if (record.kind != "event") continue;
    auto event = event_of(record.row, record.body);
    if (!event) return world_.fail("journal", "an event that cannot be read back: " + record.row);
    ++book.events;
    bool was_over = is_terminal(book.state.phase);
    muster::apply(book.state, *event);
    if (std::holds_alternative<UserStopped>(*event) && !was_over) book.stopped_at = world_.now();
    if (!was_over && is_terminal(book.state.phase)) book.ended_at = record.seq;
    if (const auto* intent = std::get_if<IntentIssued>(&*event);
        intent && intent->kind == IntentKind::seal)
      book.seal_intent = record.seq;
  }
}

/// A stop that was lost with the disk may have been heard of all the same, after the loss.
void Ledger::reopened(const std::string& mission) {
  auto& book = books_[mission];
  if (!is_terminal(book.state.phase)) book.stopped_at.reset();
}

void Ledger::compare_rebuilt(const std::string& mission, State again) {
  if (!test::decide_alike(books_[mission].state, std::move(again)))
    world_.fail("rebuild", mission + ": a state that was read back decides otherwise");
}

// ---- the mission's own rules: as in the property tests of the machine

void Ledger::check_new(const MissionBook& book, const IntentIssued& intent) {
  const auto& state = book.state;
  for (const auto& [id, open] : state.open)
    if (open.task == intent.task && (!intent.task.empty() || open.kind == intent.kind))
      world_.fail("intents", state.mission + ": repeats the intent " +
                                 std::string(name_of(intent.kind)) + " of '" + intent.task +
                                 "' before its receipt");
  if (state.paused || is_terminal(state.phase))
    world_.fail("intents", state.mission + ": issues an intent while paused or after the end");
}

void Ledger::check_tasks(const std::string& mission, const State& state) {
  std::map<std::string_view, std::string_view> writer;
  std::size_t active = 0;
  std::size_t unfinished = 0;
  std::size_t landing = 0;
  for (const auto& task : state.tasks) {
    if (!is_terminal(task.stage)) ++unfinished;
    if (task.stage == Stage::merging || task.stage == Stage::merged ||
        task.stage == Stage::reverifying || task.stage == Stage::landing)
      ++landing;
    if (!is_active(task.stage)) continue;
    ++active;
    if (!state.leases.holds(task.spec.id) && !task.spec.files.empty())
      world_.fail("leases", mission + ": " + task.spec.id + " is at work without a lease");
    for (const auto& file : task.spec.files)
      if (auto [at, fresh] = writer.emplace(file, task.spec.id); !fresh)
        world_.fail("leases", mission + ": two writers of " + file);
  }
  if (active != state.active_tasks || unfinished != state.unfinished_tasks)
    world_.fail("counters", mission + ": the counters of tasks are wrong");
  if (active > static_cast<std::size_t>(state.limits.active_tasks))
    world_.fail("places", mission + ": more tasks at work than there are places");
  if (landing > 1) world_.fail("landing", mission + ": two landings at once");
}

/// Independent of the gate's own code: what "sealed" promises, and that the checks were really run.
void Ledger::check_seal(const std::string& mission, const MissionBook& book) {
  const auto& state = book.state;
  auto bad = [&](const std::string& what) { world_.fail("seal", mission + ": sealed " + what); };
  if (state.final_receipts.empty()) bad("without a receipt");
  for (const auto& [name, receipt] : state.final_receipts) {
    const auto& facts = receipt.facts();
    if (!receipt.fresh_for(state.tip_tree)) bad("on a stale receipt");
    bool was_red = state.baseline.contains(name) && !state.baseline.at(name).passed();
    if (!receipt.passed() && !was_red && !state.waived.contains(name)) bad("with a failing check");
    bool ran = facts.command.starts_with("builtin ") ||
               book.passed.contains(facts.command + " @ " + state.tip_tree);
    if (receipt.passed() && !ran) bad("on a receipt of a check that nobody ran: " + facts.command);
  }
  for (const auto& task : state.tasks)
    if (task.stage != Stage::done && task.stage != Stage::dropped) bad("with an unfinished task");
  for (const auto& issue : state.issues)
    if (issue.open) bad("with an open issue");
  if (!state.master_approved) bad("without the master review");
}

// ---- what was really done

void Ledger::nothing_after_the_end(const std::string& mission, const std::string& what) {
  const auto& book = books_[mission];
  if (book.told_end_at)
    world_.fail("after the end", "T9 " + mission + ": " + what + " after its end was told");
  if (book.stopped_at)
    world_.fail("after the stop", "T9 " + mission + ": " + what + " after the user's stop");
}

void Ledger::call_started(const std::string& mission, const std::string& lane,
                          const std::string& role, const std::string& session) {
  ++tally.model_calls;
  progress();
  nothing_after_the_end(mission, "a model call of " + session);
  auto& book = books_[mission];
  ++book.calls;
  tally.most_calls = std::max(tally.most_calls, static_cast<std::size_t>(book.calls));
  ++book.lane_calls[lane];
  ++book.provider_calls[lane.substr(0, lane.find('/'))];
  ++book.role_calls[role];
  if (++book.session_calls[session] > 1)
    world_.fail("one prompt", "T4 " + mission + "/" + session + " has two model calls at once");
  check_slots(mission, book);
}

void Ledger::call_ended(const std::string& mission, const std::string& lane,
                        const std::string& role, const std::string& session) {
  progress();
  auto& book = books_[mission];
  --book.calls;
  --book.lane_calls[lane];
  --book.provider_calls[lane.substr(0, lane.find('/'))];
  --book.role_calls[role];
  --book.session_calls[session];
}

void Ledger::check_slots(const std::string& mission, const MissionBook& book) {
  const auto& limits = scenario_.scheduler.limits;
  auto over = [&](const std::string& what, const SlotLimit& limit, std::int64_t used) {
    if (limit && used > *limit)
      world_.fail("slots", "S1 " + mission + ", " + what + ": " + std::to_string(used) +
                               " calls with " + std::to_string(*limit) + " slots");
  };
  over("in all", limits.global, book.calls);
  for (const auto& [lane, used] : book.lane_calls) over(lane, limits.default_lane, used);
  for (const auto& [name, used] : book.provider_calls) over(name, limits.default_provider, used);
  for (const auto& [role, limit] : limits.agents)
    if (auto used = book.role_calls.find(role); used != book.role_calls.end())
      over(role, limit, used->second);
}

void Ledger::process_started(const std::string& mission, const std::string& command) {
  ++tally.processes;
  progress();
  nothing_after_the_end(mission, "a command (" + command + ")");
  auto& book = books_[mission];
  if (++book.processes > scenario_.jobs.max_running)
    world_.fail("jobs", "J4 more processes than places: " + std::to_string(book.processes));
  auto effect = command.find("effect ");
  if (effect == std::string::npos) return;
  if (++effects_[command.substr(effect)] > 1)
    world_.fail("N effects", "D1 " + mission + ": started twice: " + command);
  if (!book.durable_commands.contains(command))
    world_.fail("N effects", "D1 " + mission + ": started before it was on disk: " + command);
}

void Ledger::process_ended(const std::string& mission) {
  --books_[mission].processes;
  progress();
}

void Ledger::written(const std::string& mission, const std::string& where) {
  ++tally.writes;
  progress();
  nothing_after_the_end(mission, "a write");
  trace_.add(where);
}

void Ledger::check_passed(const std::string& mission, const std::string& command,
                          const std::string& tree) {
  books_[mission].passed.insert(command + " @ " + tree);
}

void Ledger::applied(const std::string& mission, const std::string& tree) {
  const auto& book = books_[mission];
  if (book.seal_intent == 0 || book.durable < book.seal_intent)
    world_.fail("seal", mission + ": applied to the user's tree before the intent was on disk");
  if (tree != book.state.tip_tree)
    world_.fail("seal", mission + ": applied another tree than the one that was verified");
}

void Ledger::notice(const Notice& notice) {
  trace_.add(notice.mission).add(notice.type);
  if (notice.type != "tick" && notice.type != "agent") progress();
  if (notice.type == "tick" || notice.mission.empty()) return;
  auto& book = books_[notice.mission];
  // The journal hears of it later: what is between the two must not begin either.
  if (notice.type == "user_stopped" && !book.stopped_at) book.stopped_at = world_.now();
  if (notice.type != "mission_ended") return;
  say(notice.mission + " told: " + notice.json);
  book.told_end_at = world_.now();
  ++book.told_ends;
  if (!book.ended_at || book.durable < *book.ended_at)
    world_.fail("told too early", "D1 " + notice.mission +
                                      ": the end was told before it was on disk: " + notice.json);
}

void Ledger::fault(const std::string& name) {
  ++tally.faults[name];
  say("fault: " + name);
}

void Ledger::engine_gone(const std::string& mission) {
  auto& book = books_[mission];
  book.calls = 0;
  book.processes = 0;
  book.lane_calls.clear();
  book.provider_calls.clear();
  book.role_calls.clear();
  book.session_calls.clear();
}

bool Ledger::all_over() const {
  return std::all_of(books_.begin(), books_.end(), [](const auto& entry) {
    const auto& book = entry.second;
    return book.ended_at && book.durable >= *book.ended_at;
  });
}

}  // namespace muster::sim
