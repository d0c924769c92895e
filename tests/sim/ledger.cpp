#include "tests/sim/ledger.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "runtime/core/gate.hpp"

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
  for (const auto& mission : scenario.missions) {
    auto random = stream(options.seed, {"compare", mission.start.mission});
    books_[mission.start.mission].compare_at =
        random.below(static_cast<std::uint64_t>(mission.tasks) * 20 + 10);
  }
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

void Ledger::compare_rebuilt(const std::string& mission, const std::vector<StoredRecord>& records) {
  auto live = books_[mission].state;
  State again;
  for (const auto& record : records) {
    if (record.kind != "event") continue;
    if (auto event = event_of(record.row, record.body)) muster::apply(again, *event);
  }
  mark_all(again);
  mark_all(live);
  auto next = decide(live);
  auto rebuilt = decide(again);
  bool same = next.size() == rebuilt.size();
  for (std::size_t i = 0; same && i < next.size(); ++i)
    same = next[i].id == rebuilt[i].id && next[i].kind == rebuilt[i].kind &&
           next[i].task == rebuilt[i].task;
  if (!same || again.phase != live.phase || again.leases != live.leases ||
      again.open.size() != live.open.size())
    world_.fail("rebuild", mission + ": a rebuilt state decides otherwise");
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
  if (book.stopped_at && world_.now() > *book.stopped_at && what != "a write")
    world_.fail("after the stop", "T9 " + mission + ": " + what + " after the user's stop");
}

void Ledger::call_started(const std::string& mission, const std::string& lane,
                          const std::string& role, const std::string& who) {
  ++tally.model_calls;
  progress();
  nothing_after_the_end(mission, "a model call of " + who);
  tally.most_calls = std::max(tally.most_calls, ++calls_);
  count(lane_calls_, lane, 1);
  count(provider_calls_, lane.substr(0, lane.find('/')), 1);
  count(role_calls_, role, 1);
  if (++session_calls_[who] > 1)
    world_.fail("one prompt", "T4 " + who + " has two model calls at once");
  check_slots();
}

void Ledger::call_ended(const std::string& lane, const std::string& role, const std::string& who) {
  --calls_;
  progress();
  count(lane_calls_, lane, -1);
  count(provider_calls_, lane.substr(0, lane.find('/')), -1);
  count(role_calls_, role, -1);
  --session_calls_[who];
}

void Ledger::check_slots() {
  const auto& limits = scenario_.scheduler.limits;
  auto over = [this](const std::string& what, const SlotLimit& limit, std::int64_t used) {
    if (limit && used > *limit)
      world_.fail("slots", "S1 " + what + ": " + std::to_string(used) + " calls with " +
                               std::to_string(*limit) + " slots");
  };
  over("global", limits.global, static_cast<std::int64_t>(calls_));
  for (const auto& [lane, used] : lane_calls_) over(lane, limits.default_lane, used);
  for (const auto& [name, used] : provider_calls_) over(name, limits.default_provider, used);
  for (const auto& [role, limit] : limits.agents)
    if (auto used = role_calls_.find(role); used != role_calls_.end())
      over(role, limit, used->second);
}

void Ledger::process_started(const std::string& mission, const std::string& command) {
  ++tally.processes;
  ++processes_;
  progress();
  nothing_after_the_end(mission, "a command (" + command + ")");
  if (processes_ > scenario_.jobs.max_running)
    world_.fail("jobs", "J4 more processes than places: " + std::to_string(processes_));
  if (!command.starts_with("effect ")) return;
  if (++effects_[command] > 1)
    world_.fail("N effects", "D1 " + mission + ": started twice: " + command);
  if (!books_[mission].durable_commands.contains(command))
    world_.fail("N effects", "D1 " + mission + ": started before it was on disk: " + command);
}

void Ledger::process_ended() {
  --processes_;
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
  books_[mission].passed[command + " @ " + tree] = tree;
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

void Ledger::engine_gone() {
  calls_ = processes_ = 0;
  lane_calls_.clear();
  provider_calls_.clear();
  role_calls_.clear();
  session_calls_.clear();
}

bool Ledger::all_over() const {
  return std::all_of(books_.begin(), books_.end(), [](const auto& entry) {
    const auto& book = entry.second;
    return book.ended_at && book.durable >= *book.ended_at;
  });
}

}  // namespace muster::sim
