#include "adapters/files/line_reader.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "adapters/files/text_edit.hpp"

namespace muster::files {
namespace {

/// A longer line is cut in what is shown; its bytes are still counted.
constexpr std::size_t kept_line_bytes = 4096;
/// So much is read at most behind the shown lines, to say how many there are.
constexpr std::size_t counted_bytes = 256U << 20U;

/// Takes a file in pieces, keeps the asked lines as text and counts the others.
class LineWindow {
 public:
  LineWindow(std::size_t first, std::size_t count) : first_(first), end_(first + count) {}

  bool take(std::string_view piece) {
    bytes_ += piece.size();
    while (!piece.empty()) {
      const std::size_t at = piece.find('\n');
      add(piece.substr(0, at));
      if (at == std::string_view::npos) return go_on();
      end_line();
      piece.remove_prefix(at + 1);
    }
    return go_on();
  }

  void finish() {
    if (in_line_) end_line();
  }

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::size_t lines() const { return number_ - 1; }
  [[nodiscard]] std::size_t next() const { return next_; }
  [[nodiscard]] bool counted_all() const { return counted_all_; }

 private:
  void add(std::string_view part) {
    in_line_ = true;
    line_bytes_ += part.size();
    if (wanted())
      line_ += part.substr(0, kept_line_bytes - std::min(kept_line_bytes, line_.size()));
  }

  [[nodiscard]] bool wanted() const { return !full_ && number_ >= first_ && number_ < end_; }

  void end_line() {
    if (wanted()) {
      // The part that was not kept counts too: numbered_line says how much is missing.
      if (line_bytes_ == line_.size() && line_.ends_with('\r')) line_.pop_back();
      std::string shown = numbered_line(number_, line_);
      if (line_bytes_ > kept_line_bytes)
        shown += " (the line has " + std::to_string(line_bytes_) + " bytes)";
      if (text_.size() + shown.size() + 1 > max_read_bytes) {
        full_ = true;
      } else {
        text_ += shown + "\n";
        next_ = number_ + 1;
      }
    }
    ++number_;
    line_.clear();
    line_bytes_ = 0;
    in_line_ = false;
  }

  bool go_on() {
    counted_all_ = bytes_ < counted_bytes || number_ < end_;
    return counted_all_;
  }

  std::size_t first_;
  std::size_t end_;
  std::size_t number_ = 1;
  std::size_t next_ = 0;
  std::size_t bytes_ = 0;
  std::size_t line_bytes_ = 0;
  std::string line_;
  std::string text_;
  bool in_line_ = false;
  bool full_ = false;
  bool counted_all_ = true;
};

Result<std::string> start_of(const OpenFile& file, const std::string& path) {
  std::string start;
  const auto take = [&](std::string_view piece) {
    start = piece.substr(0, 8000);
    return false;
  };
  if (auto read = read_chunks(file, path, take); !read) return read.error();
  return start;
}

}  // namespace

Result<ToolText> read_lines(const OpenFile& file, const std::string& path, int first, int count) {
  if (first < 0 || count < 0)
    return Error{ErrorCode::invalid_argument, "lines are counted from 1", path};
  auto start = start_of(file, path);
  if (!start) return start.error();
  if (looks_binary(*start))
    return ToolText{"(binary file, " + std::to_string(file.info.st_size) + " bytes)", false};
  if (start->empty()) return ToolText{"(empty file)", false};
  const int wanted = count == 0 ? max_read_lines : std::min(count, max_read_lines);
  const auto from = static_cast<std::size_t>(std::max(first, 1));
  LineWindow window{from, static_cast<std::size_t>(wanted)};
  const auto take = [&](std::string_view piece) { return window.take(piece); };
  if (auto read = read_chunks(file, path, take); !read) return read.error();
  window.finish();
  if (window.next() == 0 && from > window.lines())
    return Error{ErrorCode::invalid_argument,
                 "the file has " + std::to_string(window.lines()) + " lines", path};
  ToolText result{window.text(), false};
  const std::size_t next = std::max(window.next(), from);
  if (next > window.lines() && window.counted_all()) return result;
  const std::string more =
      window.counted_all() ? std::to_string(window.lines() + 1 - next) : std::string{"many"};
  result.text += "… " + more + " more lines: read from line " + std::to_string(next) + "\n";
  // A range that was asked for is whole, even when the file goes on.
  result.truncated = count == 0 || next < from + static_cast<std::size_t>(count);
  return result;
}

}  // namespace muster::files
