#pragma once
// Evidence: what a job actor saw when it ran a command. "Done" is built from these and from nothing
// else.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace muster {

/// The facts of one executed check.
struct ReceiptFacts {
  std::string check;    ///< stable name: "build", "test", "test:api", "M1.T2#1", "parses:src/a.py"
  std::string command;  ///< as it ran, for people; "builtin ..." for a built-in check
  int exit_code = -1;
  int signal = 0;
  bool timed_out = false;
  std::int64_t started_at_ms = 0;
  std::int64_t duration_ms = 0;
  std::string output_digest;              ///< SHA-256 of all output
  std::string output_tail;                ///< bounded; for people and fixers
  std::string tree_before;                ///< tree hash when it started ...
  std::string tree_after;                 ///< ... and when it ended
  std::vector<std::string> fingerprints;  ///< of the findings in its output, sorted, unique
  bool flaky = false;  ///< it failed, and passed when it was run again on the same tree
};

/// The check of a candidate by language servers. What it holds against the candidate stands among
/// the findings; it is no execution of what was changed.
inline constexpr const char* diagnostics_check = "diagnostics";
/// In the names of receipts of tests that were picked for a change. Nobody has seen that choice
/// pass before: it says something, and the project's own checks decide.
inline constexpr const char* reached_check = "#reached";
[[nodiscard]] inline bool is_reached_check(std::string_view check) noexcept {
  return check.find(reached_check) != std::string_view::npos;
}

struct ReceiptMinter;  // defined beside the job actor: the only maker of new receipts

/// An executed check. Cannot be made from a model's text: only the job side mints, only the journal
/// reads back.
class Receipt {
 public:
  [[nodiscard]] const ReceiptFacts& facts() const noexcept { return facts_; }
  [[nodiscard]] bool passed() const noexcept {
    return facts_.exit_code == 0 && facts_.signal == 0 && !facts_.timed_out;
  }
  /// Still speaks for `tree`: nothing changed while it ran or since.
  [[nodiscard]] bool fresh_for(const std::string& tree) const noexcept {
    return !tree.empty() && facts_.tree_before == tree && facts_.tree_after == tree;
  }

 private:
  friend struct ReceiptMinter;
  friend void from_json(const nlohmann::json& in, Receipt& out);
  friend void to_json(nlohmann::json& out, const Receipt& receipt);
  ReceiptFacts facts_;

 public:
  Receipt() = default;  ///< the empty receipt: never passed (exit code -1), fresh for nothing
};

void to_json(nlohmann::json& out, const Receipt& receipt);
void from_json(const nlohmann::json& in, Receipt& out);

}  // namespace muster
