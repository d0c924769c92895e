#pragma once
// The inner step of SHA-256: inner part of sha256, open for its tests.

#include <cstddef>
#include <cstdint>

namespace muster::detail {

/// Takes `count` blocks of 64 bytes into the eight words of state.
using Sha256Compress = void (*)(std::uint32_t* state, const std::uint8_t* blocks,
                                std::size_t count);

/// FIPS 180-4, 6.2.2, word for word.
void sha256_compress_portable(std::uint32_t* state, const std::uint8_t* blocks,
                              std::size_t count) noexcept;

/// The one for this machine: the processor's own SHA-256 instructions where it has them.
Sha256Compress sha256_compress_fastest() noexcept;

}  // namespace muster::detail
