#pragma once
// SHA-256 (FIPS 180-4).

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace muster {

/// A running digest. Copying it forks the digest. Not thread-safe.
class Sha256 {
 public:
  Sha256() noexcept;
  /// Adds bytes; any number of calls, any sizes.
  void update(std::string_view bytes) noexcept;
  void update(const void* data, std::size_t size) noexcept;
  /// The digest of everything so far. Leaves the state alone: more may be added afterwards.
  [[nodiscard]] std::array<std::uint8_t, 32> digest() const noexcept;
  /// digest() as 64 lower-case hex digits.
  [[nodiscard]] std::string hex() const;

 private:
  void pad() noexcept;
  void compress(std::size_t count, const std::uint8_t* blocks) noexcept;

  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> block_{};
  std::size_t used_ = 0;     ///< bytes in block_
  std::uint64_t total_ = 0;  ///< bytes seen
};

/// Digest of `bytes` as 64 lower-case hex digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace muster
