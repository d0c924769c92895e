#include "adapters/files/text_edit.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <utility>

#include "runtime/core/text.hpp"

namespace muster::files {
namespace {

using Lines = std::vector<std::string_view>;

constexpr std::size_t shown_places = 12;
constexpr std::size_t shown_lines = 24;
constexpr std::size_t shown_line_bytes = 2000;
/// Above these the search for something similar would cost more than it helps.
constexpr std::size_t searched_lines = 50'000;
constexpr std::size_t searched_block = 400;

std::vector<std::size_t> find_all(std::string_view content, std::string_view wanted) {
  std::vector<std::size_t> found;
  for (std::size_t at = content.find(wanted); at != std::string_view::npos;
       at = content.find(wanted, at + wanted.size()))
    found.push_back(at);
  return found;
}

std::size_t line_of(std::string_view content, std::size_t at) {
  return 1 + static_cast<std::size_t>(
                 std::count(content.begin(), content.begin() + static_cast<long>(at), '\n'));
}

std::string squeezed(std::string_view line) {
  std::string text;
  for (const char c : line)
    if (std::isspace(static_cast<unsigned char>(c)) == 0) text += c;
  return text;
}

std::vector<std::string> squeezed_all(const Lines& lines) {
  std::vector<std::string> all;
  all.reserve(lines.size());
  for (const std::string_view line : lines) all.push_back(squeezed(line));
  return all;
}

std::string block_text(const Lines& lines, std::size_t first, std::size_t count) {
  std::string text;
  const std::size_t end = std::min(lines.size(), first + std::min(count, shown_lines));
  for (std::size_t i = first; i < end; ++i) text += numbered_line(i + 1, lines[i]) + "\n";
  if (count > shown_lines) text += "… " + std::to_string(count - shown_lines) + " more lines\n";
  return text;
}

std::string range_text(std::size_t first, std::size_t count) {
  if (count == 1) return "line " + std::to_string(first + 1);
  return "lines " + std::to_string(first + 1) + "-" + std::to_string(first + count);
}

/// Share of byte pairs that two texts have in common, 0 to 1 (Dice's coefficient).
double likeness(const std::string& a, const std::string& b) {
  if (a == b) return a.empty() ? 0.0 : 1.0;
  if (a.size() < 2 || b.size() < 2) return 0.0;
  std::map<std::pair<char, char>, int> pairs;
  for (std::size_t i = 0; i + 1 < a.size(); ++i) ++pairs[{a[i], a[i + 1]}];
  std::size_t shared = 0;
  for (std::size_t i = 0; i + 1 < b.size(); ++i) {
    const auto at = pairs.find({b[i], b[i + 1]});
    if (at == pairs.end() || at->second == 0) continue;
    --at->second;
    ++shared;
  }
  return 2.0 * static_cast<double>(shared) / static_cast<double>(a.size() + b.size() - 2);
}

/// Where a block stands in the file when white space does not count.
std::optional<std::size_t> find_loosely(const std::vector<std::string>& file,
                                        const std::vector<std::string>& block) {
  const auto at = std::search(file.begin(), file.end(), block.begin(), block.end());
  if (at == file.end()) return std::nullopt;
  return static_cast<std::size_t>(at - file.begin());
}

/// The start of the window of the file that is most like the block; nullopt when nothing is.
std::optional<std::size_t> find_nearest(const std::vector<std::string>& file,
                                        const std::vector<std::string>& block) {
  // The line that says most stands for the block: comparing all lines with all would be quadratic.
  const auto anchor =
      std::max_element(block.begin(), block.end(), [](const auto& a, const auto& b) {
        return std::min<std::size_t>(a.size(), 200) < std::min<std::size_t>(b.size(), 200);
      });
  const std::string wanted = anchor->substr(0, 200);
  const auto offset = static_cast<std::size_t>(anchor - block.begin());
  double best = 0.5;
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < file.size(); ++i) {
    double score = likeness(wanted, file[i].substr(0, 200));
    if (score < 0.5) continue;
    const std::size_t start = i >= offset ? i - offset : 0;
    for (std::size_t k = 0; k < block.size() && start + k < file.size(); ++k)
      if (!block[k].empty() && file[start + k] == block[k]) score += 1.0;
    if (score <= best) continue;
    best = score;
    found = start;
  }
  return found;
}

/// The text looks like copied output of read(): every line begins with its number.
bool has_line_numbers(const Lines& lines) {
  return !lines.empty() && std::all_of(lines.begin(), lines.end(), [](std::string_view line) {
    const std::size_t digits = line.find_first_not_of(' ');
    if (digits == std::string_view::npos ||
        std::isdigit(static_cast<unsigned char>(line[digits])) == 0)
      return false;
    const std::size_t end = line.find_first_not_of("0123456789", digits);
    return end != std::string_view::npos && line[end] == '\t';
  });
}

Error not_there(std::string_view content, std::string_view old_text) {
  const std::string first = "old_text was not found";
  const Lines block = split_lines(old_text);
  if (has_line_numbers(block))
    return Error{ErrorCode::not_found,
                 first + ": it contains the line numbers that read shows; leave them out"};
  const Lines lines = split_lines(content, searched_lines);
  if (block.empty() || block.size() > searched_block)
    return Error{ErrorCode::not_found, first + "; read the file again"};
  const std::vector<std::string> file_text = squeezed_all(lines);
  const std::vector<std::string> block_squeezed = squeezed_all(block);
  const bool blank = std::all_of(block_squeezed.begin(), block_squeezed.end(),
                                 [](const std::string& line) { return line.empty(); });
  if (blank) return Error{ErrorCode::not_found, first + ": it is white space only"};
  if (const auto at = find_loosely(file_text, block_squeezed))
    return Error{ErrorCode::not_found, first + ", but " + range_text(*at, block.size()) +
                                           " differ only in white space. The file has:\n" +
                                           block_text(lines, *at, block.size())};
  if (const auto at = find_nearest(file_text, block_squeezed)) {
    const std::size_t count = std::min(block.size(), lines.size() - *at);
    return Error{ErrorCode::not_found, first + ". The nearest is " + range_text(*at, count) +
                                           ":\n" + block_text(lines, *at, count)};
  }
  return Error{ErrorCode::not_found, first + ", nor anything like it; read the file again"};
}

Error too_many(std::string_view content, const std::vector<std::size_t>& places) {
  std::string text = "old_text is there " + std::to_string(places.size()) + " times, in lines ";
  for (std::size_t i = 0; i < std::min(places.size(), shown_places); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(line_of(content, places[i]));
  if (places.size() > shown_places) text += ", …";
  return Error{ErrorCode::conflict,
               text + ": add lines around it until it is unique, or ask for all of them"};
}

}  // namespace

std::string numbered_line(std::size_t number, std::string_view line) {
  std::string text = std::to_string(number);
  if (text.size() < 6) text.insert(0, 6 - text.size(), ' ');
  text += '\t';
  const std::string_view kept = bounded_head(line, shown_line_bytes);
  text += valid_utf8(kept);
  if (kept.size() < line.size())
    text += "… " + std::to_string(line.size() - kept.size()) + " more bytes in this line";
  return text;
}

bool looks_binary(std::string_view start) {
  return start.substr(0, 8000).find('\0') != std::string_view::npos;
}

Result<std::string> edit_text(std::string_view content, std::string_view old_text,
                              std::string_view new_text, bool all) {
  if (old_text.empty())
    return Error{ErrorCode::invalid_argument, "old_text is empty; to make a whole file use write"};
  std::string wanted{old_text};
  std::string fresh{new_text};
  if (uses_crlf(content)) {
    wanted = to_crlf(wanted);
    fresh = to_crlf(fresh);
  }
  if (wanted == fresh)
    return Error{ErrorCode::invalid_argument,
                 "old_text and new_text are the same: nothing would change"};
  const std::vector<std::size_t> places = find_all(content, wanted);
  if (places.empty()) return not_there(content, old_text);
  if (places.size() > 1 && !all) return too_many(content, places);
  std::string result;
  std::size_t at = 0;
  for (const std::size_t place : places) {
    result += content.substr(at, place - at);
    result += fresh;
    at = place + wanted.size();
  }
  result += content.substr(at);
  return result;
}

}  // namespace muster::files
