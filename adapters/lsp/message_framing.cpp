#include "adapters/lsp/message_framing.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "runtime/core/text.hpp"

namespace muster::lsp {
namespace {

constexpr std::string_view header_end = "\r\n\r\n";
constexpr std::size_t shown_bytes = 80;

std::string shown(std::string_view line) {
  return "'" + one_line(line.substr(0, 4 * shown_bytes), shown_bytes) + "'";
}

/// The protocol knows Content-Length and Content-Type. Any other name is likelier to be a word that
/// was printed, as in "Warning: ...", than a field of a protocol to come.
constexpr std::string_view name_prefix = "content-";

/// Whether this is a name, or can become one.
bool is_name(std::string_view name) {
  const bool token = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
  return token && iequals(name.substr(0, name_prefix.size()), name_prefix.substr(0, name.size()));
}

bool is_whole_name(std::string_view name) {
  return name.size() > name_prefix.size() && is_name(name);
}

std::optional<std::size_t> number_of(std::string_view text) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error == std::errc::result_out_of_range) return max_body_bytes + 1;
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

/// A line that may end in the bytes to come.
bool can_be_line(std::string_view line) {
  const auto colon = line.find(':');
  if (colon != std::string_view::npos) return is_whole_name(line.substr(0, colon));
  return line.empty() || line == "\r" || is_name(line);
}

/// Whether bytes that may be a part of a head can become one: noise is told at once, not when
/// enough of it has come.
bool can_be_header(std::string_view bytes) {
  const auto first = bytes.substr(0, bytes.find("\r\n"));
  const bool whole = first.size() < bytes.size();
  if (whole && first.find(':') == std::string_view::npos) return false;
  if (!can_be_line(first)) return false;
  for (auto at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1))
    if (at == 0 || bytes[at - 1] != '\r') return false;
  return true;
}

}  // namespace

void FrameReader::feed(std::string_view bytes) {
  if (!error_) buffer_.append(bytes);
}

Result<std::optional<std::string>> FrameReader::next() {
  if (!error_ && !length_) {
    if (auto read = read_header(); !read) return read.error();
  }
  if (error_) return *error_;
  if (!length_ || left().size() < *length_) return std::optional<std::string>();
  std::optional<std::string> body(std::string(left().substr(0, *length_)));
  consume(*length_);
  length_.reset();
  return body;
}

/// Leaves length_ unset while the head is not whole.
Status FrameReader::read_header() {
  const auto bytes = left();
  const auto from = scanned_ < header_end.size() ? 0 : scanned_ - header_end.size();
  const auto end = bytes.find(header_end, from);
  const auto size = end == std::string_view::npos ? bytes.size() : end;
  scanned_ = bytes.size();
  if (!can_be_header(bytes.substr(0, size)))
    return fail(ErrorCode::malformed,
                "wrote something that is no message: " + shown(bytes.substr(0, bytes.find('\n'))));
  if (size > max_header_bytes)
    return fail(ErrorCode::limit_reached,
                "wrote a head of more than " + std::to_string(max_header_bytes) + " bytes");
  if (end == std::string_view::npos) return ok_status();
  std::optional<std::size_t> length;
  std::string_view rest = bytes.substr(0, end);
  while (!rest.empty()) {
    const auto stop = std::min(rest.find("\r\n"), rest.size());
    const auto line = rest.substr(0, stop);
    rest.remove_prefix(std::min(stop + 2, rest.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_whole_name(line.substr(0, colon)))
      return fail(ErrorCode::malformed, "wrote a head with the line " + shown(line));
    if (!iequals(line.substr(0, colon), "Content-Length")) continue;
    const auto number = number_of(trim(line.substr(colon + 1)));
    if (!number || (length && *length != *number))
      return fail(ErrorCode::malformed, "wrote a head with the line " + shown(line));
    length = number;
  }
  if (!length)
    return fail(ErrorCode::malformed,
                "wrote a head without Content-Length: " + shown(bytes.substr(0, end)));
  if (*length > max_body_bytes)
    return fail(ErrorCode::limit_reached,
                "announced a message of more than " + std::to_string(max_body_bytes) + " bytes");
  consume(end + header_end.size());
  length_ = length;
  return ok_status();
}

Error FrameReader::fail(ErrorCode code, std::string message) {
  error_ = Error{code, std::move(message)};
  buffer_ = {};
  begin_ = 0;
  length_.reset();
  return *error_;
}

void FrameReader::consume(std::size_t bytes) {
  begin_ += bytes;
  scanned_ = 0;
  // Moving what is left costs its size, so it is done when it is the smaller part.
  if (begin_ < buffer_.size() && begin_ < buffer_.size() / 2) return;
  if (begin_ == buffer_.size() && buffer_.capacity() > (1U << 20U))
    buffer_ = {};  // one large message does not keep its memory
  else
    buffer_.erase(0, begin_);
  begin_ = 0;
}

std::string frame(std::string_view body) {
  std::string out = "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  out.append(body);
  return out;
}

}  // namespace muster::lsp
