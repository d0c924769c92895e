#include "runtime/core/map_words.hpp"

#include <algorithm>
#include <array>

#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t kMaxText = 64U << 10U;
constexpr std::size_t kMinWord = 3;

bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_other_letter(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool is_letter(char c) { return is_upper(c) || is_lower(c) || is_digit(c) || is_other_letter(c); }
bool is_name(char c) { return is_letter(c) || c == '_' || c == '$'; }

/// Words that say nothing about which code is meant.
bool is_fill_word(std::string_view word) {
  static constexpr std::array<std::string_view, 48> fill{
      "add",    "all",  "also", "and",  "any",  "are",   "can",  "change",    "code", "does",
      "file",   "fix",  "for",  "from", "get",  "has",   "have", "implement", "into", "its",
      "make",   "must", "need", "new",  "not",  "now",   "one",  "only",      "our",  "set",
      "should", "so",   "some", "src",  "than", "that",  "the",  "them",      "then", "there",
      "these",  "this", "use",  "was",  "when", "which", "with", "your"};
  return std::find(fill.begin(), fill.end(), word) != fill.end();
}

bool word_begins(std::string_view name, std::size_t at) {
  const char here = name[at];
  const char before = name[at - 1];
  if (!is_letter(before)) return true;
  if (!is_upper(here)) return false;
  const bool last_of_capitals =
      is_upper(before) && at + 1 < name.size() && is_lower(name[at + 1]);  // "HTTPClient"
  return !is_upper(before) || last_of_capitals;
}

template <class Visit>
void each_name(std::string_view text, Visit visit) {
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = at;
    while (at < text.size() && is_name(text[at])) ++at;
    if (at > begin) visit(text.substr(begin, at - begin));
    if (at == begin) ++at;
  }
}

/// Whether the text has the part, not within a longer word.
bool has_whole(std::string_view text, std::string_view part) {
  if (part.empty()) return false;
  for (auto at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    const auto end = at + part.size();
    const bool left = at == 0 || !is_name(text[at - 1]);
    const bool right = end == text.size() || !is_name(text[end]);
    if (left && right) return true;
  }
  return false;
}

std::string_view stem_of(std::string_view path) {
  const auto name = base_name(path);
  const auto dot = name.find('.', 1);
  return name.substr(0, dot);
}

}  // namespace

std::vector<std::string> words_of_name(std::string_view name) {
  std::vector<std::string> out;
  bool open = false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!is_letter(name[i])) {
      open = false;
      continue;
    }
    if (!open || (i > 0 && word_begins(name, i))) out.emplace_back();
    open = true;
    out.back() += is_upper(name[i]) ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
  }
  return out;
}

TaskWords::TaskWords(std::string_view text) : text_(bounded_head(text, kMaxText)) {
  each_name(text_, [this](std::string_view name) {
    if (name.size() < kMinWord) return;
    auto lower = to_lower(name);
    for (auto& word : words_of_name(name))
      if (word.size() >= kMinWord && !is_fill_word(word)) words_.insert(std::move(word));
    if (is_fill_word(lower)) return;
    names_.emplace(name);
    lower_.insert(std::move(lower));
  });
}

double TaskWords::fit_of_words(std::string_view name) const {
  std::size_t all = 0;
  std::size_t known = 0;
  for (const auto& word : words_of_name(name)) {
    if (word.size() < kMinWord) continue;
    ++all;
    // "lease" and "leases" are about the same.
    const bool here = words_.contains(word) || words_.contains(word + 's') ||
                      (word.ends_with('s') && words_.contains(word.substr(0, word.size() - 1)));
    known += here ? 1U : 0U;
  }
  if (known == 0) return 0;
  // One word of several is most often chance: "error" is in every other name.
  const double chance = known == 1 && all > 1 ? 0.3 : 1;
  return chance * static_cast<double>(known) / static_cast<double>(all);
}

double TaskWords::fit_of_name(std::string_view name) const {
  if (names_.empty()) return 0;
  if (names_.contains(std::string(name))) return 1;
  if (lower_.contains(to_lower(name))) return 0.6;
  return 0.4 * fit_of_words(name);
}

double TaskWords::fit_of_path(std::string_view path) const {
  if (names_.empty()) return 0;
  if (has_whole(text_, path)) return 1;
  const auto name = base_name(path);
  if (name.find('.') != std::string_view::npos && has_whole(text_, name)) return 1;
  return 0.5 * fit_of_words(stem_of(path));
}

}  // namespace muster
