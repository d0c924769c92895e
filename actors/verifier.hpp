#pragma once
// Runs the checks of one verification on one tree and mints their receipts: command, exit code,
// time, and the hash of the tree before and after. Lives as long as the verification.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/diagnostics_check.hpp"
#include "actors/grounding.hpp"
#include "actors/languages.hpp"
#include "actors/pool_work.hpp"
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
  bool stops_at_failure = false;  ///< what comes after the first check that fails is not run
  /// The project's own tests that can be relied on: of these, those that the change can reach are
  /// run first, where the runner can be told to.
  std::vector<ProjectCommand> tests;
  /// What language servers say about the changed files is held against what they say about the
  /// base, and may take so long; nullopt: they are not asked.
  std::optional<std::chrono::milliseconds> diagnostics;
};

struct VerifyDeps {
  jobs_actor jobs;
  std::shared_ptr<VersionControl> tree;
  Blocking* blocking = nullptr;
  OpenFiles open_files;
  OpenCode open_code;  ///< empty: imports are not checked, and no tests are run first
  CommandGuard guard;
  /// Judges a built-in check ("parses", "matches", "exists") on a file's content: "" or what is
  /// wrong. Pool thread.
  std::function<Result<std::string>(const Verification& check, const std::string& content)>
      builtin_check;
  JudgeSyntax syntax;  ///< empty: not looked for. Pool thread.
  LanguageAccess languages;
  std::function<std::int64_t()> wall_ms;
  std::vector<std::string> hidden_env;
};

/// The state of a verification's actor.
///   verifier.cpp              the checks, one after the other
///   verifier_diagnostics.cpp  what language servers say, before the first command
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
  void check_text();
  void put_first(const Grounding& grounded);
  void check_diagnostics();
  // Diagnostics
  struct Version {
    FileTexts texts;
    DiagnosticsPlan plan;
  };
  struct Diagnosing {
    DiagnosticsComparison both;
    std::vector<ServerQuestion> asked;  // of the version at hand
    std::size_t next = 0;
    bool at_base = false;
    std::string base_root;
    compat::TimePoint until;
    std::int64_t started_at_ms = 0;
  };
  void ask_servers(DiagnosticsPlan plan);
  void ask_next_server();
  void take_answer(const Result<LanguageAnswerPtr>& said);
  void read_base();
  void open_base_for_servers(const Result<FileTexts>& texts);
  void conclude_diagnostics();
  [[nodiscard]] bool rejected() const;
  void next_check();
  void run_command(const Check& check, const std::string& root);
  void run_builtin(const Check& check);
  void on_job(const JobReceiptPtr& receipt);
  void measure(ReceiptFacts facts);
  void after_receipts();
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
  void blocking(Work work, Then then) {
    run_on_pool(*deps_.blocking, compat::handle_of<verifier_actor>(self_), std::move(work),
                std::move(then));
  }

  compat::Self<verifier_actor> self_;
  VerifySpec spec_;
  VerifyDeps deps_;
  mission_actor owner_;
  std::string root_;
  std::vector<FileChange> changed_;
  std::string base_root_;  // while the new tests are tried on the old code
  std::size_t next_ = 0;
  std::size_t next_base_ = 0;
  std::vector<ReceiptFacts> looked_;    // of built-in checks, until the tree is measured
  std::optional<ReceiptFacts> failed_;  // of the check that is run a second time
  int jobs_started_ = 0;
  bool on_base_ = false;     // checks run there
  bool holds_base_ = false;  // its tree is lent
  std::unique_ptr<Diagnosing> diagnosing_;
  bool finished_ = false;
  VerifyResult result_;
};

}  // namespace muster
