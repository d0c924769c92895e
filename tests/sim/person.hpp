#pragma once
// The user: looks in now and then, answers what is asked, and sometimes meddles.

#include <map>
#include <string>

#include "tests/sim/engine_life.hpp"

namespace muster::sim {

class Person {
 public:
  /// `engine`: of a mission, null while there is none; asked for at every look.
  Person(Outside outside, std::function<EngineLife*(const std::string&)> engine)
      : outside_(outside),
        engine_(std::move(engine)),
        random_(stream(outside.options.seed, {"person"})) {}

  /// Looks in, and goes on doing so.
  void watch();
  void stop(const std::string& mission) { control(mission, "stop", "{}"); }
  [[nodiscard]] bool stopped(const std::string& mission) const {
    return stopped_.contains(mission);
  }

 private:
  void look_at(const std::string& mission);
  void react(const std::string& mission, const MissionBook& book, bool paused);
  void answer(const std::string& mission, const Question& question);
  void meddle(const std::string& mission, const State& state);
  void control(const std::string& mission, const std::string& method, const std::string& params);

  Outside outside_;
  std::function<EngineLife*(const std::string&)> engine_;
  Rng random_;
  std::map<std::string, int> answers_;
  std::set<std::string> stopped_;
};

}  // namespace muster::sim
