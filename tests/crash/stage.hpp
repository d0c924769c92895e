#pragma once
// A tiny mission on the real program, in a folder of its own: run once to its end, or cut off and
// brought back.

#include <cstdint>
#include <memory>
#include <string>

#include "tests/crash/cut.hpp"
#include "tests/crash/ending.hpp"
#include "tests/crash/place.hpp"

namespace muster::crash {

/// One at a time for each thread: a home, a model server, and a fresh project for each run.
class Stage {
 public:
  Stage();

  /// Runs the mission; `counts` receives the visits of fault points when it is not cut.
  Ending play(const Cut& cut, Profile* counts = nullptr);

  /// Keeps the folder of the last run.
  void keep();
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  class Run;
  Machine machine_;
  std::string folder_;
  std::unique_ptr<test::ModelServer> model_;
  std::uint64_t runs_ = 0;
  bool keep_ = false;
};

}  // namespace muster::crash
