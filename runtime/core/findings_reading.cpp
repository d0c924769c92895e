#include "runtime/core/findings_reading.hpp"

#include <algorithm>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t max_message = 400;
constexpr std::size_t max_name = 400;  // of a file or a test

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void bound(std::string& text) { text = one_line(text, max_name); }

}  // namespace

OutputCursor::OutputCursor(std::string_view text)
    : text_(text), lines_(split_lines(text, text.size() + 1)) {}

std::string_view OutputCursor::ahead(std::size_t n) const {
  return n > max_look_ahead || n >= lines_.size() - at_ ? std::string_view() : lines_[at_ + n];
}

std::string_view OutputCursor::back(std::size_t n) const {
  return n > at_ ? std::string_view() : lines_[at_ - n];
}

std::string_view OutputCursor::rest() const {
  return text_.substr(static_cast<std::size_t>(lines_[at_].data() - text_.data()));
}

void OutputCursor::skip_to(std::size_t end) {
  const auto* stop = rest().data() + end;
  while (at_ + skip_ + 1 < lines_.size() && lines_[at_ + skip_ + 1].data() < stop) ++skip_;
}

void OutputCursor::advance() {
  auto now = line();
  if (!trim(now).empty() && indent_of(now) == 0) heading = now;
  at_ += 1 + skip_;
  skip_ = 0;
}

void FindingSink::add(Finding finding) {
  // However many warnings there are, errors have room.
  if (finding.severity != "error" && ++warnings_ > max_findings / 2) return;
  bound(finding.file);
  bound(finding.test);
  finding.fingerprint = fingerprint_of(finding.tool, finding.test, finding.message + finding.code);
  if (finding.test.empty()) {
    if (!full() && seen_.insert(finding.fingerprint).second) found_.push_back(std::move(finding));
    return;
  }
  auto [known, is_new] = tests_.try_emplace(finding.tool + "\n" + finding.test, found_.size());
  if (is_new) {
    if (full()) {
      tests_.erase(known);
      return;
    }
    seen_.insert(finding.fingerprint);
    found_.push_back(std::move(finding));
    return;
  }
  // Tools name a failing test as it ends and once more with the reason: one finding, with it.
  auto& before = found_[known->second];
  if (before.message == before.test && finding.message != finding.test) {
    seen_.insert(finding.fingerprint);
    before = std::move(finding);
  } else if (finding.message != finding.test && seen_.insert(finding.fingerprint).second &&
             !full()) {
    found_.push_back(std::move(finding));  // it fails for another reason, too
  }
}

bool FindingSink::any_error() const {
  return std::any_of(found_.begin(), found_.end(),
                     [](const Finding& finding) { return finding.severity == "error"; });
}

bool FindingSink::knows_test(std::string_view tool, std::string_view name) const {
  return std::any_of(found_.begin(), found_.end(), [&](const Finding& finding) {
    if (finding.tool != tool || !std::string_view(finding.test).ends_with(name)) return false;
    auto before = finding.test.size() - name.size();
    return before == 0 || finding.test[before - 1] == '.';
  });
}

Finding make_finding(const char* tool, std::string_view message, std::string_view severity) {
  Finding out;
  out.tool = tool;
  out.severity = std::string(severity);
  out.message = one_line(bounded_head(message, 8 * max_message), max_message);
  return out;
}

std::optional<int> number_at(std::string_view text, std::size_t& at) {
  auto from = at;
  int value = 0;
  while (at < text.size() && is_digit(text[at]) && at - from < 9)
    value = value * 10 + (text[at++] - '0');
  if (at == from) return std::nullopt;
  return value;
}

namespace {

/// Takes ":<number>" off the end.
std::optional<int> take_number(std::string_view& text) {
  auto from = text.size();
  while (from > 0 && text.size() - from < 9 && is_digit(text[from - 1])) --from;
  if (from == text.size() || from < 2 || text[from - 1] != ':') return std::nullopt;
  auto at = from;
  auto value = number_at(text, at);
  text = text.substr(0, from - 1);
  return value;
}

}  // namespace

std::optional<Place> place_of(std::string_view text) {
  auto last = take_number(text);
  if (!last) return std::nullopt;
  Place out;
  out.line = *last;
  if (auto line = take_number(text)) {
    out.column = out.line;
    out.line = *line;
  }
  if (text.starts_with("file://")) text.remove_prefix(7);
  out.file = std::string(text);
  return out;
}

void set_place(Finding& finding, const Place& place) {
  finding.file = place.file;
  finding.line = place.line;
  finding.column = place.column;
}

std::optional<Place> javascript_frame(std::string_view line) {
  auto text = trim(line);
  if (!text.starts_with("at ")) return std::nullopt;
  for (const char* foreign : {"node_modules", "node:", "(internal/", "<anonymous>:"})
    if (text.find(foreign) != std::string_view::npos) return std::nullopt;
  text.remove_prefix(3);
  if (auto open = text.rfind('('); open != std::string_view::npos && text.ends_with(')'))
    text = text.substr(open + 1, text.size() - open - 2);
  else if (text.starts_with("async "))
    text.remove_prefix(6);
  return place_of(text);
}

std::size_t indent_of(std::string_view line) {
  return std::min(line.find_first_not_of(" \t"), line.size());
}

std::optional<std::string_view> after_prefix(std::string_view line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return std::nullopt;
  return trim(line.substr(prefix.size()));
}

}  // namespace muster
