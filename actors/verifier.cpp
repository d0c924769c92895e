#include "actors/verifier.hpp"

#include <algorithm>
#include <utility>

#include "actors/receipt_minter.hpp"
#include "actors/test_guard.hpp"
#include "runtime/core/findings.hpp"
#include "runtime/core/flaky.hpp"
#include "runtime/core/test_paths.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;

constexpr auto request_deadline = 30s;
constexpr std::size_t kept_tail = 6000;
constexpr std::size_t slurp_bytes = 4U << 20U;
constexpr std::size_t refused_bytes = 4096;  // of a command that is told to the mission

std::vector<std::string> fingerprints_of(const std::string& output) {
  std::vector<std::string> out;
  for (const auto& finding : parse_findings(output))
    if (finding.severity == "error") out.push_back(finding.fingerprint);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

/// Pool thread.
Result<std::vector<ReviewFinding>> tampering_of(VersionControl& tree, const OpenFiles& open,
                                                const VerifySpec& spec, const Snapshot& snapshot,
                                                const Diff& diff) {
  auto files = open(snapshot.path);
  if (!files) return files.error();
  return guard_tests(tree, **files, {spec.key, diff.files, spec.planned});
}

}  // namespace

Verifier::Verifier(compat::Self<verifier_actor> self, VerifySpec spec, VerifyDeps deps,
                   mission_actor owner)
    : self_(self), spec_(std::move(spec)), deps_(std::move(deps)), owner_(std::move(owner)) {
  result_.intent = spec_.intent;
}

Verifier::~Verifier() {
  compat::demonitor(self_, owner_);  // else the owner keeps a note of it, and that its memory
}

compat::Behavior<verifier_actor> Verifier::make_behavior() {
  compat::on_stop(self_, [this](const compat::End&) {
    fail({ErrorCode::cancelled, "stopped", spec_.id});
  });
  compat::on_down(self_, [this](const caf::actor_addr&, const compat::End&) {
    fail({ErrorCode::cancelled, "its mission ended", spec_.id});
  });
  compat::monitor(self_, owner_);
  open_tree();
  return {
      [](resume_atom, Continuation& next) { next.run(); },
      [this](stop_atom) {
        fail({ErrorCode::cancelled, "stopped", spec_.id});
      },
      [this](job_done_atom, const JobReceiptPtr& receipt) { on_job(receipt); },
  };
}

void Verifier::open_tree() {
  blocking(
      [tree = deps_.tree, open = deps_.open_files, spec = spec_]() -> Result<Opened> {
        auto snapshot =
            spec.commit.empty() ? tree->existing(spec.key) : tree->checkout(spec.key, spec.commit);
        if (!snapshot) return snapshot.error();
        auto hash = tree->tree_hash(spec.key);
        if (!hash) return hash.error();
        Opened opened{*snapshot, *hash, {}, {}};
        if (!spec.commit.empty()) return opened;  // nobody has worked in it
        auto diff = tree->diff(spec.key, 0);
        if (!diff) return diff.error();
        opened.diff = std::move(*diff);
        if (!spec.guards_tests) return opened;
        auto findings = tampering_of(*tree, open, spec, opened.snapshot, opened.diff);
        if (!findings) return findings.error();
        opened.findings = std::move(*findings);
        return opened;
      },
      [this](const Result<Opened>& opened) {
        if (finished_) return;
        if (!opened) return fail(opened.error());
        on_open(*opened);
      });
}

void Verifier::on_open(const Opened& opened) {
  root_ = opened.snapshot.path;
  result_.tree = opened.hash;
  changed_ = opened.diff.files;
  for (const auto& file : changed_) result_.changed.push_back(file.path);
  result_.findings = opened.findings;
  if (!spec_.task.empty() && (deps_.syntax || deps_.open_code)) return check_text();
  check_diagnostics();
}

/// The cheapest comes first: what does not parse, or imports what is not there, is not built.
void Verifier::check_text() {
  blocking(
      [open = deps_.open_files, code = deps_.open_code, tree = deps_.tree, judge = deps_.syntax,
       candidate = Candidate{spec_.key, root_, changed_, spec_.tests}] {
        return ground(*tree, open, code, judge, candidate);
      },
      [this](const Result<Grounding>& grounded) {
        if (finished_) return;
        if (!grounded) return fail(grounded.error());
        result_.findings.insert(result_.findings.end(), grounded->findings.begin(),
                                grounded->findings.end());
        put_first(*grounded);
        check_diagnostics();
      });
}

/// The tests that the change can reach come before the others, unless they are among those anyway.
void Verifier::put_first(const Grounding& grounded) {
  std::vector<Check> first;
  int number = 0;
  for (const auto& tests : grounded.targeted) {
    Check check{
        spec_.task + reached_check + std::to_string(++number), tests.command, tests.cwd, {}};
    if (!deps_.guard(check.command, root_, RunRight::all)) continue;  // a choice of ours, no duty
    const bool known =
        std::any_of(spec_.checks.begin(), spec_.checks.end(), [&](const Check& other) {
          return other.command == check.command && other.cwd == check.cwd;
        });
    if (!known) first.push_back(std::move(check));
  }
  spec_.checks.insert(spec_.checks.begin(), first.begin(), first.end());
}

bool Verifier::rejected() const {
  return std::any_of(result_.findings.begin(), result_.findings.end(),
                     [](const ReviewFinding& finding) { return finding.severity == "error"; });
}

void Verifier::next_check() {
  if (next_ >= spec_.checks.size()) return check_new_test();
  const auto& check = spec_.checks[next_];
  if (check.command.empty()) return run_builtin(check);
  run_command(check, root_);
}

void Verifier::run_command(const Check& check, const std::string& root) {
  if (auto allowed = deps_.guard(check.command, root, RunRight::all); !allowed) {
    compat::send(self_, owner_, command_refused_atom_v,
                 CommandRefused{spec_.id, "engine", spec_.task,
                                std::string(bounded_head(check.command, refused_bytes)),
                                allowed.error().message});
    result_.findings.push_back({"", 0, "verification refused: " + allowed.error().text(), "error"});
    if (on_base_) return finish();
    ++next_;
    return next_check();
  }
  StartJob start;
  start.epoch = spec_.epoch;
  start.spec.id = spec_.id + ".J" + std::to_string(++jobs_started_);
  start.spec.owner = {spec_.mission, spec_.id, spec_.task};
  start.spec.kind = JobKind::verification;
  start.spec.command = check.command;
  start.spec.process.argv = {"/bin/bash", "-c", check.command};
  start.spec.process.cwd = check.cwd.empty() ? root : root + "/" + check.cwd;
  start.spec.process.deadline = spec_.deadline;
  start.spec.process.unset_env = deps_.hidden_env;
  start.owner = compat::typed<job_owner>(compat::untyped(compat::handle_of<verifier_actor>(self_)));
  compat::request(
      self_, deps_.jobs, request_deadline, [](const JobStarted&) {},
      [this](const Error& error) { fail(error); }, start_atom_v, start);
}

void Verifier::on_job(const JobReceiptPtr& receipt) {
  if (finished_) return;
  if (receipt->failure) return fail(*receipt->failure);
  const auto& exit = receipt->exit;
  if (exit.start_error) return fail(*exit.start_error);
  if (exit.killed && !exit.timed_out)
    return fail({ErrorCode::cancelled, "the check was killed", spec_.id});
  if (on_base_) {
    // A test that cannot even be built on the old code fails there, too: that is what a new test
    // shall do.
    if (!exit.success()) return finish();
    ++next_base_;
    return next_base_check();
  }
  ReceiptFacts facts;
  facts.command = receipt->command;
  facts.exit_code = exit.exit_code;
  facts.signal = exit.signal;
  facts.timed_out = exit.timed_out;
  facts.started_at_ms = exit.started_at_ms;
  facts.duration_ms = exit.duration_ms;
  facts.output_digest = exit.output_digest;
  auto clean = strip_terminal_escapes(exit.output);
  facts.output_tail = std::string(bounded_tail(clean, kept_tail));
  if (!exit.success()) facts.fingerprints = fingerprints_of(exit.output);
  measure(std::move(facts));
}

void Verifier::run_builtin(const Check& check) {
  blocking(
      [open = deps_.open_files, root = root_, builtin = check.builtin,
       judge = deps_.builtin_check]() -> Result<std::string> {
        auto files = open(root);
        if (!files) return files.error();
        auto content = (*files)->slurp(builtin.path, slurp_bytes);
        if (!content) return content.error();
        if (!content->has_value()) return std::string(builtin.path + " does not exist");
        return judge(builtin, **content);
      },
      [this, check](const Result<std::string>& problem) {
        if (finished_) return;
        ReceiptFacts facts;
        facts.command = "builtin " + check.builtin.check + " " + check.builtin.path;
        facts.started_at_ms = deps_.wall_ms();
        auto text = problem ? *problem : problem.error().text();
        facts.exit_code = text.empty() ? 0 : 1;
        facts.output_tail = text;
        if (!text.empty()) facts.fingerprints = {text};
        facts.check = check.name;
        looked_.push_back(std::move(facts));
        ++next_;
        const bool more = next_ < spec_.checks.size() && spec_.checks[next_].command.empty();
        more ? next_check() : measure_looked();
      });
}

Result<std::string> Verifier::hash_after(VersionControl& tree, const std::string& key) {
  auto hash = tree.tracked_hash(key);
  if (!hash) return hash;
  if (auto cleaned = tree.clean_untracked(key); !cleaned) return cleaned.error();
  return hash;
}

/// Built-in checks run nothing: what the tree is after the last of several in a row is what it was
/// for all of them, or all of them prove nothing.
void Verifier::measure_looked() {
  blocking([tree = deps_.tree, key = spec_.key] { return hash_after(*tree, key); },
           [this](const Result<std::string>& hash) {
             if (finished_) return;
             if (!hash) return fail(hash.error());
             for (auto& facts : std::exchange(looked_, {})) {
               facts.tree_before = result_.tree;
               facts.tree_after = *hash;
               result_.receipts.push_back(ReceiptMinter::mint(std::move(facts)));
             }
             after_receipts();
           });
}

/// The tree must be the same after the check as before it: else the receipt proves nothing.
void Verifier::measure(ReceiptFacts facts) {
  blocking([tree = deps_.tree, key = spec_.key] { return hash_after(*tree, key); },
           [this, facts = std::move(facts)](const Result<std::string>& hash) {
             if (finished_) return;
             if (!hash) return fail(hash.error());
             auto complete = facts;
             complete.check = spec_.checks[next_].name;
             complete.tree_before = result_.tree;
             complete.tree_after = *hash;
             if (wants_second_run(complete)) {
               failed_ = std::move(complete);
               return run_command(spec_.checks[next_], root_);
             }
             keep(std::move(complete));
           });
}

/// A failure that the change cannot have caused, on a tree that the check left as it was.
bool Verifier::wants_second_run(const ReceiptFacts& failed) const {
  bool failure = failed.exit_code > 0 && failed.signal == 0 && !failed.timed_out;
  if (!failure || failed_ || !spec_.runs_again || spec_.checks[next_].command.empty() ||
      failed.tree_after != result_.tree)
    return false;
  return !change_may_reach(result_.changed, parse_findings(failed.output_tail));
}

void Verifier::keep(ReceiptFacts facts) {
  auto first = std::exchange(failed_, std::nullopt);
  facts.flaky = first && facts.exit_code == 0 && facts.signal == 0 && !facts.timed_out;
  if (facts.flaky) {
    auto failures = parse_findings(first->output_tail);
    auto what = failures.empty() ? std::string() : ": " + failures.front().message;
    result_.findings.push_back({"", 0,
                                "flaky: '" + facts.command +
                                    "' failed, and passed when it was run again on the same tree; "
                                    "what changed cannot have been the reason" +
                                    what,
                                "warning"});
  }
  result_.receipts.push_back(ReceiptMinter::mint(std::move(facts)));
  ++next_;
  after_receipts();
}

void Verifier::after_receipts() {
  const auto& receipts = result_.receipts;
  const bool failed = std::any_of(receipts.begin(), receipts.end(), [](const Receipt& receipt) {
    const auto& check = receipt.facts().check;
    return !receipt.passed() && check != diagnostics_check && !is_reached_check(check);
  });
  if (spec_.stops_at_failure && failed) return finish();
  next_check();
}

/// A change of behaviour wants a test that fails on the base and passes now.
void Verifier::check_new_test() {
  bool behaviour = std::any_of(result_.changed.begin(), result_.changed.end(), is_source_path);
  bool all_passed =
      !rejected() && std::all_of(result_.receipts.begin(), result_.receipts.end(),
                                 [](const Receipt& receipt) { return receipt.passed(); });
  if (!spec_.wants_new_test || !behaviour || !all_passed) return finish();
  std::vector<std::string> tests;
  std::copy_if(result_.changed.begin(), result_.changed.end(), std::back_inserter(tests),
               is_test_path);
  if (!tests.empty()) return open_base(tests);
  result_.findings.push_back(
      {"", 0,
       "behaviour changed, but no test did: add a test that fails without the change, or say in "
       "submit_result.test_exempt_reason why none is needed",
       "error"});
  finish();
}

void Verifier::open_base(const std::vector<std::string>& tests) {
  on_base_ = true;
  holds_base_ = true;
  blocking(
      [tree = deps_.tree, spec = spec_, tests]() -> Result<Snapshot> {
        auto commit = tree->commit(spec.key, {"work in progress of " + spec.task, {}, {}});
        if (!commit) return commit.error();
        auto snapshot = tree->checkout(spec.key + "-base", spec.base);
        if (!snapshot) return snapshot;
        if (auto laid = tree->overlay(spec.key + "-base", *commit, tests); !laid)
          return laid.error();
        return snapshot;
      },
      [this](const Result<Snapshot>& snapshot) {
        if (finished_) return release_base();
        if (!snapshot) return fail(snapshot.error());
        base_root_ = snapshot->path;
        next_base_check();
      });
}

void Verifier::next_base_check() {
  while (next_base_ < spec_.checks.size() && spec_.checks[next_base_].command.empty()) ++next_base_;
  if (next_base_ < spec_.checks.size()) return run_command(spec_.checks[next_base_], base_root_);
  result_.findings.push_back(
      {"", 0, "the changed tests pass without the change, too: they do not test it", "error"});
  finish();
}

void Verifier::finish() {
  if (finished_) return;
  finished_ = true;
  release_base();
}

/// The tree of the base goes back to the pool before the result is told; so does a failed
/// verification's.
void Verifier::release_base() {
  if (!holds_base_) return tell();
  on_base_ = false;
  holds_base_ = false;
  blocking([tree = deps_.tree, key = spec_.key + "-base"] { return tree->release(key); },
           [this](const Status&) { tell(); });
}

void Verifier::tell() {
  compat::send(self_, owner_, verified_atom_v,
               std::make_shared<const VerifyResult>(std::move(result_)));
  compat::quit(self_);
}

void Verifier::fail(const Error& error) {
  if (finished_) return;
  finished_ = true;
  result_.failure = error;
  compat::request(
      self_, deps_.jobs, request_deadline, [this](std::uint64_t) { release_base(); },
      [this](const Error&) { release_base(); }, kill_scope_atom_v,
      JobFilter{spec_.mission, {}, spec_.id, {}});
}

}  // namespace muster
