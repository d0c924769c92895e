#include "runtime/core/sha256.hpp"

#include <algorithm>
#include <cstring>

#include "runtime/core/sha256_compress.hpp"

namespace muster {
namespace {

constexpr std::array<std::uint32_t, 8> kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

}  // namespace

Sha256::Sha256() noexcept : state_(kInitial) {}

void Sha256::compress(std::size_t count, const std::uint8_t* blocks) noexcept {
  detail::sha256_compress_fastest()(state_.data(), blocks, count);
}

void Sha256::update(std::string_view bytes) noexcept { update(bytes.data(), bytes.size()); }

void Sha256::update(const void* data, std::size_t size) noexcept {
  if (size == 0) return;
  const auto* at = static_cast<const std::uint8_t*>(data);
  total_ += size;
  if (used_ > 0) {
    const auto take = std::min(size, block_.size() - used_);
    std::memcpy(block_.data() + used_, at, take);
    used_ += take;
    at += take;
    size -= take;
    if (used_ < block_.size()) return;
    compress(1, block_.data());
    used_ = 0;
  }
  const auto whole = size / block_.size();
  compress(whole, at);
  at += whole * block_.size();
  size -= whole * block_.size();
  if (size > 0) std::memcpy(block_.data(), at, size);
  used_ = size;
}

void Sha256::pad() noexcept {
  const std::uint64_t bits = total_ * 8;
  block_[used_++] = 0x80;
  if (used_ > 56) {
    std::memset(block_.data() + used_, 0, block_.size() - used_);
    compress(1, block_.data());
    used_ = 0;
  }
  std::memset(block_.data() + used_, 0, 56 - used_);
  for (std::size_t i = 0; i < 8; ++i)
    block_[56 + i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  compress(1, block_.data());
}

std::array<std::uint8_t, 32> Sha256::digest() const noexcept {
  Sha256 padded = *this;
  padded.pad();
  std::array<std::uint8_t, 32> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<std::uint8_t>(padded.state_[i / 4] >> (24 - 8 * (i % 4)));
  }
  return out;
}

std::string Sha256::hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  out.reserve(64);
  for (const auto byte : digest()) {
    out.push_back(kDigits[byte >> 4U]);
    out.push_back(kDigits[byte & 15U]);
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 sum;
  sum.update(bytes);
  return sum.hex();
}

}  // namespace muster
