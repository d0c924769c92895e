#include "actors/language.hpp"

#include <algorithm>
#include <utility>

#include "actors/later.hpp"

namespace muster {
namespace {

/// What does not pass by itself.
bool is_lasting(const Error& error) {
  return error.code == ErrorCode::not_found || error.code == ErrorCode::permission_denied;
}

}  // namespace

std::string language_id(const LanguageKey& key) {
  return "language:" + key.language + ":" + key.root;
}

ChildSpec language_child(caf::actor_system& system, const LanguageKey& key,
                         std::shared_ptr<LanguagePort> port, LanguageConfig config) {
  ChildSpec child;
  child.id = language_id(key);
  child.restart = Restart::transient;
  child.start = [&system, key, port = std::move(port), config]() -> Result<caf::actor> {
    return compat::untyped(
        compat::spawn<ServedLanguage, language_actor>(system, key, port, config));
  };
  return child;
}

ServedLanguage::ServedLanguage(compat::Self<language_actor> self, LanguageKey key,
                               std::shared_ptr<LanguagePort> port, LanguageConfig config)
    : self_(self),
      key_(std::move(key)),
      port_(std::move(port)),
      config_(config),
      backoff_(config.backoff),
      random_(config.seed) {}

// Who asked is answered by the end of the promises, the server ends with its last reference.
ServedLanguage::~ServedLanguage() = default;

compat::Behavior<language_actor> ServedLanguage::make_behavior() {
  return {
      [](resume_atom, Continuation& next) { next.run(); },
      [this](ask_atom, const LanguageQuestionPtr& question) { return ask(question); },
      [this](status_atom) { return status(); },
  };
}

caf::result<LanguageAnswerPtr> ServedLanguage::ask(const LanguageQuestionPtr& question) {
  used_at_ms_ = compat::now_ms(self_);
  if (waiting_.size() + open_.size() >= config_.max_waiting)
    return to_caf({ErrorCode::limit_reached, "too many questions are waiting", key_.language});
  if (state_ == State::down && until_retry() > 0 && last_failure_ && is_lasting(*last_failure_))
    return to_caf(*last_failure_);
  auto promise = compat::promise<LanguageAnswerPtr>(self_);
  waiting_.push_back({question, promise});
  if (state_ == State::ready) submit_waiting();
  if (state_ == State::down) start_when_due();
  return promise;
}

LanguageStatus ServedLanguage::status() const {
  return {state_,
          starts_,
          waiting_.size(),
          open_.size(),
          state_ == State::down ? until_retry() : 0,
          last_failure_};
}

// ---- life of the server -------------------------------------------------------------------------

std::int64_t ServedLanguage::until_retry() const {
  return std::max<std::int64_t>(retry_at_ms_ - compat::now_ms(self_), 0);
}

void ServedLanguage::start_when_due() {
  const auto left = until_retry();
  if (left == 0) return start();
  if (retry_.armed()) return;
  retry_ = compat::run_delayed(self_, std::chrono::milliseconds(left), [this] {
    retry_ = {};
    if (state_ == State::down && !waiting_.empty()) start();
  });
}

void ServedLanguage::start() {
  state_ = State::starting;
  ++starts_;
  const auto in_here = later_while_same(compat::handle_of<language_actor>(self_), starts_);
  LanguageEvents events;
  events.on_ready = [this, in_here] { in_here([this] { ready(); }); };
  events.on_end = [this, in_here](const Error& why) { in_here([this, why] { ended(why); }); };
  service_ = port_->start(key_, std::move(events));
}

void ServedLanguage::ready() {
  if (state_ != State::starting) return;
  state_ = State::ready;
  last_failure_.reset();
  submit_waiting();
  look_idle();
}

/// Those that wait while it stops were promised a server; all others are told why there is none.
void ServedLanguage::ended(const Error& why) {
  const bool wanted = std::exchange(state_, State::down) == State::stopping;
  service_.reset();
  idle_ = {};
  if (!wanted) {
    last_failure_ = why;
    const auto random = std::uniform_real_distribution<double>(0, 1)(random_);
    const auto now = compat::now_ms(self_);
    retry_at_ms_ = now + backoff_.next(now, random);
    fail_all(why);
  }
  if (!waiting_.empty()) start_when_due();
}

void ServedLanguage::fail_all(const Error& why) {
  in_use_.clear();
  for (auto& [id, asked] : std::exchange(open_, {})) compat::fail(asked.promise, why);
  for (auto& asked : std::exchange(waiting_, {})) compat::fail(asked.promise, why);
}

/// Looks again when the server could be idle at the earliest.
void ServedLanguage::look_idle() {
  const auto now = compat::now_ms(self_);
  const auto idle_at = used_at_ms_ + config_.idle.count();
  if (state_ == State::ready && open_.empty() && now >= idle_at) {
    state_ = State::stopping;
    service_->stop();
    return;
  }
  const auto pause = std::max<std::int64_t>(idle_at - now, config_.idle.count() / 10 + 1);
  idle_ = compat::run_delayed(self_, std::chrono::milliseconds(pause), [this] { look_idle(); });
}

// ---- questions
// -----------------------------------------------------------------------------------

/// A server has one text of a file at a time.
bool ServedLanguage::can_begin(const LanguageQuestion& question) const {
  return open_.size() < config_.max_open &&
         std::none_of(question.documents.begin(), question.documents.end(),
                      [this](const auto& document) { return in_use_.contains(document.path); });
}

/// In their order, but none waits for one that cannot begin yet.
void ServedLanguage::submit_waiting() {
  for (auto& asked : std::exchange(waiting_, {}))
    if (can_begin(*asked.question))
      submit(std::move(asked));
    else
      waiting_.push_back(std::move(asked));
}

void ServedLanguage::submit(Asked asked) {
  const auto id = ++next_id_;
  const auto question = asked.question;
  for (const auto& document : question->documents) in_use_.insert(document.path);
  open_.emplace(id, std::move(asked));
  const auto in_here = later_while_same(compat::handle_of<language_actor>(self_), starts_);
  service_->ask(question, [this, in_here, id](Result<LanguageAnswer> result) {
    in_here([this, id, result = std::move(result)] { answered(id, result); });
  });
}

void ServedLanguage::answered(std::uint64_t id, const Result<LanguageAnswer>& result) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  auto asked = std::move(found->second);
  open_.erase(found);
  for (const auto& document : asked.question->documents) in_use_.erase(document.path);
  used_at_ms_ = compat::now_ms(self_);
  if (result)
    asked.promise.deliver(std::make_shared<const LanguageAnswer>(*result));
  else
    compat::fail(asked.promise, result.error());
  if (state_ == State::ready) submit_waiting();
}

}  // namespace muster
