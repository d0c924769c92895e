#include <algorithm>
#include <random>

#include "actors/mission.hpp"
#include "actors/mission_sessions.hpp"
#include "runtime/core/backoff.hpp"
#include "runtime/core/saved_session.hpp"

// Sessions whose actor or whose engine died are built anew from the journal and go on in the middle
// of what they did: the intent stays open, nothing that was paid for is paid for again. After
// session_rebuilds crashes the step fails, with the last reason.

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto request_deadline = 30s;
constexpr BackoffPolicy rebuild_policy{.base_ms = 200, .min_ms = 10, .max_ms = 10'000};

Result<SessionRecords> load_session(Store& store, const std::string& mission,
                                    const std::string& session) {
  auto messages = store.load_keyed(mission, "session", session);
  if (!messages) return messages.error();
  auto effects = store.load_keyed(mission, "effect", session);
  if (!effects) return effects.error();
  SessionRecords out;
  for (auto& record : *messages)
    out.messages.push_back({std::move(record.row), std::move(record.body)});
  for (auto& record : *effects)
    out.effects.push_back(record.row.empty() ? std::move(record.body) : std::move(record.row));
  return out;
}

}  // namespace

bool is_session_step(IntentKind kind) {
  switch (kind) {
    case IntentKind::triage:
    case IntentKind::plan:
    case IntentKind::decompose:
    case IntentKind::work:
    case IntentKind::fix:
    case IntentKind::review:
    case IntentKind::master_review:
    case IntentKind::request_seal:
      return true;
    default:
      return false;
  }
}

const char* role_of(const State& state, IntentKind kind) {
  switch (kind) {
    case IntentKind::triage:
      return state.kind == MissionKind::search ? "searcher" : "commander";
    case IntentKind::request_seal:
      return "commander";
    case IntentKind::plan:
    case IntentKind::decompose:
      return "planner";
    case IntentKind::work:
      return "worker";
    case IntentKind::fix:
      return "fixer";
    case IntentKind::master_review:
      return "master_reviewer";
    default:
      return "reviewer";
  }
}

void Mission::session_lost(const std::string& session, const Error& error) {
  auto found = sessions_.find(session);
  if (found == sessions_.end() || found->second.told) return;  // it told its result
  auto intent = found->second.intent;
  found->second.tree.advance();
  forget_session(session);
  compat::post(deps_.session.jobs, kill_scope_atom_v, JobFilter{spec_.mission, {}, session, {}});
  if (!open_intent(intent)) return pump();
  record(SessionCrashed{intent, session, error});
  if (takes_no_saved_session(intent)) return step_failed(intent, error);
  if (may_rebuild(state_, intent)) return rebuild_later(intent);
  auto times = std::to_string(state_.crashes[intent]);
  step_failed(intent, {error.code, error.message + " (" + times + " times)", error.context});
}

/// In a shared tree what a dead session left half done cannot be told from a person's work: the
/// step is taken anew.
bool Mission::takes_no_saved_session(IntentId id) const {
  const auto* intent = open_intent(id);
  return intent && !intent->task.empty() && deps_.tree->shared();
}

/// Exponential, with full jitter; drawn from the mission's name, so that a run can be repeated.
void Mission::rebuild_later(IntentId intent) {
  auto seed = std::hash<std::string>{}(spec_.mission) + intent;
  std::minstd_rand random(static_cast<std::minstd_rand::result_type>(seed));
  std::uniform_real_distribution<double> unit(0, 1);
  Backoff backoff(rebuild_policy);
  std::int64_t wait = 0;
  for (int crash = 0; crash < state_.crashes[intent]; ++crash)
    wait = backoff.next(compat::now_ms(self_), unit(random));
  rebuilds_[intent] = compat::run_delayed(self_, std::chrono::milliseconds(wait),
                                          [this, intent] { rebuild(intent); });
}

/// What its actor appended must be readable before it is read.
void Mission::rebuild(IntentId id) {
  rebuilds_.erase(id);
  const auto* intent = open_intent(id);
  if (!intent) return;
  if (held_back(*intent)) return step_failed(id, {ErrorCode::cancelled, "stopped before it began"});
  auto read = [this, intent = *intent] {
    if (open_intent(intent.id)) read_session(intent);
  };
  compat::request(
      self_, deps_.session.journal, request_deadline, read,
      [this, id](const Error& error) { step_failed(id, error); }, flush_atom_v, spec_.mission);
}

void Mission::read_session(const IntentIssued& intent) {
  struct Found {
    SavedSession session;
    std::string root;
  };
  auto key = intent.task.empty() ? std::string(integrated) : intent.task;
  blocking(
      intent.id,
      [store = deps_.store, tree = deps_.tree, key, mission = spec_.mission,
       name = session_name(intent)]() -> Result<Found> {
        auto records = load_session(*store, mission, name);
        if (!records) return records.error();
        auto session = restore_session(*records);
        if (!session) return session.error();
        auto snapshot = tree->existing(key);
        if (!snapshot) return snapshot.error();
        return Found{std::move(*session), snapshot->path};
      },
      [this, intent](Found found) {
        // Its first words were not on disk yet: it has not begun.
        if (found.session.messages.size() < 2) return execute(intent);
        start_session(intent, role_of(state_, intent.kind), found.root, {},
                      std::make_shared<const SavedSession>(std::move(found.session)));
      });
}

/// What was said to it before it was built anew; what it knows already it does not take twice.
void Mission::repeat_prompts(const IntentIssued& intent, const session_actor& session) {
  for (const auto& told : state_.told)
    if (told.before > intent.id && (told.task.empty() || told.task == intent.task))
      compat::send(self_, session, tell_atom_v, Prompt{told_id(told.number), told.text});
}

/// After a restart of the engine or of this actor.
void Mission::take_up_steps() {
  auto open = state_.open;
  for (const auto& [id, intent] : open) {
    if (is_session_step(intent.kind) && !takes_no_saved_session(id))
      rebuild(id);
    else
      record(StepFailed{id, {ErrorCode::cancelled, "the engine was restarted"}});
  }
}

}  // namespace muster
