#pragma once
// What a run came to, however it was disturbed.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/ports/store.hpp"
#include "tests/e2e/sandbox.hpp"

namespace muster::crash {

/// DESIGN's "same end" is made of these.
struct Ending {
  int exit_code = -1;
  std::string outcome;                               ///< of the result line
  std::string tree;                                  ///< of the user's HEAD
  test::Files files;                                 ///< of their working tree
  std::string status;                                ///< of their working tree: empty = clean
  std::string commits;                               ///< how many they have
  std::map<std::string, int> effects;                ///< how often each command took effect
  std::uint64_t model_calls = 0;                     ///< as the model counted them
  std::vector<std::uint64_t> calls_by_rule;          ///< that each rule of the scenario answered
  std::vector<StoredRecord> journal;                 ///< at the end
  std::vector<std::vector<StoredRecord>> at_deaths;  ///< the journal as each death left it
  int deaths = 0;                                    ///< how often the engine died
  std::vector<std::string> processes;                ///< that were left
  std::vector<std::string> locks;                    ///< that were left
  std::string trouble;  ///< why there is no ending: it hung, it refused ...
  std::string said;     ///< output of all launches, for a person
  std::chrono::milliseconds duration{0};
};

/// What makes `ending` another end than `whole`, the undisturbed run; empty = the same end.
[[nodiscard]] std::vector<std::string> differences(const Ending& whole, const Ending& ending);

}  // namespace muster::crash
