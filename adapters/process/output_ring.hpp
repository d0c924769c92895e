#pragma once
// The last bytes of a stream.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

/// Keeps the last `capacity` bytes that were added; memory grows with what is kept. Not
/// thread-safe.
class OutputRing {
 public:
  explicit OutputRing(std::size_t capacity) : capacity_(capacity) {}

  void add(std::string_view bytes);
  /// The last `max_bytes` of what is kept.
  [[nodiscard]] std::string tail(std::size_t max_bytes) const;
  /// Bytes added, kept or not.
  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

 private:
  std::size_t capacity_;
  std::string data_;      ///< once full: the oldest byte stands at next_
  std::size_t next_ = 0;  ///< once full: where the next byte goes
  std::uint64_t total_ = 0;
};

}  // namespace muster
