#pragma once
// Runs the checks of one verification on one tree and mints their receipts: command, exit code,
// time, and the hash of the tree before and after. Lives as long as the verification.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/session.hpp"
#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/ports/version_control.hpp"

namespace muster {

/// One check: a command, or a built-in.
struct Check {
  std::string name;      ///< of its receipt
  std::string command;   ///< shell text; empty for a built-in
  std::string cwd;       ///< relative to the tree
  Verification builtin;  ///< when command is empty
};

struct VerifySpec {
  std::string id;  ///< unique; names its jobs
  std::string mission;
  IntentId intent = 0;
  std::string task;    ///< empty: the mission's own (baseline, integrated tree)
  std::string key;     ///< of the tree
  std::string commit;  ///< check the tree out at this commit first; empty: as it is
  std::vector<Check> checks;
  TreeEpoch::Ticket epoch;                     ///< over: no check begins any more
  std::chrono::milliseconds deadline{600000};  ///< of one check
  bool wants_new_test = false;  ///< a change of behaviour needs a test that fails on the base
  std::string base;             ///< of the tree, for the above
  bool guards_tests = false;    ///< tests that demand less than on the base reject (test_guard.hpp)
  std::vector<std::string> planned;  ///< files that the task is about, for the above
  /// A failure that the change cannot have caused (core/flaky.hpp) is looked at a second time.
  bool runs_again = false;
};

struct VerifyDeps {
  jobs_actor jobs;
  std::shared_ptr<VersionControl> tree;
  Blocking* blocking = nullptr;
  std::function<Result<std::shared_ptr<WorkspaceFiles>>(const std::string& root)> open_files;
  CommandGuard guard;
  /// Judges a built-in check ("parses", "matches", "exists") on a file's content: "" or what is
  /// wrong. Pool thread.
  std::function<Result<std::string>(const Verification& check, const std::string& content)>
      builtin_check;
  /// New syntax errors of a changed file ("error" rejects it, "warning" is for the reviewer);
  /// empty: not looked for. Pool thread.
  std::function<std::vector<ReviewFinding>(
      const std::string& path, const std::optional<std::string>& before, const std::string& after)>
      syntax;
  std::function<std::int64_t()> wall_ms;
  std::vector<std::string> hidden_env;
};

class Verifier {
 public:
  Verifier(compat::Self<verifier_actor> self, VerifySpec spec, VerifyDeps deps,
           mission_actor owner);
  ~Verifier();
  compat::Behavior<verifier_actor> make_behavior();

  static constexpr const char* name = "verifier";
  [[nodiscard]] std::string label() const { return spec_.mission + "/" + spec_.id; }

 private:
  void open_tree();
  struct Opened {
    Snapshot snapshot;
    std::string hash;
    Diff diff;
    std::vector<ReviewFinding> findings;
  };
  void on_open(const Opened& opened);
  void check_syntax();
  void begin_checks();
  [[nodiscard]] bool rejected() const;
  void next_check();
  void run_command(const Check& check, const std::string& root);
  void run_builtin(const Check& check);
  void on_job(const JobReceiptPtr& receipt);
  void measure(ReceiptFacts facts);
  void measure_looked();
  static Result<std::string> hash_after(VersionControl& tree, const std::string& key);
  [[nodiscard]] bool wants_second_run(const ReceiptFacts& failed) const;
  void keep(ReceiptFacts facts);
  void check_new_test();
  void open_base(const std::vector<std::string>& tests);
  void next_base_check();
  void finish();
  void release_base();
  void tell();
  void fail(const Error& error);
  /// Blocking work on the pool, then `then` with its result in this actor.
  template <class Work, class Then>
  void blocking(Work work, Then then);

  compat::Self<verifier_actor> self_;
  VerifySpec spec_;
  VerifyDeps deps_;
  mission_actor owner_;
  std::string root_;
  std::string base_root_;  // while the new tests are tried on the old code
  std::size_t next_ = 0;
  std::size_t next_base_ = 0;
  std::vector<ReceiptFacts> looked_;    // of built-in checks, until the tree is measured
  std::optional<ReceiptFacts> failed_;  // of the check that is run a second time
  int jobs_started_ = 0;
  bool on_base_ = false;
  bool finished_ = false;
  VerifyResult result_;
};

}  // namespace muster
