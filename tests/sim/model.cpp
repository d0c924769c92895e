#include "tests/sim/model.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "tests/support/fake_model.hpp"

namespace muster::sim {
namespace {

/// The header of the first user message, as actors write it.
Turn turn_of(const ModelRequest& request) {
  auto from = request.body.find("[muster agent=");
  auto header = request.body.substr(from, request.body.find(']', from) - from);
  auto field = [&header](const std::string& name) {
    auto at = header.find(" " + name + "=") + name.size() + 2;
    return header.substr(at, header.find(' ', at) - at);
  };
  Turn turn;
  turn.mission = request.endpoint.api_key;
  turn.role = field("agent");
  turn.task = field("task");
  turn.session = field("session");
  auto attempt = field("attempt");
  std::from_chars(attempt.data(), attempt.data() + attempt.size(), turn.attempt);
  turn.first = request.body.find("\"role\":\"assistant\"") == std::string::npos;
  turn.seals = request.body.find("Call request_seal") != std::string::npos;
  return turn;
}

class Call final : public ModelCall {
 public:
  Call(Provider& provider, LifePtr life, std::string lane, const Turn& turn,
       std::function<void(ModelOutcome)> on_done)
      : provider_(provider),
        life_(std::move(life)),
        lane_(std::move(lane)),
        role_(turn.role),
        mission_(turn.mission),
        session_(turn.session),
        on_done_(std::move(on_done)) {}

  void cancel() override {
    if (!open_) return;
    end();
    ModelOutcome outcome = ModelFailure{{ErrorCode::cancelled, "cancelled"}, 0, {}};
    if (!life_->alive) return std::exchange(on_done_, nullptr)(std::move(outcome));
    provider_.world().after(0,
                            [done = std::exchange(on_done_, nullptr), outcome] { done(outcome); });
  }
  [[nodiscard]] bool open() const { return open_; }
  void answer(ModelOutcome outcome) {
    if (!open_) return;
    end();
    std::exchange(on_done_, nullptr)(std::move(outcome));
  }

 private:
  void end() {
    open_ = false;
    if (life_->alive) provider_.ledger().call_ended(mission_, lane_, role_, session_);
  }
  Provider& provider_;
  LifePtr life_;
  std::string lane_, role_, mission_, session_;
  std::function<void(ModelOutcome)> on_done_;
  bool open_ = true;
};

}  // namespace

void Provider::outage(const std::string& fault, Micros time) {
  outages_[fault] = world_.now() + time;
}

std::optional<Provider::Answer> Provider::failure(const std::string& fault,
                                                  const ModelRequest& request, Rng& random) {
  auto fails = [](ErrorCode code, Micros after,
                  std::optional<std::chrono::milliseconds> retry_after = {}) {
    return Answer{after, ModelFailure{{code, "by the simulated provider"}, 0, retry_after}};
  };
  if (!random.chance(0.7)) return std::nullopt;
  if (fault == "429") {
    std::optional<std::chrono::milliseconds> wait;
    if (random.chance(0.5)) wait = std::chrono::milliseconds(random.between(0, 90000));
    return fails(ErrorCode::rate_limited, random.between(10, 500) * millis, wait);
  }
  if (fault == "5xx") return fails(ErrorCode::overloaded, random.between(10, 5000) * millis);
  if (fault == "drop") return fails(ErrorCode::network, random.between(0, 20000) * millis);
  auto idle = std::chrono::duration_cast<std::chrono::microseconds>(request.idle_timeout).count();
  return fails(ErrorCode::stalled, idle + random.between(0, 2000) * millis);
}

Provider::Answer Provider::answer(const ModelRequest& request) {
  auto random = stream(options_.seed, {"provider", std::to_string(++calls_)});
  for (const auto& [fault, until] : outages_)
    if (until > world_.now())
      if (auto failed = failure(fault, request, random)) return *failed;
  auto takes = random.chance(0.1) ? random.between(5000, 40000) : random.between(300, 6000);
  return {takes * millis, std::nullopt};
}

ModelOutcome Provider::reply(const Turn& turn, Micros took) {
  auto reply = team_.reply(turn);
  reply.first_byte_ms = took / millis / 4;
  reply.duration_ms = took / millis;
  return reply;
}

std::shared_ptr<ModelCall> SimModel::start(ModelRequest request,
                                           std::function<void(std::string_view)>,
                                           std::function<void(ModelOutcome)> on_done) {
  auto turn = turn_of(request);
  auto lane = request.endpoint.provider + "/" + request.endpoint.model;
  auto call = std::make_shared<Call>(provider_, life_, lane, turn, std::move(on_done));
  if (!life_->alive) return call;
  auto& ledger = provider_.ledger();
  ledger.call_started(turn.mission, lane, turn.role, turn.session);
  // A crowd's transcripts are looked at now and then only: it takes longer than all the rest.
  if (provider_.options().agents < 100 || ledger.tally.model_calls % 16 == 0) {
    test::SeenRequest seen{nlohmann::json::parse(request.body), request.endpoint.model};
    if (auto wrong = seen.unanswered(); !wrong.empty())
      provider_.world().fail("transcript", turn.mission + "/" + turn.session + ": " + wrong);
  }
  auto answer = provider_.answer(request);
  provider_.world().after(life_, answer.after, [&provider = provider_, call, turn, answer] {
    if (!call->open()) return;
    call->answer(answer.failure ? ModelOutcome(*answer.failure)
                                : provider.reply(turn, answer.after));
  });
  return call;
}

}  // namespace muster::sim
