#include "runtime/core/test_tampering.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "runtime/core/test_cases.hpp"
#include "runtime/core/test_paths.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t max_paired = 200;  // changed assertions of one test

/// One side of a changed file.
struct Side {
  TestFileContent content;
  bool exists = false;
};

struct ChangedFile {
  const FileVersions* versions = nullptr;
  CodeLanguage language = CodeLanguage::none;
  Side before;
  Side after;
};

/// A test case of one side.
struct CaseRef {
  std::size_t file = 0;
  std::size_t index = 0;
};

using Multiset = std::map<std::string, int>;

bool take(Multiset& from, const std::string& key) {
  auto found = from.find(key);
  if (found == from.end() || found->second <= 0) return false;
  --found->second;
  return true;
}

// ---- Two assertions ----

/// They look at the same: an operand that is computed is the same in both.
bool same_subject(const TestAssertion& a, const TestAssertion& b) {
  for (std::size_t n = 0; n < a.args.size(); ++n)
    if (!a.literal[n] && std::find(b.args.begin(), b.args.end(), a.args[n]) != b.args.end())
      return true;
  return false;
}

std::optional<double> number_of(const std::string& arg) {
  auto equals = arg.rfind("= ");
  auto text = equals == std::string::npos ? arg : arg.substr(equals + 2);
  std::erase(text, ' ');
  char* end = nullptr;
  auto value = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool name_has(const TestAssertion& assertion, std::string_view part) {
  return to_lower(assertion.name).find(part) != std::string::npos;
}

bool is_near(const TestAssertion& assertion) {
  for (const char* part : {"close", "near", "almost", "delta", "epsilon", "approx", "within"})
    if (name_has(assertion, part)) return true;
  return assertion.args.size() == 3 && name_has(assertion, "equal");
}

/// Which way a bound is looser: 1 upwards, -1 downwards, 0 it is none.
int loose_direction(const TestAssertion& assertion, std::size_t arg) {
  // toBeCloseTo(x, 5) and places=5 count digits: fewer is looser.
  bool digits = assertion.name.find("toBeCloseTo") != std::string::npos ||
                assertion.args[arg].starts_with("places");
  if (is_near(assertion) && (arg >= 2 || assertion.args[arg].find("= ") != std::string::npos))
    return digits ? -1 : 1;
  // "3 < x" bounds x from below; so does a complaint when it is not so.
  int sign = arg == 0 ? -1 : 1;
  if (name_has(assertion, " if ")) sign = -sign;
  if (assertion.negated && !name_has(assertion, " if ")) sign = -sign;
  for (const char* part : {"less", " <", "_lt", "_le"})
    if (name_has(assertion, part)) return sign;
  for (const char* part : {"greater", " >", "_gt", "_ge"})
    if (name_has(assertion, part)) return -sign;
  return 0;
}

struct Verdict {
  const char* code = nullptr;  ///< nullptr: it demands no less
  const char* what = "";
};

constexpr Verdict no_less{};
constexpr Verdict edited{"expectation-edited", "the expected value was edited"};

/// pytest.approx(3, abs=0.1) and the like inside of an operand: the last number is the tolerance.
Verdict compare_approx(const std::string& before, const std::string& after) {
  auto last = [](const std::string& arg) { return arg.rfind(" , "); };
  auto a = last(before);
  auto b = last(after);
  if (a == std::string::npos || b == std::string::npos || before.substr(0, a) != after.substr(0, b))
    return edited;
  auto clean = [](std::string text) {
    std::erase(text, ')');
    return text;
  };
  auto x = number_of(clean(before.substr(a + 3)));
  auto y = number_of(clean(after.substr(b + 3)));
  if (!x || !y) return edited;
  return *y > *x ? Verdict{"tolerance-raised", "its tolerance was raised"} : no_less;
}

/// The text or pattern that is looked for became a longer one around it: that is harder to find.
bool says_more(const std::string& before, const std::string& after) {
  auto from = before.find_first_not_of("\"/^ ");
  auto to = before.find_last_not_of("\"/$ ");
  if (from == std::string::npos || to < from + 2) return false;
  auto core = before.substr(from, to - from + 1);
  bool alternative = after.find('|') != std::string::npos && core.find('|') == std::string::npos;
  return after.size() > before.size() && after.find(core) != std::string::npos && !alternative;
}

/// One operand of two assertions that are otherwise alike.
Verdict compare_operand(const TestAssertion& before, const TestAssertion& after, std::size_t n) {
  const auto& was = before.args[n];
  const auto& is = after.args[n];
  for (const char* near : {"pprox (", "WithinAbs (", "WithinRel ("})
    if (was.find(near) != std::string::npos && is.find(near) != std::string::npos)
      return compare_approx(was, is);
  bool both_literal = before.literal[n] && after.literal[n];
  bool option = was.find(" = ") != std::string::npos;
  if (!both_literal && !option && before.shapes[n] != after.shapes[n]) return no_less;
  auto direction = loose_direction(before, n);
  auto x = number_of(was);
  auto y = number_of(is);
  if (before.base_rank == AssertionRank::part && !before.negated && !x && says_more(was, is))
    return no_less;
  if (direction == 0 || !x || !y) return edited;
  if ((*y - *x) * direction <= 0) return no_less;
  return is_near(before) ? Verdict{"tolerance-raised", "its tolerance was raised"}
                         : Verdict{"assertion-weakened", "its bound was loosened"};
}

/// Both demand as much; whether of another value.
Verdict compare_operands(const TestAssertion& before, const TestAssertion& after) {
  if (before.name == after.name && before.args.size() == after.args.size()) {
    Verdict out;
    for (std::size_t n = 0; n < before.args.size() && !out.code; ++n)
      if (before.args[n] != after.args[n]) out = compare_operand(before, after, n);
    return out;
  }
  if (before.name == after.name && before.args.size() > after.args.size() &&
      before.base_rank == AssertionRank::part && before.literal.back())
    return {"assertion-weakened", "it no longer says what is expected"};
  // Another way to say the same must expect the same.
  auto literals = [](const TestAssertion& assertion) {
    std::set<std::string> out;
    for (std::size_t n = 0; n < assertion.args.size(); ++n)
      if (assertion.literal[n]) out.insert(assertion.args[n]);
    return out;
  };
  auto was = literals(before);
  auto is = literals(after);
  if (was.empty() || is.empty() || before.base_rank != after.base_rank) return no_less;
  bool shared =
      std::any_of(was.begin(), was.end(), [&](const std::string& arg) { return is.contains(arg); });
  return shared ? no_less : edited;
}

/// What became of an assertion that now stands as `after`, about the same subject.
Verdict compare(const TestAssertion& before, const TestAssertion& after) {
  if (after.rank == AssertionRank::nothing && before.rank > AssertionRank::nothing)
    return {"assertion-weakened", "it now holds whatever the code does"};
  if (before.negated != after.negated && before.base_rank == after.base_rank &&
      before.args == after.args)
    return {"expectation-edited", "it now demands the opposite"};
  if (after.rank < before.rank) return {"assertion-weakened", "it now demands less"};
  return after.rank > before.rank ? no_less : compare_operands(before, after);
}

// ---- The comparison ----

class Comparer {
 public:
  explicit Comparer(const std::vector<FileVersions>& files) {
    for (const auto& file : files) read(file);
  }

  std::vector<Finding> run() {
    pair_cases();
    count_surplus();
    for (std::size_t n = 0; n < files_.size(); ++n) judge_file(n);
    return std::move(found_);
  }

 private:
  void read(const FileVersions& versions) {
    ChangedFile file;
    file.versions = &versions;
    file.language = code_language(versions.path);
    auto size = [](const std::optional<std::string>& text) { return text ? text->size() : 0; };
    bool inline_tests = !is_test_path(versions.path);
    bool large = size(versions.before) > max_test_file || size(versions.after) > max_test_file;
    if (large && versions.before && file.language != CodeLanguage::none) {
      if (versions.guard != TestGuard::off)
        add(versions.path, 0, "", "not-compared", "too large to be compared: look at it",
            "warning");
      return;
    }
    auto side = [&](const std::optional<std::string>& text) {
      Side out;
      out.exists = text.has_value();
      if (text) out.content = read_test_file(file.language, *text);
      // What a source file asserts outside of its tests is its own business.
      if (inline_tests && text) out.content.cases.back().assertions.clear();
      return out;
    };
    file.before = side(versions.before);
    file.after = side(versions.after);
    files_.push_back(std::move(file));
  }

  void add(const std::string& file, int line, const std::string& test, const char* code,
           const std::string& message, const char* severity = nullptr) {
    if (found_.size() >= max_tampering_findings) return;
    Finding out;
    out.tool = "tampering";
    out.severity = severity ? severity : severity_;
    out.file = file;
    out.line = line;
    out.code = code;
    out.test = test;
    out.message = one_line(message, 400);
    out.fingerprint = fingerprint_of(out.tool, file + " " + test, out.message + out.code);
    found_.push_back(std::move(out));
  }

  // ---- Which test became which ----

  [[nodiscard]] const TestCase& old_case(CaseRef ref) const {
    return files_[ref.file].before.content.cases[ref.index];
  }
  [[nodiscard]] const TestCase& new_case(CaseRef ref) const {
    return files_[ref.file].after.content.cases[ref.index];
  }

  static std::string signature(const TestCase& one) {
    Multiset keys;
    for (const auto& assertion : one.assertions) ++keys[assertion.key()];
    std::string out = keys.empty() ? std::to_string(one.setup) : "";
    for (const auto& [key, count] : keys) out += key + "\n" + std::to_string(count) + "\n";
    return out;
  }

  /// Pairs what has the same key on both sides, in order.
  template <class Key>
  void pair_by(Key key) {
    std::multimap<std::string, std::size_t> known;
    for (std::size_t n = 0; n < new_left_.size(); ++n)
      known.emplace(key(new_left_[n], new_case(new_left_[n])), n);
    std::set<std::size_t> used;
    std::vector<CaseRef> left;
    for (auto ref : old_left_) {
      auto match = known.find(key(ref, old_case(ref)));
      if (match == known.end()) {
        left.push_back(ref);
        continue;
      }
      pairs_[ref.file].push_back({ref.index, new_left_[match->second]});
      used.insert(match->second);
      known.erase(match);
    }
    old_left_ = std::move(left);
    std::vector<CaseRef> still;
    for (std::size_t n = 0; n < new_left_.size(); ++n)
      if (!used.contains(n)) still.push_back(new_left_[n]);
    new_left_ = std::move(still);
  }

  void pair_cases() {
    pairs_.resize(files_.size());
    for (std::size_t n = 0; n < files_.size(); ++n) {
      // The last one is what is outside of all cases; it stays with its file.
      auto count = [](const Side& side) {
        return side.content.cases.empty() ? 0 : side.content.cases.size() - 1;
      };
      for (std::size_t k = 0; k < count(files_[n].before); ++k) old_left_.push_back({n, k});
      for (std::size_t k = 0; k < count(files_[n].after); ++k) new_left_.push_back({n, k});
    }
    auto at = [](CaseRef ref) { return std::to_string(ref.file) + "\n"; };
    pair_by([&](CaseRef ref, const TestCase& one) { return at(ref) + one.path; });
    pair_by([&](CaseRef ref, const TestCase& one) { return at(ref) + one.name; });
    pair_by([&](CaseRef ref, const TestCase& one) { return at(ref) + signature(one); });
    pair_by([](CaseRef, const TestCase& one) { return one.path; });
    pair_by([](CaseRef, const TestCase& one) { return signature(one); });
    pair_by([](CaseRef, const TestCase& one) { return one.name; });
    pair_renamed();
  }

  /// A test with another name that asserts all that the old one did, and more.
  void pair_renamed() {
    constexpr std::size_t most = 64;
    if (old_left_.size() > most || new_left_.size() > most) return;
    std::vector<CaseRef> left;
    for (auto ref : old_left_) {
      auto match = std::find_if(new_left_.begin(), new_left_.end(), [&](CaseRef other) {
        return other.file == ref.file && covers(new_case(other), old_case(ref));
      });
      if (match == new_left_.end()) {
        left.push_back(ref);
        continue;
      }
      pairs_[ref.file].push_back({ref.index, *match});
      new_left_.erase(match);
    }
    old_left_ = std::move(left);
  }

  static bool covers(const TestCase& now, const TestCase& then) {
    if (then.assertions.empty()) return false;
    Multiset keys;
    for (const auto& assertion : now.assertions) ++keys[assertion.key()];
    return std::all_of(then.assertions.begin(), then.assertions.end(),
                       [&](const TestAssertion& assertion) { return take(keys, assertion.key()); });
  }

  /// Assertions that a test has now and had not, and those of new tests: what moved is found there.
  void count_surplus() {
    for (auto ref : new_left_) add_surplus(new_case(ref), nullptr);
    for (std::size_t n = 0; n < files_.size(); ++n) {
      for (auto [index, now] : pairs_[n])
        add_surplus(new_case(now), &files_[n].before.content.cases[index]);
      const auto& before = files_[n].before.content.cases;
      const auto& after = files_[n].after.content.cases;
      if (!after.empty()) add_surplus(after.back(), before.empty() ? nullptr : &before.back());
    }
  }

  void add_surplus(const TestCase& now, const TestCase* then) {
    Multiset had;
    if (then)
      for (const auto& assertion : then->assertions) ++had[assertion.key()];
    for (const auto& assertion : now.assertions) {
      auto key = assertion.key();
      if (take(had, key)) continue;
      ++surplus_[key];
      if (!now.path.empty()) ++tested_[key];
    }
  }

  // ---- What one file lost ----

  void judge_file(std::size_t n) {
    auto& file = files_[n];
    if (!file.before.exists || file.versions->guard == TestGuard::off) return;
    severity_ = file.versions->guard == TestGuard::warns ? "warning" : "error";
    if (file.language == CodeLanguage::other) return judge_unread(file);
    bool whole = file.after.exists && file.after.content.skipped && !file.before.content.skipped;
    if (whole)
      add(file.versions->path, 1, "", "test-skipped", "all tests of this file are now skipped");
    for (auto [index, now] : pairs_[n]) judge_pair(n, index, now, whole);
    judge_focus(n);
    if (file.after.exists) {
      auto rest = file.before.content.cases.empty() ? 0 : file.before.content.cases.size() - 1;
      if (!file.before.content.cases.empty() && !file.after.content.cases.empty())
        judge_assertions(n, file.before.content.cases[rest], n, file.after.content.cases.back());
    }
    judge_gone(n);
  }

  /// A language that is not read: only that a file of tests is gone can be seen.
  void judge_unread(const ChangedFile& file) {
    if (file.after.exists) return;
    bool moved = std::any_of(files_.begin(), files_.end(), [&](const ChangedFile& other) {
      return !other.before.exists && other.versions->after == file.versions->before;
    });
    if (!moved)
      add(file.versions->path, 0, "", "test-file-deleted", "this file of tests was deleted");
  }

  void judge_pair(std::size_t n, std::size_t index, CaseRef now_ref, bool whole) {
    const auto& then = files_[n].before.content.cases[index];
    const auto& now = new_case(now_ref);
    if (now.skipped && !then.skipped && !whole)
      add(files_[now_ref.file].versions->path, now.line, now.path, "test-skipped",
          "'" + now.path + "' is now skipped, or expected to fail");
    if (now.swallowed > then.swallowed && !then.assertions.empty())
      add(files_[now_ref.file].versions->path, now.line, now.path, "assertion-weakened",
          "'" + now.path + "' now swallows exceptions, and with them failed assertions");
    judge_assertions(n, then, now_ref.file, now);
  }

  void judge_focus(std::size_t n) {
    const auto& before = files_[n].before.content.cases;
    const auto& after = files_[n].after.content.cases;
    auto focused = [](const TestCase& one) { return one.focused; };
    if (before.size() < 2 || std::any_of(before.begin(), before.end(), focused)) return;
    auto found = std::find_if(after.begin(), after.end(), focused);
    if (found != after.end() && after.size() > 2)
      add(files_[n].versions->path, found->line, found->path, "test-focused",
          "only '" + found->path + "' runs now, the file's other tests do not");
  }

  void judge_assertions(std::size_t old_file, const TestCase& then, std::size_t new_file,
                        const TestCase& now) {
    Multiset kept;
    for (const auto& assertion : now.assertions) ++kept[assertion.key()];
    std::vector<const TestAssertion*> gone;
    for (const auto& assertion : then.assertions)
      if (!take(kept, assertion.key())) gone.push_back(&assertion);
    if (gone.empty()) return;
    Multiset stays;
    for (const auto& assertion : then.assertions) ++stays[assertion.key()];
    std::vector<const TestAssertion*> come;
    for (const auto& assertion : now.assertions)
      if (!take(stays, assertion.key())) come.push_back(&assertion);
    if (gone.size() <= max_paired && come.size() <= max_paired)
      pair_assertions(gone, come, new_file, now, then.setup != now.setup);
    std::erase_if(gone, [&](const TestAssertion* one) {
      return one->rank == AssertionRank::nothing || take(surplus_, one->key());
    });
    judge_replaced(old_file, then, new_file, now, gone, come);
  }

  static std::size_t best_match(const TestAssertion& before,
                                const std::vector<const TestAssertion*>& come) {
    auto best = come.size();
    int score = -1;
    for (std::size_t n = 0; n < come.size(); ++n) {
      if (!same_subject(before, *come[n])) continue;
      int mine = (come[n]->name == before.name ? 8 : 0) +
                 (compare(before, *come[n]).code == nullptr ? 4 : 0) +
                 static_cast<int>(come[n]->rank);
      if (mine > score) best = n, score = mine;
    }
    return best;
  }

  /// Takes out of both lists what is about the same subject, and judges it.
  void pair_assertions(std::vector<const TestAssertion*>& gone,
                       std::vector<const TestAssertion*>& come, std::size_t file,
                       const TestCase& now, bool setup_changed) {
    std::vector<const TestAssertion*> left;
    for (const auto* before : gone) {
      auto best = best_match(*before, come);
      if (best == come.size()) {
        left.push_back(before);
        continue;
      }
      const auto& after = *come[best];
      auto verdict = compare(*before, after);
      // What else changed may have moved the value of a variable; of a call it cannot be seen.
      bool unsure = setup_changed && verdict.code == edited.code && !calls(*before);
      if (verdict.code)
        add(files_[file].versions->path, after.line, now.path, verdict.code,
            std::string(verdict.what) + ": " + before->text() + " became " + after.text(),
            unsure ? "warning" : nullptr);
      come.erase(come.begin() + static_cast<std::ptrdiff_t>(best));
    }
    gone = std::move(left);
  }

  static bool calls(const TestAssertion& assertion) {
    for (std::size_t n = 0; n < assertion.args.size(); ++n)
      if (!assertion.literal[n] && assertion.args[n].find('(') != std::string::npos) return true;
    return false;
  }

  /// What is about other subjects than before may replace what is gone, when it demands as much.
  void judge_replaced(std::size_t old_file, const TestCase& then, std::size_t new_file,
                      const TestCase& now, std::vector<const TestAssertion*>& gone,
                      std::vector<const TestAssertion*>& come) {
    auto trivial = std::count_if(come.begin(), come.end(), [](const TestAssertion* one) {
      return one->rank == AssertionRank::nothing;
    });
    std::erase_if(come, [](const auto* one) { return one->rank == AssertionRank::nothing; });
    auto by_rank = [](const auto* a, const auto* b) { return a->rank > b->rank; };
    std::stable_sort(gone.begin(), gone.end(), by_rank);
    std::stable_sort(come.begin(), come.end(), by_rank);
    auto test = then.path;
    for (std::size_t n = 0; n < gone.size(); ++n) {
      if (n >= come.size()) {
        add(files_[old_file].versions->path, gone[n]->line, test, "assertion-removed",
            (trivial > 0 ? "replaced by what is always true: " : "no longer asserted: ") +
                gone[n]->text());
      } else if (come[n]->rank < gone[n]->rank) {
        add(files_[new_file].versions->path, come[n]->line, now.path, "assertion-weakened",
            gone[n]->text() + " was replaced by less: " + come[n]->text());
      }
    }
  }

  /// Tests that have become none.
  void judge_gone(std::size_t n) {
    auto& file = files_[n];
    std::vector<const TestCase*> gone;
    for (auto ref : old_left_)
      if (ref.file == n && !merged(old_case(ref))) gone.push_back(&old_case(ref));
    bool rest_gone = !file.after.exists && !file.before.content.cases.empty() &&
                     !merged(file.before.content.cases.back());
    if (!file.after.exists) {
      if (!gone.empty() || rest_gone)
        add(file.versions->path, gone.empty() ? 1 : gone.front()->line, "", "test-file-deleted",
            "this file of tests was deleted" +
                (gone.empty() ? std::string()
                              : ", with " + std::to_string(gone.size()) + " tests, first '" +
                                    gone.front()->path + "'"));
      return;
    }
    for (const auto* one : gone) {
      bool hidden =
          !one->name.empty() && file.versions->after->find(one->name) != std::string::npos;
      add(file.versions->path, one->line, one->path, "test-deleted",
          "'" + one->path + (hidden ? "' no longer runs as a test" : "' was deleted"));
    }
  }

  /// All that it asserts is asserted elsewhere now; a part of a test without assertions is none.
  bool merged(const TestCase& one) {
    if (one.assertions.empty()) return one.nested || one.path.empty();
    // Outside of all tests it may be in a function that nobody calls.
    auto& from = one.path.empty() ? surplus_ : tested_;
    std::vector<std::string> taken;
    for (const auto& assertion : one.assertions) {
      if (assertion.rank == AssertionRank::nothing) continue;
      auto key = assertion.key();
      if (take(from, key)) {
        taken.push_back(std::move(key));
        continue;
      }
      for (const auto& back : taken) ++from[back];
      return false;
    }
    return true;
  }

  std::vector<ChangedFile> files_;
  std::vector<CaseRef> old_left_;
  std::vector<CaseRef> new_left_;
  std::vector<std::vector<std::pair<std::size_t, CaseRef>>> pairs_;
  Multiset surplus_;  // assertions that are new where they stand, and
  Multiset tested_;   // those of them that stand in a test
  std::vector<Finding> found_;
  const char* severity_ = "error";  // of the file that is judged
};

}  // namespace

bool may_hold_tests(const std::string& path) {
  return is_test_path(path) || code_language(path) == CodeLanguage::rust;
}

std::vector<Finding> find_test_tampering(const std::vector<FileVersions>& files) {
  return Comparer(files).run();
}

}  // namespace muster
