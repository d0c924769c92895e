#include "actors/journal.hpp"

#include <algorithm>
#include <utility>

namespace muster {
namespace {

std::size_t bytes_of(const JournalBatch& batch) {
  std::size_t bytes = 0;
  for (const auto& record : batch.records)
    bytes += record.row.size() + record.body.size() + record.kind.size() + record.key.size() + 64;
  return bytes;
}

}  // namespace

journal_actor spawn_journal(caf::actor_system& system, std::shared_ptr<Store> store,
                            std::shared_ptr<Blocking> blocking, JournalConfig config) {
  return compat::spawn<Journal, journal_self>(system, std::move(store), std::move(blocking),
                                              std::move(config));
}

// ---- what earlier incarnations left behind
// -------------------------------------------------------

std::uint64_t JournalBacklog::begin() {
  std::lock_guard lock(mutex_);
  return ++last_;
}

void JournalBacklog::handed(std::uint64_t incarnation) {
  std::lock_guard lock(mutex_);
  ++under_way_[incarnation];
}

bool JournalBacklog::done_before(std::uint64_t incarnation) const {
  return under_way_.empty() || under_way_.begin()->first >= incarnation;
}

void JournalBacklog::answered(std::uint64_t incarnation) {
  std::vector<std::function<void()>> ready;
  {
    std::lock_guard lock(mutex_);
    if (--under_way_[incarnation] == 0) under_way_.erase(incarnation);
    while (!waiting_.empty() && done_before(waiting_.begin()->first)) {
      ready.push_back(std::move(waiting_.begin()->second));
      waiting_.erase(waiting_.begin());
    }
  }
  for (auto& then : ready) then();
}

void JournalBacklog::when_earlier_done(std::uint64_t incarnation, std::function<void()> then) {
  {
    std::lock_guard lock(mutex_);
    if (!done_before(incarnation)) {
      waiting_[incarnation] = std::move(then);
      return;
    }
  }
  then();
}

// ---- the actor ----------------------------------------------------------------------------------

Journal::Journal(compat::Self<journal_self> self, std::shared_ptr<Store> store,
                 std::shared_ptr<Blocking> blocking, JournalConfig config)
    : self_(self),
      store_(std::move(store)),
      blocking_(std::move(blocking)),
      config_(std::move(config)) {
  if (!config_.backlog) config_.backlog = std::make_shared<JournalBacklog>();
  incarnation_ = config_.backlog->begin();
}

compat::Behavior<journal_self> Journal::make_behavior() {
  config_.backlog->when_earlier_done(incarnation_, [me = caf::weak_actor_ptr{self_->ctrl()}] {
    compat::post(caf::actor_cast<journal_self>(me), durable_atom_v, DurableNote{});
  });
  compat::on_stop(self_, [this](const compat::End& how) {
    if (how.kind == compat::End::Kind::normal) return;
    hand_on_all_gathered();
    stopping_ = true;
    end_if_done();
  });
  return {
      [this](append_atom, JournalBatch& batch) { return append(batch); },
      [this](append_lazy_atom, JournalBatch& batch) { append_lazy(batch); },
      [this](flush_atom, const std::string& mission) { return flush(mission); },
      [this](subscribe_atom, const JournalSubscription& wanted) { return subscribe(wanted); },
      [this](unsubscribe_atom, const JournalSubscription& ended) { unsubscribe(ended); },
      [this](reopen_atom, const std::string& mission) { return reopen(mission); },
      [this](status_atom) { return status(); },
      [this](durable_atom, const DurableNote& note) { durable(note); },
  };
}

caf::result<std::uint64_t> Journal::append(JournalBatch& batch) {
  auto bytes = bytes_of(batch);
  if (auto error = check(batch, bytes, config_.max_outstanding_bytes)) return to_caf(*error);
  hand_on_gathered(batch.mission);  // it came before
  auto promise = compat::promise<std::uint64_t>(self_);
  auto ticket = take_in(batch.mission, bytes, promise);
  hand_on(ticket, std::move(batch.mission), std::move(batch.records));
  return promise;
}

void Journal::append_lazy(JournalBatch& batch) {
  auto bytes = bytes_of(batch);
  auto error = check(batch, bytes, 2 * config_.max_outstanding_bytes);
  if (!error) return gather(batch, bytes);
  // The sender goes on as if this was written: from here on the journal would lie.
  mission_failed(batch.mission, *error);
}

void Journal::gather(JournalBatch& batch, std::size_t bytes) {
  auto& group = gathering_[batch.mission];
  if (group.records.empty()) group.ticket = take_in(batch.mission, 0, std::nullopt);
  auto& whole = batches_.at(group.ticket);
  whole.bytes += bytes;
  outstanding_bytes_ += bytes;
  for (auto& record : batch.records) group.records.push_back(std::move(record));
  if (config_.linger.count() == 0 || whole.bytes >= config_.linger_bytes)
    return hand_on_gathered(batch.mission);
  if (!linger_.armed())
    linger_ = compat::run_delayed(self_, config_.linger, [this] { hand_on_all_gathered(); });
}

void Journal::hand_on_gathered(const std::string& mission) {
  auto found = gathering_.find(mission);
  if (found == gathering_.end()) return;
  auto group = std::move(found->second);
  gathering_.erase(found);
  hand_on(group.ticket, mission, std::move(group.records));
}

void Journal::hand_on_all_gathered() {
  linger_.cancel();
  while (!gathering_.empty()) hand_on_gathered(std::string(gathering_.begin()->first));
}

std::optional<Error> Journal::check(const JournalBatch& batch, std::size_t bytes,
                                    std::size_t bound) const {
  if (stopping_) return Error{ErrorCode::unavailable, "the journal is closing", batch.mission};
  if (batch.mission.empty() || batch.records.empty())
    return Error{ErrorCode::invalid_argument, "an empty batch", batch.mission};
  auto mission = missions_.find(batch.mission);
  if (mission != missions_.end() && mission->second.failure) return mission->second.failure;
  // One batch alone may be bigger than the bound, else it could never be written.
  if (outstanding_bytes_ != 0 && outstanding_bytes_ + bytes > bound)
    return Error{ErrorCode::unavailable, "the journal has too much to write", batch.mission};
  return std::nullopt;
}

Journal::Ticket Journal::take_in(const std::string& mission, std::size_t bytes,
                                 std::optional<compat::Promise<std::uint64_t>> promise) {
  auto ticket = next_ticket_++;
  missions_[mission].outstanding.insert(ticket);
  outstanding_bytes_ += bytes;
  batches_.emplace(ticket, Batch{mission, bytes, std::move(promise)});
  return ticket;
}

void Journal::hand_on(Ticket ticket, std::string mission, std::vector<NewRecord> records) {
  config_.backlog->handed(incarnation_);
  auto done = [me = journal_self{self_}, ticket, backlog = config_.backlog,
               incarnation = incarnation_](Result<std::uint64_t> outcome) {
    compat::post(me, durable_atom_v, DurableNote{ticket, std::move(outcome)});
    backlog->answered(incarnation);
  };
  store_->append(std::move(mission), std::move(records), std::move(done));
}

void Journal::durable(const DurableNote& note) {
  if (note.ticket == 0) {
    caught_up_ = true;
    return answer_flushes();
  }
  if (auto reopening = reopening_.find(note.ticket); reopening != reopening_.end()) {
    auto [mission, promise] = std::move(reopening->second);
    reopening_.erase(reopening);
    return reopened(promise, mission, note.outcome);
  }
  auto found = batches_.find(note.ticket);
  if (found == batches_.end()) return;
  auto batch = std::move(found->second);
  batches_.erase(found);
  outstanding_bytes_ -= batch.bytes;
  missions_[batch.mission].outstanding.erase(note.ticket);
  if (note.outcome.ok()) {
    ++appended_;
    if (batch.promise) batch.promise->deliver(*note.outcome);
  } else {
    if (batch.promise) compat::fail(*batch.promise, note.outcome.error());
    mission_failed(batch.mission, note.outcome.error());
  }
  answer_flushes();
  tidy(batch.mission);
  end_if_done();
}

// Asked to stop, it still waits for what it was given: its senders believe in it.
void Journal::end_if_done() {
  if (stopping_ && batches_.empty()) compat::quit_shutdown(self_);
}

// ---- flush --------------------------------------------------------------------------------------

caf::result<void> Journal::flush(const std::string& mission) {
  if (mission.empty())
    hand_on_all_gathered();
  else
    hand_on_gathered(mission);
  auto promise = compat::promise<void>(self_);
  flushes_.push_back({next_ticket_ - 1, mission, promise});
  answer_flushes();
  return promise;
}

bool Journal::flushed(const Flush& flush) const {
  if (!caught_up_) return false;
  if (flush.mission.empty()) return batches_.empty() || batches_.begin()->first > flush.up_to;
  auto mission = missions_.find(flush.mission);
  if (mission == missions_.end()) return true;
  const auto& outstanding = mission->second.outstanding;
  return outstanding.empty() || *outstanding.begin() > flush.up_to;
}

void Journal::answer_flushes() {
  std::erase_if(flushes_, [this](Flush& flush) {
    if (!flushed(flush)) return false;
    auto mission = missions_.find(flush.mission);
    if (mission != missions_.end() && mission->second.failure)
      compat::fail(flush.promise, *mission->second.failure);
    else
      flush.promise.deliver();
    return true;
  });
}

// ---- failure ------------------------------------------------------------------------------------

void Journal::mission_failed(const std::string& mission, const Error& error) {
  auto& entry = missions_[mission];
  if (entry.failure) return;  // told already
  entry.failure = error;
  for (const auto& listener : entry.listeners) tell(listener, {mission, error}, self_);
}

void Journal::tell(const caf::weak_actor_ptr& listener, const JournalFailure& failure,
                   compat::Self<journal_self> self) {
  auto strong = caf::actor_cast<caf::actor>(listener);
  compat::send(self, compat::typed<journal_listener>(strong), journal_failed_atom_v, failure);
}

caf::result<void> Journal::subscribe(const JournalSubscription& subscription) {
  auto& entry = missions_[subscription.mission];
  std::erase_if(entry.listeners,
                [](const auto& weak) { return !caf::actor_cast<caf::actor>(weak); });
  auto listener = caf::actor_cast<caf::weak_actor_ptr>(subscription.listener);
  if (!listener) return to_caf({ErrorCode::invalid_argument, "no listener"});
  if (std::find(entry.listeners.begin(), entry.listeners.end(), listener) == entry.listeners.end())
    entry.listeners.push_back(listener);
  if (entry.failure) tell(listener, {subscription.mission, *entry.failure}, self_);
  return caf::unit;
}

void Journal::unsubscribe(const JournalSubscription& subscription) {
  auto entry = missions_.find(subscription.mission);
  if (entry == missions_.end()) return;
  std::erase(entry->second.listeners, caf::actor_cast<caf::weak_actor_ptr>(subscription.listener));
  tidy(subscription.mission);
}

caf::result<void> Journal::reopen(const std::string& mission) {
  auto promise = compat::promise<void>(self_);
  auto ticket = next_ticket_++;
  reopening_.emplace(ticket, std::pair(mission, promise));
  auto work = [store = store_, mission, me = journal_self{self_}, ticket] {
    auto status = store->reopen(mission);
    Result<std::uint64_t> outcome = std::uint64_t{0};
    if (!status.ok()) outcome = status.error();
    compat::post(me, durable_atom_v, DurableNote{ticket, std::move(outcome)});
  };
  blocking_->run(std::move(work));
  return promise;
}

void Journal::reopened(compat::Promise<void>& promise, const std::string& mission,
                       const Result<std::uint64_t>& outcome) {
  if (!outcome.ok()) return compat::fail(promise, outcome.error());
  missions_[mission].failure.reset();
  tidy(mission);
  promise.deliver();
}

JournalStatus Journal::status() const {
  JournalStatus status{outstanding_bytes_, batches_.size(), appended_, {}};
  for (const auto& [mission, entry] : missions_)
    if (entry.failure) status.failed.push_back(mission);
  std::sort(status.failed.begin(), status.failed.end());
  return status;
}

void Journal::tidy(const std::string& mission) {
  auto found = missions_.find(mission);
  if (found != missions_.end() && found->second.idle()) missions_.erase(found);
}

}  // namespace muster
