#include "adapters/http/sse.hpp"

#include <algorithm>
#include <charconv>

namespace muster::http {
namespace {

/// Position of the first CR or LF. Most streams have no CR: two fast scans beat one slow one.
std::size_t line_end(std::string_view text) {
  const auto lf = text.find('\n');
  const auto cr = text.substr(0, lf).find('\r');
  return cr == std::string_view::npos ? lf : cr;
}

}  // namespace

std::optional<SseEvent> SseParser::next() {
  if (handed_out_) forget_event();
  std::string_view line;
  bool borrowed = false;
  while (take_line(line, borrowed)) {
    if (line.empty()) {
      if (data_lines_ > 0) return dispatch();
      forget_event();
    } else {
      field(line, borrowed);
    }
    if (overflowed_) return std::nullopt;
  }
  park();
  return std::nullopt;
}

std::optional<SseEvent> SseParser::finish() {
  if (handed_out_) forget_event();
  if (overflowed_) return std::nullopt;
  if (!line_.empty() && !line_is_done_) field(line_, false);
  line_.clear();
  if (data_lines_ == 0 || overflowed_) return std::nullopt;
  return dispatch();
}

/// The next line without its end; `borrowed` says that it lies in the chunk. False: no whole line
/// left.
bool SseParser::take_line(std::string_view& line, bool& borrowed) {
  if (line_is_done_) line_.clear();
  line_is_done_ = false;
  if (skip_lf_ && !rest_.empty()) {
    if (rest_.front() == '\n') rest_.remove_prefix(1);
    skip_lf_ = false;
  }
  if (overflowed_ || rest_.empty()) return false;
  const auto end = line_end(rest_);
  const auto piece = rest_.substr(0, end);
  if (line_.size() + piece.size() > max_event_bytes_) {
    overflow();
    return false;
  }
  borrowed = line_.empty();
  if (end == std::string_view::npos) {
    line_ += piece;
    rest_ = {};
    return false;
  }
  skip_lf_ = rest_[end] == '\r';
  rest_.remove_prefix(end + 1);
  if (skip_lf_ && !rest_.empty()) {
    if (rest_.front() == '\n') rest_.remove_prefix(1);
    skip_lf_ = false;
  }
  if (!borrowed) {
    line_ += piece;
    line_is_done_ = true;
  }
  line = borrowed ? piece : std::string_view{line_};
  if (at_start_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  at_start_ = false;
  return true;
}

void SseParser::field(std::string_view line, bool borrowed) {
  if (at_start_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  at_start_ = false;
  const auto colon = line.find(':');
  const auto name = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    add_data(value, borrowed);
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_event_id_ = value;
  } else if (name == "retry") {
    std::int64_t ms = 0;
    const auto* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, ms);
    if (error == std::errc{} && stop == end && ms >= 0) retry_ms_ = ms;
  }
}

void SseParser::add_data(std::string_view value, bool borrowed) {
  if (data_.size() + data_view_.size() + value.size() + 1 > max_event_bytes_) return overflow();
  if (data_lines_ == 0 && borrowed) {
    data_view_ = value;
  } else {
    park();
    if (data_lines_ > 0) data_ += '\n';
    data_ += value;
  }
  ++data_lines_;
}

/// Keeps what still lies in the chunk.
void SseParser::park() {
  data_ += data_view_;
  data_view_ = {};
}

void SseParser::forget_event() {
  data_.clear();
  data_view_ = {};
  data_lines_ = 0;
  type_.clear();
  handed_out_ = false;
}

std::optional<SseEvent> SseParser::dispatch() {
  handed_out_ = true;
  return SseEvent{type_, data_view_.empty() ? std::string_view{data_} : data_view_};
}

void SseParser::overflow() {
  overflowed_ = true;
  rest_ = {};
  line_.clear();
  forget_event();
}

}  // namespace muster::http
