#include <algorithm>
#include <set>

#include "actors/mission.hpp"
#include "actors/mission_sessions.hpp"
#include "runtime/core/text.hpp"

// How each intent is carried out. Every path ends in exactly one receipt event (or StepFailed) that
// names the intent.

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto request_deadline = 30s;
constexpr std::size_t patch_bytes = 40000;
constexpr std::int64_t map_tokens = 2000;
}  // namespace

/// No session and no verification is born while the mission is being stopped, nor for a task that
/// has ended.
bool Mission::held_back(const IntentIssued& intent) const {
  const auto* task = state_.task(intent.task);
  return state_.paused || ended_ || is_terminal(state_.phase) || (task && is_terminal(task->stage));
}

void Mission::step_failed(IntentId intent, const Error& error) {
  record(StepFailed{intent, error});
  pump();
}

void Mission::execute(const IntentIssued& intent) {
  switch (intent.kind) {
    case IntentKind::discover:
      return discover(intent);
    case IntentKind::baseline:
      return baseline(intent);
    case IntentKind::prepare:
      return prepare(intent);
    case IntentKind::rebase:
      return rebase(intent);
    case IntentKind::verify:
    case IntentKind::reverify:
      return verify_task(intent);
    case IntentKind::merge:
      return merge(intent);
    case IntentKind::land:
      return land(intent);
    case IntentKind::final_verify:
      return verify_final(intent);
    case IntentKind::seal:
      return seal(intent);
    case IntentKind::work:
    case IntentKind::fix:
    case IntentKind::review:
    case IntentKind::decompose:
      return brief_task_session(intent, role_of(state_, intent.kind));
    default:
      return brief_mission_session(intent, role_of(state_, intent.kind));
  }
}

// ---- The workspace
// ----------------------------------------------------------------------------------------------------------------

void Mission::discover(const IntentIssued& intent) {
  struct Found {
    ContextDiscovered event;
    ProjectFacts facts;
  };
  blocking(
      intent.id,
      [tree = deps_.tree, survey = deps_.survey, id = intent.id]() -> Result<Found> {
        Found found;
        found.event.intent = id;
        auto base = tree->open();
        if (!base) return base.error();
        auto snapshot = tree->checkout(integrated, *base);
        if (!snapshot) return snapshot.error();
        auto hash = tree->tree_hash(integrated);
        if (!hash) return hash.error();
        auto dirty = tree->dirty_files();
        if (!dirty) return dirty.error();
        found.facts = survey(snapshot->path);
        found.event.base = *base;
        found.event.tree = *hash;
        found.event.dirty = *dirty;
        found.event.stack = found.facts.stack;
        found.event.commands = found.facts.commands;
        return found;
      },
      [this](Found found) {
        facts_ = std::move(found.facts);
        record(found.event);
        if (deps_.project)
          deps_.session.blocking->run([project = deps_.project, text = facts_.context] {
            (void)project("context.md", text, text);
          });
        pump();
      });
}

std::vector<Check> Mission::project_checks() const {
  std::vector<Check> checks;
  for (const char* kind : {"build", "lint", "test"})
    for (const auto& command : state_.commands)
      if (command.kind == kind) checks.push_back({command.check, command.command, command.cwd, {}});
  return checks;
}

void Mission::baseline(const IntentIssued& intent) {
  VerifySpec spec;
  spec.intent = intent.id;
  spec.key = integrated;
  spec.commit = state_.base;
  spec.checks = project_checks();
  start_verifier(std::move(spec));
}

void Mission::prepare(const IntentIssued& intent) {
  blocking(
      intent.id, [tree = deps_.tree, task = intent.task] { return tree->checkout(task, ""); },
      [this, id = intent.id](const Snapshot& snapshot) {
        record(SnapshotReady{id, snapshot.base, {}});
        pump();
      });
}

void Mission::rebase(const IntentIssued& intent) {
  blocking(
      intent.id,
      [tree = deps_.tree, task = intent.task] { return tree->rebase_with_markers(task); },
      [this, id = intent.id](const std::vector<std::string>& conflicts) {
        record(SnapshotReady{id, state_.tip, conflicts});
        pump();
      });
}

// ---- Verification
// -----------------------------------------------------------------------------------------------------------------

std::vector<Check> Mission::task_checks(const TaskState& task) const {
  std::vector<Check> checks;
  int number = 0;
  for (const auto& verification : task.spec.verification)
    checks.push_back(
        {task.spec.id + "#" + std::to_string(++number), verification.command, {}, verification});
  return checks;
}

void Mission::start_verifier(VerifySpec spec) {
  const auto* found = open_intent(spec.intent);
  if (!found || held_back(*found))
    return step_failed(spec.intent, {ErrorCode::cancelled, "stopped before it began"});
  spec.id = "V" + std::to_string(spec.intent);
  spec.mission = spec_.mission;
  spec.deadline = spec_.verification;
  auto intent = spec.intent;
  publish("verifying", "{\"intent\":" + std::to_string(intent) + "}");
  VerifyDeps deps;
  deps.jobs = deps_.session.jobs;
  deps.tree = deps_.tree;
  deps.blocking = deps_.session.blocking;
  deps.open_files = deps_.session.open_files;
  deps.open_code = deps_.session.open_code;
  deps.guard = deps_.session.guard;
  deps.builtin_check = deps_.builtin_check;
  deps.syntax = deps_.syntax;
  deps.languages = deps_.session.languages;
  deps.wall_ms = deps_.session.wall_ms;
  deps.hidden_env = deps_.session.hidden_env;
  spec.epoch = tree_of(spec.task).ticket();
  auto& checking = verifiers_[intent];
  checking.epoch = spec.epoch;
  checking.verifier = compat::spawn<Verifier, verifier_actor>(self_->system(), std::move(spec),
                                                              std::move(deps), handle());
  compat::monitor(self_, checking.verifier);
}

void Mission::verify_task(const IntentIssued& intent) {
  const auto& task = *state_.task(intent.task);
  VerifySpec spec;
  spec.intent = intent.id;
  spec.task = intent.task;
  spec.checks = task_checks(task);
  spec.base = task.base;
  spec.key = intent.task;
  if (intent.kind == IntentKind::reverify) {
    spec.key = intent.task + "-merge";
    spec.commit = task.merge.commit;
    return start_verifier(std::move(spec));
  }
  spec.guards_tests = true;
  spec.diagnostics = spec_.diagnostics;
  spec.planned = task.spec.files;
  // A check that was red at the base is the failing test already.
  bool red_at_base = std::any_of(
      task.spec.verification.begin(), task.spec.verification.end(),
      [this](const Verification& check) {
        return std::any_of(state_.baseline.begin(), state_.baseline.end(), [&](const auto& entry) {
          return !entry.second.passed() && entry.second.facts().command == check.command;
        });
      });
  spec.runs_again = !red_at_base;
  spec.stops_at_failure = !red_at_base;
  for (const auto& command : state_.commands) {
    const auto before = state_.baseline.find(command.check);
    if (command.kind == "test" && before != state_.baseline.end() && before->second.passed())
      spec.tests.push_back(command);
  }
  spec.wants_new_test = spec_.new_test_rule && !red_at_base &&
                        task.spec.test_exempt_reason.empty() && task.test_exempt_reason.empty();
  start_verifier(std::move(spec));
}

/// The whole: the project's own checks, and everything that the tasks were verified by, once each,
/// on the integrated tree.
void Mission::verify_final(const IntentIssued& intent) {
  VerifySpec spec;
  spec.intent = intent.id;
  spec.key = integrated;
  spec.commit = state_.tip;
  spec.checks = project_checks();
  std::set<std::string> seen;
  for (const auto& check : spec.checks)
    if (check.cwd.empty()) seen.insert(check.command);
  for (const auto& task : state_.tasks) {
    if (task.stage != Stage::done || task.accepted) continue;  // the user's word stands for it
    for (auto& check : task_checks(task)) {
      auto key = check.command.empty()
                     ? check.builtin.check + " " + check.builtin.path + " " + check.builtin.pattern
                     : check.command;
      if (seen.insert(key).second) spec.checks.push_back(std::move(check));
    }
  }
  // Jobs that were started for the mission's time end before its last verification.
  auto go = [this, spec = std::move(spec)]() mutable {
    if (open_intent(spec.intent)) start_verifier(std::move(spec));
  };
  compat::request(
      self_, deps_.session.jobs, request_deadline, [go](std::uint64_t) mutable { go(); },
      [this, id = intent.id](const Error& error) { step_failed(id, error); }, kill_scope_atom_v,
      JobFilter{spec_.mission, {}, {}, JobScope::mission});
}

// ---- Landing
// ----------------------------------------------------------------------------------------------------------------------

CommitInfo Mission::commit_info(const TaskState& task) const {
  CommitInfo info;
  info.subject = one_line(task.spec.id + ": " + task.spec.title, 100);
  info.body = task.summary;
  info.trailers = {{"Muster-Mission", spec_.mission},
                   {"Muster-Task", task.spec.id},
                   {"Muster-Attempt", std::to_string(task.attempt)}};
  return info;
}

/// What the task's agents left running ends first: nothing may write to the tree that is about to
/// be committed.
void Mission::merge(const IntentIssued& intent) {
  auto go = [this, intent] {
    if (open_intent(intent.id)) merge_now(intent);
  };
  compat::request(
      self_, deps_.session.jobs, request_deadline, [go](std::uint64_t) { go(); },
      [this, id = intent.id](const Error& error) { step_failed(id, error); }, kill_scope_atom_v,
      JobFilter{spec_.mission, intent.task, {}, JobScope::task});
}

void Mission::merge_now(const IntentIssued& intent) {
  const auto& task = *state_.task(intent.task);
  // After a reverification the evidence is of the merged tree, not of the task's own.
  auto verified = task.tree == task.merge.tree ? std::string() : task.tree;
  blocking(
      intent.id,
      [tree = deps_.tree, task = intent.task, info = commit_info(task), id = intent.id,
       verified]() -> Result<Merged> {
        // What a reviewer's checks left behind is not part of the work, and what changed since the
        // verification has no evidence.
        auto hash = tree->tracked_hash(task);
        if (!hash) return hash.error();
        if (!verified.empty() && *hash != verified)
          return Error{ErrorCode::conflict, "the tree changed after its verification", task};
        if (auto cleaned = tree->clean_untracked(task); !cleaned) return cleaned.error();
        auto tip = tree->tip();
        if (!tip) return tip.error();
        auto commit = tree->commit(task, info);
        if (!commit) return commit.error();
        auto merged = tree->merge(*commit, info);
        if (!merged) return merged.error();
        return Merged{id,   merged->commit,     merged->tree,
                      *tip, merged->base_moved, merged->conflicts};
      },
      [this](const Merged& merged) {
        record(merged);
        pump();
      });
}

/// The branch never gets ahead of the journal by more than the landing that the journal knows to be
/// under way: a crash between the two is mended by landing again.
void Mission::land(const IntentIssued& intent) {
  compat::request(
      self_, deps_.session.journal, request_deadline,
      [this, id = intent.id] {
        if (const auto* open = open_intent(id)) land_now(*open);
      },
      [this, id = intent.id](const Error& error) { step_failed(id, error); }, flush_atom_v,
      spec_.mission);
}

void Mission::land_now(const IntentIssued& intent) {
  blocking(
      intent.id,
      [tree = deps_.tree, merged = state_.task(intent.task)->merge, task = intent.task,
       id = intent.id]() -> Result<std::pair<Landed, std::vector<std::string>>> {
        if (auto moved = tree->advance(merged.tip, merged.commit); !moved) return moved.error();
        // What is left of its trees goes back to the pool; failing to is no reason to take the
        // landing back.
        std::vector<std::string> folders;
        for (const auto& key : {task, task + "-merge"}) {
          if (auto known = tree->existing(key)) folders.push_back(known->path);
          (void)tree->release(key);
        }
        return std::pair(Landed{id, merged.commit, merged.tree}, folders);
      },
      [this](const std::pair<Landed, std::vector<std::string>>& done) {
        for (const auto& folder : done.second) end_language_servers(folder);
        record(done.first);
        pump();
      });
}

/// Those of a tree that is given back; of all trees when `folder` is empty.
void Mission::end_language_servers(const std::string& folder) {
  if (deps_.session.languages)
    compat::send(self_, deps_.session.languages.desk(), release_atom_v, folder);
}

void Mission::seal(const IntentIssued& intent) {
  auto fail = [this, id = intent.id](const Error& error) { step_failed(id, error); };
  compat::request(
      self_, deps_.session.journal, request_deadline,
      [this, id = intent.id] {
        blocking(
            id, [tree = deps_.tree] { return tree->apply(); },
            [this, id](const ApplyOutcome& applied) {
              bool in_tree = applied.kind == ApplyOutcome::Kind::applied ||
                             applied.kind == ApplyOutcome::Kind::merged;
              record(Sealed{id, applied.commit, applied.branch, in_tree, applied.note});
              pump();
            });
      },
      fail, flush_atom_v, spec_.mission);
}

/// Whether a submission changed anything is read off the tree, not off the agent's words.
void Mission::measure_work(const IntentIssued& intent, WorkSubmitted work) {
  blocking(
      intent.id,
      // As long as the reviewer will be shown it: the tree need not be compared again for that.
      [tree = deps_.tree, task = intent.task] { return tree->diff(task, patch_bytes); },
      [this, work](const Diff& diff) mutable {
        work.changed = !diff.files.empty();
        record(work);
        pump();
      });
}

// ---- Sessions
// ---------------------------------------------------------------------------------------------------------------------

void Mission::brief_task_session(const IntentIssued& intent, const char* role) {
  struct Place {
    std::string root;
    std::string diff;
  };
  blocking(
      intent.id,
      [tree = deps_.tree, task = intent.task,
       writes = intent.kind == IntentKind::work || intent.kind == IntentKind::fix,
       wants_diff = intent.kind != IntentKind::work]() -> Result<Place> {
        auto snapshot = writes ? tree->workplace(task) : tree->existing(task);
        if (!snapshot) return snapshot.error();
        if (!wants_diff) return Place{snapshot->path, {}};
        auto diff = tree->diff(task, patch_bytes);
        if (!diff) return diff.error();
        return Place{snapshot->path, diff->patch};
      },
      [this, intent, role = std::string(role)](const Place& place) {
        const auto& task = *state_.task(intent.task);
        BriefingExtras extras{facts_.rules, facts_.listing, place.diff, {}};
        auto text = intent.kind == IntentKind::review      ? brief_review(state_, task, extras)
                    : intent.kind == IntentKind::fix       ? brief_fix(state_, task, extras)
                    : intent.kind == IntentKind::decompose ? brief_decompose(state_, task, extras)
                                                           : brief_work(state_, task, extras);
        start_session(intent, role, place.root, text);
        if (intent.kind == IntentKind::review) commit_early(task);
      });
}

/// While the reviewer reads: landing, which is one task after the other, finds the commit made. A
/// help, no step: when it fails, the landing says why.
void Mission::commit_early(const TaskState& task) {
  deps_.session.blocking->run([tree = deps_.tree, id = task.spec.id, info = commit_info(task)] {
    (void)tree->commit(id, info);
  });
}

/// A map of a tree's code for this objective; empty where there is none: it is a help, no need. For
/// the pool.
std::function<std::string(const std::string& root)> Mission::map_of_code() const {
  return [open_files = deps_.session.open_files, open_code = deps_.session.open_code,
          objective = state_.objective](const std::string& root) -> std::string {
    if (!open_code) return {};
    auto files = open_files(root);
    if (!files) return {};
    auto code = open_code(root, *files);
    if (!code) return {};
    auto index = (*code)->index();
    if (!index) return {};
    auto map = (*index)->map({map_tokens, objective, {}});
    return map ? *map : std::string();
  };
}

void Mission::brief_mission_session(const IntentIssued& intent, const char* role) {
  struct Place {
    std::string root;
    std::string diff;
    std::string map;
  };
  const auto kind = intent.kind;
  blocking(
      intent.id,
      [tree = deps_.tree, kind, map = map_of_code()]() -> Result<Place> {
        auto snapshot = tree->existing(integrated);
        if (!snapshot) snapshot = tree->checkout(integrated, "");
        if (!snapshot) return snapshot.error();
        if (kind == IntentKind::plan) return Place{snapshot->path, {}, map(snapshot->path)};
        if (kind != IntentKind::master_review) return Place{snapshot->path, {}, {}};
        auto diff = tree->mission_diff(patch_bytes);
        if (!diff) return diff.error();
        return Place{snapshot->path, diff->patch, {}};
      },
      [this, intent, role = std::string(role)](const Place& place) {
        BriefingExtras extras{facts_.rules, facts_.listing, place.diff, place.map};
        auto text = intent.kind == IntentKind::plan            ? brief_plan(state_, extras)
                    : intent.kind == IntentKind::master_review ? brief_master_review(state_, extras)
                    : intent.kind == IntentKind::request_seal  ? brief_seal(state_)
                    : state_.kind == MissionKind::search       ? brief_search(state_, extras)
                                                               : brief_triage(state_, extras);
        start_session(intent, role, place.root, text);
      });
}

void Mission::start_session(const IntentIssued& intent, const std::string& role,
                            const std::string& root, const std::string& briefing,
                            std::shared_ptr<const SavedSession> saved) {
  if (held_back(intent))
    return step_failed(intent.id, {ErrorCode::cancelled, "stopped before it began"});
  auto profile = deps_.roster.find(role);
  if (profile == deps_.roster.end())
    return step_failed(intent.id, {ErrorCode::invalid_request,
                                   "the team has no role '" + role + "'", state_.team});
  if (profile->second->models.empty())
    return step_failed(intent.id, {ErrorCode::invalid_request,
                                   "no model is configured for the role '" + role + "'"});
  SessionSpec spec;
  spec.session = session_name(intent);
  spec.mission = spec_.mission;
  spec.intent = intent.id;
  spec.task = intent.task;
  spec.root = root;
  spec.profile = profile->second;
  spec.limits = spec_.session;
  spec.shared_tree = profile->second->writes && !intent.task.empty() && deps_.tree->shared();
  spec.saved = std::move(saved);
  Running running;
  running.tree = TreeEpoch::within(tree_of(intent.task));
  spec.epoch = running.tree.ticket();
  spec.briefing = briefing_header(role, intent.task, std::max(intent.attempt, 1), spec.session) +
                  brief_commands_before(effects_.left_by_failed(intent.kind, intent.task)) +
                  briefing;
  if (auto held = state_.leases.held().find(intent.task); held != state_.leases.held().end())
    spec.leases.insert(held->second.begin(), held->second.end());
  running.intent = intent.id;
  running.task = intent.task;
  running.shared_tree = spec.shared_tree;
  running.view.session = spec.session;
  running.view.role = role;
  running.view.task = intent.task;
  auto name = spec.session;
  running.session = compat::spawn<Session, session_actor>(self_->system(), std::move(spec),
                                                          deps_.session, handle());
  compat::monitor(self_, running.session);
  repeat_prompts(intent, running.session);
  sessions_[name] = std::move(running);
  expect_after(intent);
}

/// The conversation that comes next when all goes well.
void Mission::expect_after(const IntentIssued& intent) const {
  const bool works = intent.kind == IntentKind::work || intent.kind == IntentKind::fix;
  IntentKind next = IntentKind::request_seal;
  if (works)
    next = IntentKind::review;
  else if (intent.kind == IntentKind::review)
    next = IntentKind::master_review;
  else if (intent.kind != IntentKind::master_review || state_.seal_requested)
    return;
  const std::string role = role_of(state_, next);
  auto profile = deps_.roster.find(role);
  if (profile == deps_.roster.end() || profile->second->models.empty()) return;
  deps_.session.model->expect(profile->second->models.front().endpoint,
                              {{},
                               spec_.mission,
                               profile->second->agent,
                               conversation_title(role, works ? intent.task : "")});
}

}  // namespace muster
