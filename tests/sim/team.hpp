#pragma once
// Stochastic agents: what a model would say, by role, with seeded probabilities.

#include <deque>
#include <map>
#include <string>

#include "runtime/core/model_types.hpp"
#include "tests/sim/ledger.hpp"
#include "tests/sim/scenario.hpp"

namespace muster::sim {

/// What an agent knows of its request.
struct Turn {
  std::string mission;
  std::string role;
  std::string task;
  std::string session;
  int attempt = 0;
  bool first = false;  ///< nothing was said yet in this session
  bool seals = false;  ///< the commander is asked for the seal
};

class Team {
 public:
  Team(const Scenario& scenario, Ledger& ledger, const Options& options)
      : scenario_(scenario), ledger_(ledger), options_(options) {}

  /// The next answer of that session's model.
  ModelReply reply(const Turn& turn);

 private:
  struct Session {
    Rng random{0};
    std::deque<ModelReply> next;  ///< what it has in mind; empty: it ends
    int turns = 0;
    int pieces = 0;
    int circles = 0;  ///< turns that it goes on doing the same
  };
  Session& session_of(const Turn& turn);
  void make_up_mind(const Turn& turn, Session& session);
  void plan_work(const Turn& turn, Session& session);
  ModelReply end_of(const Turn& turn, Session& session);
  ModelReply mischief(const Turn& turn, Session& session);
  ModelReply triage(const Turn& turn, Session& session);
  ModelReply plan(const Turn& turn, Session& session);
  ModelReply parts(const Turn& turn, Session& session);
  ModelReply circle(Session& session);
  ModelReply verdict(const Turn& turn, Session& session);
  std::string effect(const Turn& turn);

  const Scenario& scenario_;
  Ledger& ledger_;
  const Options& options_;
  std::map<std::string, Session> sessions_;
  std::uint64_t calls_ = 0;
  std::uint64_t effects_ = 0;
  std::map<std::string, int> rejections_;  ///< of a mission's whole
};

}  // namespace muster::sim
