#include "runtime/core/sha256.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstddef>
#include <string>

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
