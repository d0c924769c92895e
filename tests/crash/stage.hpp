#pragma once
// A tiny mission on the real program, in a folder of its own: run once to its end, or cut off and
// brought back.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/ports/store.hpp"
#include "tests/crash/cut.hpp"
#include "tests/e2e/sandbox.hpp"

namespace muster::crash {

/// What a run came to: DESIGN's "same end" is made of these.
struct Ending {
  int exit_code = -1;
  std::string outcome;                               ///< of the result line
  std::string tree;                                  ///< of the user's HEAD
  test::Files files;                                 ///< of their working tree
  std::string status;                                ///< of their working tree: empty = clean
  std::string commits;                               ///< how many they have
  std::map<std::string, int> effects;                ///< how often each command took effect
  std::uint64_t model_calls = 0;                     ///< as the model counted them
  std::vector<StoredRecord> journal;                 ///< at the end
  std::vector<std::vector<StoredRecord>> at_deaths;  ///< the journal as each death left it
  int deaths = 0;                                    ///< how often the engine died
  std::vector<std::string> processes;                ///< that were left
  std::vector<std::string> locks;                    ///< that were left
  std::string trouble;  ///< why there is no ending: it hung, it refused ...
  std::string said;     ///< output of all launches, for a person
  std::chrono::milliseconds duration{0};
};

/// One at a time for each thread: a home, a model server, and a fresh project for each run.
class Stage {
 public:
  Stage();
  ~Stage();

  /// Runs the mission; `counts` receives the visits of fault points when it is not cut.
  Ending play(const Cut& cut, Profile* counts = nullptr);

  /// Keeps the folder of the last run.
  void keep() { keep_ = true; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  class Run;
  std::string root_;
  std::string folder_;
  test::Environment environment_;
  std::unique_ptr<test::ModelServer> model_;
  std::uint64_t runs_ = 0;
  bool keep_ = false;
};

/// What makes `ending` another end than `whole`, the undisturbed run; empty = the same end.
[[nodiscard]] std::vector<std::string> differences(const Ending& whole, const Ending& ending,
                                                   const Cut& cut);

}  // namespace muster::crash
