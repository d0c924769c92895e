#include "actors/languages.hpp"

#include <algorithm>
#include <utility>

#include "runtime/core/paths.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto supervisor_deadline = 30s;
constexpr const char* supervisor_name = "language_servers";
const BackoffPolicy restart_pause{500, 200, 60'000, 2.0, 300'000};

}  // namespace

SupervisorSpec language_servers_spec(std::shared_ptr<Registry> registry) {
  SupervisorSpec spec;
  spec.name = supervisor_name;
  spec.strategy = Strategy::dynamic;
  spec.max_restarts = 1000;
  spec.backoff = restart_pause;
  spec.registry = std::move(registry);
  return spec;
}

Languages::Languages(compat::Self<languages_actor> self, std::shared_ptr<Registry> registry,
                     std::shared_ptr<LanguagePort> port, LanguagesConfig config)
    : self_(self), registry_(std::move(registry)), port_(std::move(port)), config_(config) {}

// Who asked is answered by the end of the promises.
Languages::~Languages() = default;

compat::Behavior<languages_actor> Languages::make_behavior() {
  return {
      [](resume_atom, Continuation& next) { next.run(); },
      [this](ask_atom, const LanguageKey& key, const LanguageQuestionPtr& question) {
        return ask(key, question);
      },
      [this](release_atom, const std::string& folder) { release(folder); },
      [this](status_atom) { return status(); },
  };
}

supervisor_actor Languages::supervisor() const {
  return registry_->whereis<supervisor_actor>(supervisor_name);
}

caf::result<LanguageAnswerPtr> Languages::ask(const LanguageKey& key,
                                              const LanguageQuestionPtr& question) {
  if (waiting_.size() >= config_.max_waiting)
    return to_caf(
        {ErrorCode::limit_reached, "too many questions wait for a language server", key.language});
  auto promise = compat::promise<LanguageAnswerPtr>(self_);
  Asked asked{key, question, promise};
  if (!serve(asked)) waiting_.push_back(std::move(asked));
  return promise;
}

LanguagesStatus Languages::status() const {
  LanguagesStatus out;
  for (const auto& [id, place] : places_) out.places.push_back({place.key, place.open});
  out.waiting = waiting_.size();
  return out;
}

// ---- who is asked -------------------------------------------------------------------------------

bool Languages::serve(Asked& asked) {
  const auto found = places_.find(language_id(asked.key));
  if (found != places_.end()) {
    if (found->second.stage != Stage::there) return false;
    hand_over(found->second, asked);
    return true;
  }
  if (places_.size() >= config_.max_servers)
    make_room();
  else
    open_place(asked.key);
  return false;
}

void Languages::serve_waiting() {
  for (auto& asked : std::exchange(waiting_, {}))
    if (!serve(asked)) waiting_.push_back(std::move(asked));
}

void Languages::hand_over(Place& place, Asked& asked) {
  const auto id = language_id(place.key);
  const auto server = registry_->whereis<language_actor>(id);
  if (!server)  // its supervisor starts it again
    return compat::fail(asked.promise,
                        {ErrorCode::unavailable, "the language server's actor is being restarted",
                         asked.key.language});
  ++place.open;
  auto promise = asked.promise;
  compat::request(
      self_, server, config_.patience,
      [this, id, promise](const LanguageAnswerPtr& answer) mutable {
        promise.deliver(answer);
        handed_back(id);
      },
      [this, id, promise](const Error& error) mutable {
        compat::fail(promise, error);
        handed_back(id);
      },
      ask_atom_v, asked.question);
}

void Languages::handed_back(const std::string& id) {
  const auto found = places_.find(id);
  if (found == places_.end()) return;
  auto& place = found->second;
  if (place.open > 0) --place.open;
  place.used_at_ms = compat::now_ms(self_);
  if (!waiting_.empty()) serve_waiting();
}

// ---- places -------------------------------------------------------------------------------------

void Languages::open_place(const LanguageKey& key) {
  const auto id = language_id(key);
  places_[id] = {key, Stage::starting, 0, compat::now_ms(self_)};
  auto spec = std::make_shared<const ChildSpec>(
      language_child(self_->system(), key, port_, config_.server));
  auto there = [this, id] {
    const auto found = places_.find(id);
    if (found == places_.end() || found->second.stage != Stage::starting) return;
    found->second.stage = Stage::there;
    serve_waiting();
  };
  compat::request(
      self_, supervisor(), supervisor_deadline, [there](const caf::actor&) { there(); },
      [this, id, key, there](const Error& error) {
        if (error.code == ErrorCode::already_exists) return there();
        places_.erase(id);
        fail_waiting([&](const LanguageKey& other) { return language_id(other) == id; }, error);
        serve_waiting();
      },
      start_child_atom_v, ChildSpecPtr(std::move(spec)));
}

/// One at a time: each that leaves asks again.
void Languages::make_room() {
  auto oldest = places_.end();
  for (auto at = places_.begin(); at != places_.end(); ++at) {
    if (at->second.stage == Stage::leaving) return;
    if (at->second.stage != Stage::there || at->second.open > 0) continue;
    if (oldest == places_.end() || at->second.used_at_ms < oldest->second.used_at_ms) oldest = at;
  }
  if (oldest != places_.end()) close_place(oldest->first);
}

void Languages::close_place(const std::string& id) {
  places_.at(id).stage = Stage::leaving;
  auto gone = [this, id] {
    places_.erase(id);
    serve_waiting();
  };
  compat::request(
      self_, supervisor(), supervisor_deadline, gone, [gone](const Error&) { gone(); },
      terminate_child_atom_v, id);
}

void Languages::release(const std::string& folder) {
  const auto below = [&](const LanguageKey& key) { return path_within(folder, key.root); };
  fail_waiting(below, {ErrorCode::cancelled, "its tree is gone"});
  std::vector<std::string> ids;
  for (const auto& [id, place] : places_)
    if (place.stage != Stage::leaving && below(place.key)) ids.push_back(id);
  for (const auto& id : ids) close_place(id);
}

void Languages::fail_waiting(const std::function<bool(const LanguageKey&)>& which,
                             const Error& why) {
  for (auto& asked : std::exchange(waiting_, {}))
    if (which(asked.key))
      compat::fail(asked.promise, why);
    else
      waiting_.push_back(std::move(asked));
}

}  // namespace muster
