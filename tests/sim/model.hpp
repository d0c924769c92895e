#pragma once
// The provider: answers for the team, after a while, or fails as providers do.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "runtime/ports/model.hpp"
#include "tests/sim/team.hpp"

namespace muster::sim {

/// What the provider suffers from; knows no engine, so it outlives crashes.
class Provider {
 public:
  Provider(World& world, Ledger& ledger, Team& team, const Options& options)
      : world_(world), ledger_(ledger), team_(team), options_(options) {}

  struct Answer {
    Micros after = 0;
    std::optional<ModelFailure> failure;  ///< nullopt: the team answers when the time has come
  };
  Answer answer(const ModelRequest& request);
  ModelOutcome reply(const Turn& turn, Micros took);
  /// Calls of the next `time` fail that way.
  void outage(const std::string& fault, Micros time);

  World& world() { return world_; }
  Ledger& ledger() { return ledger_; }
  [[nodiscard]] const Options& options() const { return options_; }

 private:
  std::optional<Answer> failure(const std::string& fault, const ModelRequest& request, Rng& random);

  World& world_;
  Ledger& ledger_;
  Team& team_;
  const Options& options_;
  std::map<std::string, Micros> outages_;  ///< fault -> until
  std::uint64_t calls_ = 0;
};

/// The model port of one life of the engine.
class SimModel final : public ModelPort {
 public:
  SimModel(Provider& provider, LifePtr life) : provider_(provider), life_(std::move(life)) {}
  std::shared_ptr<ModelCall> start(ModelRequest request,
                                   std::function<void(std::string_view)> on_delta,
                                   std::function<void(ModelOutcome)> on_done) override;

 private:
  Provider& provider_;
  LifePtr life_;
};

}  // namespace muster::sim
