#include "runtime/core/sha256.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "runtime/core/sha256_compress.hpp"

using muster::Sha256;
using muster::sha256_hex;

TEST_CASE("SHA-256 gives the digests of the FIPS 180-4 examples", "[core][sha256]") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                   "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu") ==
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  CHECK(sha256_hex(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 does not depend on how the bytes are cut", "[core][sha256]") {
  std::string text;
  for (std::size_t i = 0; i < 300; ++i) text.push_back(static_cast<char>(i * 7));
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const auto whole = sha256_hex(text.substr(0, length));
    for (const std::size_t step : {1U, 3U, 55U, 56U, 63U, 64U, 65U, 128U}) {
      Sha256 sum;
      for (std::size_t at = 0; at < length; at += step) {
        sum.update(text.data() + at, std::min(step, length - at));
      }
      REQUIRE(sum.hex() == whole);
    }
  }
}

TEST_CASE("SHA-256 can be read while it runs, and forked", "[core][sha256]") {
  Sha256 sum;
  sum.update("ab");
  const Sha256 fork = sum;
  CHECK(sum.hex() == sha256_hex("ab"));
  sum.update("c");
  CHECK(sum.hex() == sha256_hex("abc"));
  CHECK(fork.hex() == sha256_hex("ab"));
}

TEST_CASE("SHA-256 by the processor's instructions equals the portable one", "[core][sha256]") {
  std::array<std::uint32_t, 8> portable = {1, 2, 3, 4, 5, 6, 7, 8};
  std::array<std::uint32_t, 8> fastest = portable;
  std::mt19937 random(20261121);
  std::vector<std::uint8_t> blocks;
  for (std::size_t count = 0; count <= 40; ++count) {
    blocks.resize(64 * count);
    for (auto& byte : blocks) byte = static_cast<std::uint8_t>(random());
    muster::detail::sha256_compress_portable(portable.data(), blocks.data(), count);
    muster::detail::sha256_compress_fastest()(fastest.data(), blocks.data(), count);
    REQUIRE(portable == fastest);
  }
  // The words of the empty message, so that both being wrong in the same way does not pass.
  std::array<std::uint32_t, 8> empty = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::vector<std::uint8_t> padding(64);
  padding[0] = 0x80;
  muster::detail::sha256_compress_portable(empty.data(), padding.data(), 1);
  CHECK(empty[0] == 0xe3b0c442);
  CHECK(empty[7] == 0x7852b855);
}
