#include "actors/jobs.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace muster {
namespace {

Error no_such_job(const std::string& id) {
  return {ErrorCode::not_found, "no such job, or it ended long ago", id};
}

Notice lost_receipt(const JobReceipt& receipt) {
  nlohmann::json body{{"job", receipt.job_id}, {"session", receipt.owner.session}};
  return {receipt.owner.mission, "jobs.receipt_dropped", body.dump()};
}

}  // namespace

jobs_actor spawn_jobs(caf::actor_system& system, std::shared_ptr<ProcessPort> port,
                      JobsConfig config) {
  return compat::spawn<Jobs, jobs_self>(system, std::move(port), std::move(config));
}

Jobs::Jobs(compat::Self<jobs_self> self, std::shared_ptr<ProcessPort> port, JobsConfig config)
    : self_(self),
      port_(std::move(port)),
      config_(std::move(config)),
      desk_(self, config_.receipts, [this](const JobReceipt& receipt) {
        if (config_.notify) config_.notify(lost_receipt(receipt));
      }) {}

// A job must not outlive the one who would tell its owner; its actor's end kills the process.
Jobs::~Jobs() {
  for (auto& [key, entry] : entries_) compat::kill(entry.actor);
}

compat::Behavior<jobs_self> Jobs::make_behavior() {
  compat::on_down(
      self_, [this](const caf::actor_addr& who, const compat::End& how) { on_down(who, how); });
  compat::on_stop(self_, [this](const compat::End& how) {
    if (how.kind != compat::End::Kind::normal) stop_all();
  });
  return {
      [this](start_atom, StartJob& wanted) { return start(wanted); },
      [this](kill_atom, const std::string& id) { return kill(id); },
      [this](kill_scope_atom, const JobFilter& filter) { return kill_scope(filter); },
      [this](tail_atom, const std::string& id, std::uint64_t bytes) { return tail(id, bytes); },
      [this](list_atom, const JobFilter& filter) { return list(filter); },
      [this](check_atom, const std::string& id) { return check(id); },
      [this](rebind_atom, const RebindJobs& wanted) { rebind(wanted); },
      [this](exited_atom, const JobReceiptPtr& receipt) { receipt_came(receipt); },
      [this](exited_atom, const std::string& id) { process_gone(id); },
  };
}

// ---- messages -----------------------------------------------------------------------------------

caf::result<JobStarted> Jobs::start(StartJob& wanted) {
  const auto& spec = wanted.spec;
  if (stopping_) return to_caf({ErrorCode::unavailable, "shutting down", spec.id});
  if (spec.id.empty() || spec.process.argv.empty())
    return to_caf({ErrorCode::invalid_argument, "a job needs an id and a command", spec.id});
  if (!free_name(spec)) return to_caf({ErrorCode::already_exists, "there is such a job", spec.id});
  // A child that is born during the stop dies too.
  auto being_killed = [&spec](const ScopeKill& kill) { return matches(kill.filter, spec); };
  if (!wanted.epoch.current() ||
      std::any_of(scope_kills_.begin(), scope_kills_.end(), being_killed))
    return to_caf({ErrorCode::cancelled, "its task or mission is being stopped", spec.id});
  bool queued = running_ >= config_.max_running;
  if (queued && queue_.size() >= config_.max_queued)
    return to_caf({ErrorCode::limit_reached, "too many jobs are waiting", spec.id});

  auto key = next_key_++;
  auto& entry = entries_[key];
  entry.spec = std::move(wanted.spec);
  entry.owner = std::move(wanted.owner);
  entry.epoch = std::move(wanted.epoch);
  by_id_[entry.spec.id] = key;
  JobStarted started{entry.spec.id, queued};
  if (queued)
    queue_.push_back(key);
  else
    launch(key);
  return started;
}

/// A name is used once in a mission. The next mission of this engine has the same ones: what is
/// done gives its own back.
bool Jobs::free_name(const JobSpec& wanted) {
  auto found = by_id_.find(wanted.id);
  if (found == by_id_.end()) return true;
  const auto key = found->second;
  const auto& known = entries_.at(key);
  if (known.state != JobState::done || known.spec.owner.mission == wanted.owner.mission)
    return false;
  std::erase(finished_, key);
  entries_.erase(key);
  by_id_.erase(found);
  return true;
}

caf::result<void> Jobs::kill(const std::string& id) {
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return to_caf(no_such_job(id));
  auto& entry = entries_.at(found->second);
  if (entry.state == JobState::done) return caf::unit;
  auto promise = compat::promise<void>(self_);
  entry.on_gone.push_back(promise);
  end(found->second);
  return promise;
}

caf::result<std::uint64_t> Jobs::kill_scope(const JobFilter& filter) {
  ScopeKill kill{filter, 0, {}, compat::promise<std::uint64_t>(self_)};
  for (const auto& [key, entry] : entries_)
    if (entry.state != JobState::done && matches(filter, entry.spec)) kill.waiting.insert(key);
  kill.count = kill.waiting.size();
  auto promise = kill.promise;
  if (kill.waiting.empty()) {
    promise.deliver(kill.count);
    return promise;
  }
  auto doomed = kill.waiting;
  scope_kills_.push_back(std::move(kill));
  for (auto key : doomed) end(key);
  return promise;
}

caf::result<JobTail> Jobs::tail(const std::string& id, std::uint64_t max_bytes) const {
  const auto* entry = find(id);
  if (entry == nullptr) return to_caf(no_such_job(id));
  if (!entry->done)
    return JobTail{entry->process->tail(max_bytes), entry->process->output_bytes(), false};
  const auto& output = entry->done->exit.output;
  auto from = output.size() > max_bytes ? output.size() - max_bytes : 0;
  return JobTail{output.substr(from), entry->done->exit.output_bytes, true};
}

JobList Jobs::list(const JobFilter& filter) const {
  JobList out;
  for (const auto& [key, entry] : entries_)
    if (matches(filter, entry.spec)) out.jobs.push_back(info(entry));
  return out;
}

caf::result<JobInfo> Jobs::check(const std::string& id) const {
  const auto* entry = find(id);
  if (entry == nullptr) return to_caf(no_such_job(id));
  return info(*entry);
}

void Jobs::rebind(const RebindJobs& wanted) {
  for (auto& [key, entry] : entries_) {
    const auto& tag = entry.spec.owner;
    if (tag.mission == wanted.tag.mission && tag.session == wanted.tag.session)
      entry.owner = wanted.owner;
  }
  desk_.rebind(wanted.tag, wanted.owner);
}

// ---- life of a job ------------------------------------------------------------------------------

void Jobs::launch(Key key) {
  auto& entry = entries_.at(key);
  entry.state = JobState::running;
  entry.started = compat::now(self_);
  ++running_;
  auto spec = entry.spec;
  // The environment may hold secrets and is not needed any more.
  entry.spec.process = {};
  entry.actor = compat::spawn<Job, job_actor>(self_->system(), std::move(spec), port_,
                                              entry.process, job_parent{jobs_self{self_}});
  by_actor_[entry.actor.id()] = key;
  compat::monitor(self_, entry.actor);
}

/// Who waited until its tree's epoch was over is not started.
void Jobs::launch_next() {
  std::vector<Key> late;
  while (!stopping_ && running_ < config_.max_running && !queue_.empty()) {
    auto key = queue_.front();
    queue_.pop_front();
    if (auto& entry = entries_.at(key); entry.epoch.current())
      launch(key);
    else
      late.push_back(key);
  }
  for (auto key : late) {
    const auto& id = entries_.at(key).spec.id;
    finish_without_run(key, {ErrorCode::cancelled, "its task or mission was stopped", id});
  }
}

void Jobs::end(Key key) {
  auto& entry = entries_.at(key);
  if (entry.state == JobState::queued) {
    std::erase(queue_, key);
    finish_without_run(key, {ErrorCode::cancelled, "ended before it started", entry.spec.id});
  } else if (entry.state == JobState::running) {
    entry.state = JobState::stopping;
    compat::send(self_, entry.actor, kill_atom_v);
  }
}

void Jobs::receipt_came(const JobReceiptPtr& receipt) {
  auto found = by_id_.find(receipt->job_id);
  if (found == by_id_.end()) return;
  auto key = found->second;
  auto& entry = entries_.at(key);
  if (entry.state == JobState::done || entry.crash) return;
  by_actor_.erase(entry.actor.id());
  compat::demonitor(self_, entry.actor);
  finish(key, receipt);
}

void Jobs::process_gone(const std::string& id) {
  auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  auto& entry = entries_.at(found->second);
  entry.process_gone = true;
  // Else its actor lives and will send the receipt.
  if (entry.crash && entry.state != JobState::done) finish_without_run(found->second, *entry.crash);
}

void Jobs::on_down(const caf::actor_addr& who, const compat::End& how) {
  auto found = by_actor_.find(who.id());
  if (found == by_actor_.end()) return desk_.down(who);
  auto key = found->second;
  by_actor_.erase(found);
  auto& entry = entries_.at(key);
  entry.crash =
      Error{ErrorCode::internal, "the job's actor ended: " + how.error.text(), entry.spec.id};
  entry.state = JobState::stopping;
  entry.process->kill();
  if (entry.process_gone) finish_without_run(key, *entry.crash);
}

void Jobs::finish_without_run(Key key, Error why) {
  const auto& entry = entries_.at(key);
  auto receipt = std::make_shared<JobReceipt>();
  receipt->job_id = entry.spec.id;
  receipt->owner = entry.spec.owner;
  receipt->kind = entry.spec.kind;
  receipt->command = entry.spec.command;
  receipt->exit.killed = true;
  receipt->failure = std::move(why);
  finish(key, receipt);
}

void Jobs::finish(Key key, const JobReceiptPtr& receipt) {
  auto& entry = entries_.at(key);
  if (entry.state != JobState::queued) --running_;
  entry.state = JobState::done;
  entry.actor = nullptr;
  entry.process.reset();
  auto owner = std::exchange(entry.owner, {});
  auto on_gone = std::exchange(entry.on_gone, {});
  remember(key, *receipt);
  if (owner) desk_.tell(receipt, owner);
  for (auto& promise : on_gone) promise.deliver();
  std::erase_if(scope_kills_, [key](ScopeKill& kill) {
    kill.waiting.erase(key);
    if (kill.waiting.empty()) kill.promise.deliver(kill.count);
    return kill.waiting.empty();
  });
  launch_next();
  if (stopping_ && running_ == 0) compat::quit_shutdown(self_);
}

void Jobs::remember(Key key, const JobReceipt& receipt) {
  auto& entry = entries_.at(key);
  auto kept = std::make_shared<JobReceipt>();
  kept->exit = receipt.exit;
  kept->failure = receipt.failure;
  auto& output = kept->exit.output;
  if (output.size() > config_.finished_tail)
    output = output.substr(output.size() - config_.finished_tail);
  entry.done = std::move(kept);
  finished_.push_back(key);
  while (finished_.size() > config_.max_finished) {
    auto oldest = entries_.find(finished_.front());
    finished_.pop_front();
    by_id_.erase(oldest->second.spec.id);
    entries_.erase(oldest);
  }
}

void Jobs::stop_all() {
  if (stopping_) return;
  stopping_ = true;
  std::vector<Key> alive;
  for (const auto& [key, entry] : entries_)
    if (entry.state != JobState::done) alive.push_back(key);
  // A queued one is done at once, and the last of those must not end this actor before the loop is
  // over.
  ++running_;
  for (auto key : alive) end(key);
  if (--running_ == 0) compat::quit_shutdown(self_);
}

// ---- looking ------------------------------------------------------------------------------------

bool Jobs::matches(const JobFilter& filter, const JobSpec& spec) {
  return (filter.mission.empty() || filter.mission == spec.owner.mission) &&
         (filter.task.empty() || filter.task == spec.owner.task) &&
         (filter.session.empty() || filter.session == spec.owner.session) &&
         (!filter.scope || *filter.scope == spec.scope);
}

JobInfo Jobs::info(const Entry& entry) const {
  JobInfo info{entry.spec.id,   entry.spec.owner,   entry.spec.scope,
               entry.spec.kind, entry.spec.command, entry.state};
  if (entry.done) {
    info.running_ms = entry.done->exit.duration_ms;
    info.output_bytes = entry.done->exit.output_bytes;
    info.failure = entry.done->failure;
    if (!info.failure && entry.done->exit.signal != 0) info.signal = entry.done->exit.signal;
    if (!info.failure && entry.done->exit.signal == 0) info.exit_code = entry.done->exit.exit_code;
  } else if (entry.state != JobState::queued) {
    auto ran = compat::now(self_) - entry.started;
    info.running_ms = std::chrono::duration_cast<std::chrono::milliseconds>(ran).count();
    info.output_bytes = entry.process->output_bytes();
  }
  return info;
}

const Jobs::Entry* Jobs::find(const std::string& id) const {
  auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &entries_.at(found->second);
}

}  // namespace muster
