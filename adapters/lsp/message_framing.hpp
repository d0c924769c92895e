#pragma once
// The frames of the Language Server Protocol's base protocol: a head with Content-Length, a body.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/core/result.hpp"

namespace muster::lsp {

inline constexpr std::size_t max_header_bytes = 8U << 10U;
inline constexpr std::size_t max_body_bytes = 64U << 20U;

/// Cuts a byte stream into bodies, wherever it is split. A stream that breaks the protocol has no
/// next frame that could be found again, so the first error stays. Pure; not thread-safe.
class FrameReader {
 public:
  /// Adds bytes. After an error they are dropped.
  void feed(std::string_view bytes);

  /// The next whole body; nullopt until more bytes have come. Errors: malformed (what stands there
  /// is no head; the message shows it), limit_reached (head or body above its bound).
  [[nodiscard]] Result<std::optional<std::string>> next();

  /// Whether a frame has begun that has not ended: at the end of a stream, it was cut off.
  [[nodiscard]] bool in_frame() const noexcept { return length_.has_value() || !left().empty(); }

 private:
  [[nodiscard]] std::string_view left() const noexcept {
    return std::string_view(buffer_).substr(begin_);
  }
  Status read_header();
  Error fail(ErrorCode code, std::string message);
  void consume(std::size_t bytes);

  std::string buffer_;
  std::size_t begin_ = 0;              ///< what stands before is consumed
  std::size_t scanned_ = 0;            ///< of left(): holds no end of a head
  std::optional<std::size_t> length_;  ///< of the body that follows
  std::optional<Error> error_;
};

/// A body with its head.
[[nodiscard]] std::string frame(std::string_view body);

}  // namespace muster::lsp
