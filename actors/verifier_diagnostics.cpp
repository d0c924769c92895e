#include <algorithm>
#include <utility>

#include "actors/receipt_minter.hpp"
#include "actors/verifier.hpp"

// What language servers say about the files of a candidate: cheaper than any command, and said with
// file and line. New errors end it here. Whatever keeps a server from answering is said and is no
// verdict.

namespace muster {
namespace {

constexpr std::size_t slurp_bytes = 4U << 20U;
constexpr std::size_t max_files = 200;

std::string too_late(std::chrono::milliseconds most) {
  return "there was no answer within " + std::to_string(most.count()) +
         " ms (timeouts.diagnostics_ms)";
}

/// Pool thread.
FileTexts read_files(WorkspaceFiles& files, const std::vector<std::string>& paths) {
  FileTexts out;
  for (const auto& path : paths) {
    if (out.size() >= max_files) break;
    auto content = files.slurp(path, slurp_bytes);
    if (content && content->has_value()) out.emplace(path, std::move(**content));
  }
  return out;
}

}  // namespace

/// What is rejected for its text alone is asked nobody about, not built and not tested.
void Verifier::check_diagnostics() {
  if (rejected()) return finish();
  if (!spec_.diagnostics || spec_.task.empty() || !deps_.languages) return next_check();
  diagnosing_ = std::make_unique<Diagnosing>();
  diagnosing_->until = compat::now(self_) + *spec_.diagnostics;
  diagnosing_->started_at_ms = deps_.wall_ms();
  blocking(
      [open = deps_.open_files, root = root_, changed = result_.changed,
       port = deps_.languages.port]() -> Result<Version> {
        auto files = open(root);
        if (!files) return files.error();
        Version out{read_files(**files, changed), {}};
        out.plan = plan_diagnostics(*port, root, out.texts);
        return out;
      },
      [this](const Result<Version>& version) {
        if (finished_) return;
        if (!version) return fail(version.error());
        diagnosing_->both.texts = version->texts;
        ask_servers(version->plan);
      });
}

void Verifier::ask_servers(DiagnosticsPlan plan) {
  auto& found = diagnosing_->at_base ? diagnosing_->both.base_found : diagnosing_->both.found;
  found.leave_out(plan.unchecked);
  diagnosing_->asked = std::move(plan.questions);
  diagnosing_->next = 0;
  ask_next_server();
}

/// One after the other: a machine has the memory for one more at a time.
void Verifier::ask_next_server() {
  auto& at = *diagnosing_;
  if (at.next >= at.asked.size()) return at.at_base ? conclude_diagnostics() : read_base();
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(at.until - compat::now(self_));
  if (left.count() <= 0)
    return take_answer(Error{ErrorCode::timeout, too_late(*spec_.diagnostics)});
  const auto desk = deps_.languages.desk();
  if (!desk)
    return take_answer(Error{ErrorCode::unavailable, "the language servers are being restarted"});
  const auto& asked = at.asked[at.next];
  compat::request(
      self_, desk, left, [this](const LanguageAnswerPtr& answer) { take_answer(answer); },
      [this](const Error& error) {
        const bool late =
            error.code == ErrorCode::timeout && compat::now(self_) >= diagnosing_->until;
        take_answer(late ? Error{ErrorCode::timeout, too_late(*spec_.diagnostics)} : error);
      },
      ask_atom_v, asked.server.key, LanguageQuestionPtr(asked.question));
}

void Verifier::take_answer(const Result<LanguageAnswerPtr>& said) {
  if (finished_) return;
  auto& at = *diagnosing_;
  (at.at_base ? at.both.base_found : at.both.found).take(at.asked[at.next++], said);
  ask_next_server();
}

/// The base is looked at when there is something to compare with it.
void Verifier::read_base() {
  const auto faulty = diagnosing_->both.found.faulty();
  if (faulty.empty()) return conclude_diagnostics();
  blocking([tree = deps_.tree, key = spec_.key,
            faulty]() -> Result<FileTexts> { return tree->base_files(key, faulty, slurp_bytes); },
           [this](const Result<FileTexts>& texts) {
             if (!finished_) open_base_for_servers(texts);
           });
}

/// In a tree of its own: what a file means depends on the others.
void Verifier::open_base_for_servers(const Result<FileTexts>& texts) {
  if (!texts) return fail(texts.error());
  diagnosing_->both.base_texts = *texts;
  if (texts->empty()) return conclude_diagnostics();
  diagnosing_->at_base = true;
  holds_base_ = true;
  blocking(
      [tree = deps_.tree, spec = spec_, port = deps_.languages.port,
       texts = *texts]() -> Result<std::pair<std::string, DiagnosticsPlan>> {
        auto snapshot = tree->checkout(spec.key + "-base", spec.base);
        if (!snapshot) return snapshot.error();
        return std::pair(snapshot->path, plan_diagnostics(*port, snapshot->path, texts));
      },
      [this](const Result<std::pair<std::string, DiagnosticsPlan>>& base) {
        if (finished_) return;
        if (base) {
          diagnosing_->base_root = base->first;
          return ask_servers(base->second);
        }
        diagnosing_->both.base_problem = base.error().text();
        conclude_diagnostics();
      });
}

void Verifier::conclude_diagnostics() {
  auto& both = diagnosing_->both;
  if (both.base_problem.empty() && !both.base_found.unchecked.empty())
    both.base_problem = both.base_found.unchecked.begin()->first;
  auto findings = judge_diagnostics(both);
  std::shared_ptr<ReceiptFacts> facts = diagnostics_facts(both, findings);
  result_.findings.insert(result_.findings.end(), findings.begin(), findings.end());
  if (!diagnosing_->base_root.empty())
    compat::send(self_, deps_.languages.desk(), release_atom_v, diagnosing_->base_root);
  blocking(
      [tree = deps_.tree, key = spec_.key, base = std::exchange(holds_base_, false)] {
        if (base) (void)tree->release(key + "-base");
        return tree->tracked_hash(key);
      },
      [this, facts](const Result<std::string>& hash) {
        if (finished_) return;
        if (!hash) return fail(hash.error());
        if (facts) {
          facts->started_at_ms = diagnosing_->started_at_ms;
          facts->duration_ms = deps_.wall_ms() - diagnosing_->started_at_ms;
          facts->tree_before = result_.tree;
          facts->tree_after = *hash;
          result_.receipts.push_back(ReceiptMinter::mint(std::move(*facts)));
        }
        rejected() ? finish() : next_check();
      });
}

}  // namespace muster
