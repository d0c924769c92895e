#pragma once
// Where missions run that are killed, and what is found there afterwards.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/crash/ending.hpp"
#include "tests/e2e/program.hpp"

namespace muster::crash {

/// What a keeper says on stderr when its engine was killed.
inline constexpr const char* engine_died = "the engine died of signal";

/// A file's content; empty when it is not there, or not any more.
[[nodiscard]] std::string text_or_nothing(const std::string& path);

[[nodiscard]] int count_of(const std::string& text, const std::string& part);

/// Adds to the ending what a launch said.
void note_output(const test::Ended& ended, Ending& ending);

/// The engine below a keeper, 0 when there is none just now.
[[nodiscard]] pid_t engine_of(pid_t keeper);

/// A folder for folders that is in memory, where there is one: what a killed process wrote is in
/// the page cache either way, so syncing tests nothing there and costs most of the time.
[[nodiscard]] std::string folder_in_memory();

/// A user's home and a repository to copy, in a folder of their own that goes with the object.
class Machine {
 public:
  explicit Machine(const test::Files& project, const std::string& below = folder_in_memory());
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// Makes the server the user's model; `extra` is merged into their configuration.
  void use_model(const test::ModelServer& server, const nlohmann::json& extra = {}) const;
  /// The folder stays.
  void keep() { keep_ = true; }

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string project() const { return root_ + "/template"; }
  [[nodiscard]] const test::Environment& environment() const { return environment_; }

 private:
  std::string root_;
  test::Environment environment_;
  bool keep_ = false;
};

/// One mission's folder: its project, the state of its engines, their temporary files, and
/// `effects`, to which its commands append a line each.
class Place {
 public:
  /// Copies the machine's project into `folder`, which exists.
  Place(const Machine& machine, std::string folder);

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::string project() const { return folder_ + "/project"; }
  test::Environment environment;  ///< of every program that is started here

  std::unique_ptr<test::Program> start(std::vector<std::string> args) const;
  /// What a person types after a crash: resume, or run when nothing was recorded yet.
  [[nodiscard]] std::vector<std::string> go_on(const std::string& objective) const;
  /// Nothing of it runs any more; gives up after a while.
  void wait_for_the_end() const;
  /// Of the only mission, from a copy: reading must not mend what an engine is to mend. Throws when
  /// it cannot be read.
  [[nodiscard]] std::vector<StoredRecord> read_journal() const;

  /// Adds how the last launch ended, and what there is now, to the ending.
  void finish(const test::Ended& ended, Ending& ending) const;
  /// Adds what runs or is locked though nothing should be any more.
  void look_for_leftovers(Ending& ending) const;

 private:
  std::string folder_;
};

}  // namespace muster::crash
