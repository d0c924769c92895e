#include "runtime/core/code_places.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t line_bytes = 200;
constexpr std::size_t shown_lines = 5;

/// Bytes beyond ASCII are parts of letters.
bool is_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return std::isalnum(byte) != 0 || c == '_' || c == '$' || byte >= 0x80;
}

std::optional<std::size_t> find_word(std::string_view line, std::string_view name) {
  for (auto at = line.find(name); at != std::string_view::npos; at = line.find(name, at + 1)) {
    const auto end = at + name.size();
    const bool begins = at == 0 || !is_word(line[at - 1]) || !is_word(name.front());
    const bool ends = end == line.size() || !is_word(line[end]) || !is_word(name.back());
    if (begins && ends) return at;
  }
  return std::nullopt;
}

/// Lines, from 1, that hold the name, the nearest first.
std::vector<std::int64_t> lines_with(const TextPositions& text, std::int64_t line,
                                     std::string_view name) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < text.lines(); ++i)
    if (find_word(text.line(i), name)) out.push_back(static_cast<std::int64_t>(i) + 1);
  std::stable_sort(out.begin(), out.end(), [line](std::int64_t left, std::int64_t right) {
    return std::abs(left - line) < std::abs(right - line);
  });
  if (out.size() > shown_lines) out.resize(shown_lines);
  return out;
}

Error not_there(const TextPositions& text, std::int64_t line, std::string_view name) {
  std::string message = "line " + std::to_string(line) + " does not hold '" + std::string(name);
  message += "'";
  if (line >= 1 && static_cast<std::size_t>(line) <= text.lines())
    message += ": " + one_line(text.line(static_cast<std::size_t>(line) - 1), line_bytes);
  else
    message += ": there are " + std::to_string(text.lines()) + " lines";
  const auto others = lines_with(text, line, name);
  std::string list;
  for (const auto other : others) list += (list.empty() ? "" : ", ") + std::to_string(other);
  message += list.empty() ? "; the file does not have it at all" : "; it is on: " + list;
  return {ErrorCode::invalid_argument, message};
}

}  // namespace

Result<std::size_t> find_name(const TextPositions& text, std::int64_t line, std::string_view name) {
  if (name.empty()) return Error{ErrorCode::invalid_argument, "argument 'name' is empty"};
  if (line < 1 || static_cast<std::size_t>(line) > text.lines()) return not_there(text, line, name);
  const auto at = find_word(text.line(static_cast<std::size_t>(line) - 1), name);
  if (!at) return not_there(text, line, name);
  return text.offset({line - 1, 0}, TextEncoding::utf8) + *at;
}

std::string describe_place(const TextPositions& text, const TextRange& range,
                           TextEncoding encoding) {
  const auto at = text.convert(range.start, encoding, TextEncoding::utf16);
  return std::to_string(at.line + 1) + ":" + std::to_string(at.character + 1) + ": " +
         one_line(text.line(static_cast<std::size_t>(std::max<std::int64_t>(at.line, 0))),
                  line_bytes);
}

Result<std::string> apply_edits(const std::string& text, const FileEdits& edits,
                                TextEncoding encoding, std::string_view expected) {
  const TextPositions positions(text);
  struct Cut {
    std::size_t from;
    std::size_t to;
    const std::string* text;
  };
  std::vector<Cut> cuts;
  const Error changed{ErrorCode::conflict, "the file has changed meanwhile"};
  for (const auto& edit : edits.edits) {
    if (positions.text_of(edit.range, encoding) != expected) return changed;
    const auto from = positions.offset(edit.range.start, encoding);
    cuts.push_back({from, from + expected.size(), &edit.new_text});
  }
  std::sort(cuts.begin(), cuts.end(),
            [](const Cut& left, const Cut& right) { return left.from < right.from; });
  std::string out;
  std::size_t done = 0;
  for (const auto& cut : cuts) {
    if (cut.from < done) return changed;
    out.append(text, done, cut.from - done);
    out += *cut.text;
    done = cut.to;
  }
  out.append(text, done);
  return out;
}

}  // namespace muster
