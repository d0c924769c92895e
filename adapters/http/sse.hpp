#pragma once
// Server-sent events, cut out of a byte stream.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster::http {

/// One event. Both views live until the next call of the parser.
struct SseEvent {
  std::string_view type;  ///< empty = "message"
  std::string_view data;  ///< the data lines, joined by "\n"
};

/// Incremental parser after the WHATWG EventSource rules: any chunk boundaries, LF, CR LF and CR, a
/// byte order mark, comments, several data lines. Events whose bytes lie in one chunk are handed
/// out without a copy. Not thread-safe.
///
///   parser.feed(chunk);
///   while (auto event = parser.next()) use(*event);
class SseParser {
 public:
  /// `max_event_bytes` bounds a line and the data of an event.
  explicit SseParser(std::size_t max_event_bytes = std::size_t{8} << 20U)
      : max_event_bytes_(max_event_bytes) {}

  /// Takes the next bytes; they must stay where they are until next() has returned nullopt, which
  /// must happen before the following feed().
  void feed(std::string_view chunk) { rest_ = chunk; }

  /// The next complete event; nullopt when more bytes are needed, or for ever after an overflow.
  std::optional<SseEvent> next();

  /// At the end of the stream: the event that lacks its blank line, if any. EventSource drops such
  /// an event; some model providers end their streams so.
  std::optional<SseEvent> finish();

  /// A line or an event was larger than the bound.
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
  /// Value of the last "id" field.
  [[nodiscard]] const std::string& last_event_id() const noexcept { return last_event_id_; }
  /// Value of the last "retry" field, in milliseconds.
  [[nodiscard]] std::optional<std::int64_t> retry_ms() const noexcept { return retry_ms_; }

 private:
  bool take_line(std::string_view& line, bool& borrowed);
  void field(std::string_view line, bool borrowed);
  void add_data(std::string_view value, bool borrowed);
  void park();
  void forget_event();
  std::optional<SseEvent> dispatch();
  void overflow();

  std::size_t max_event_bytes_;
  std::string_view rest_;       ///< of the chunk, not yet looked at
  std::string line_;            ///< a line that began in an earlier chunk
  std::string_view data_view_;  ///< the only data line so far, inside the chunk
  std::string data_;            ///< the data lines, when they had to be copied
  std::size_t data_lines_ = 0;
  std::string type_;
  std::string last_event_id_;
  std::optional<std::int64_t> retry_ms_;
  bool line_is_done_ = false;  ///< line_ was used and is to be emptied
  bool handed_out_ = false;    ///< the event's views are in use until the next call
  bool skip_lf_ = false;       ///< the last chunk ended in CR
  bool at_start_ = true;       ///< a byte order mark may come
  bool overflowed_ = false;
};

}  // namespace muster::http
