#include "messages/errors.hpp"

#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>
#include <catch2/catch_test_macros.hpp>
#include <string>

namespace muster {

TEST_CASE("every error goes through CAF and back without loss") {
  init_message_types();
  for (int code = 0; code <= static_cast<int>(ErrorCode::internal); ++code) {
    Error error{static_cast<ErrorCode>(code), "what \"happened\"", "where:1"};
    auto as_caf = to_caf(error);
    CHECK(as_caf);  // code 0 is an error, too
    CHECK(from_caf(as_caf) == error);
    CHECK(caf::to_string(as_caf).find(to_string(error.code)) == 0);
  }
  Error empty{ErrorCode::timeout, "", ""};
  CHECK(from_caf(to_caf(empty)) == empty);
}

TEST_CASE("what CAF itself reports has a class of ours") {
  init_message_types();
  auto code = [](const caf::error& error) { return from_caf(error).code; };
  CHECK(code(caf::make_error(caf::sec::request_timeout)) == ErrorCode::timeout);
  CHECK(code(caf::make_error(caf::sec::request_receiver_down)) == ErrorCode::unavailable);
  CHECK(code(caf::make_error(caf::sec::broken_promise)) == ErrorCode::unavailable);
  CHECK(code(caf::make_error(caf::sec::unexpected_message)) == ErrorCode::internal);
  CHECK(code(caf::make_error(caf::exit_reason::user_shutdown)) == ErrorCode::cancelled);
  CHECK(code(caf::make_error(caf::exit_reason::kill)) == ErrorCode::cancelled);
  CHECK(code(caf::error{}) == ErrorCode::internal);
  auto text =
      from_caf(caf::make_error(caf::sec::runtime_error, std::string("type"), "boo")).message;
  CHECK(text.find("boo") != std::string::npos);
}

TEST_CASE("faults have the names of their codes") {
  Fault fault{};
  CHECK(from_string("not_found", fault));
  CHECK(to_string(fault) == "not_found");
  CHECK_FALSE(from_string("no such thing", fault));
  CHECK(from_integer(0, fault));
  CHECK(to_string(fault) == "none");
  CHECK_FALSE(from_integer(200, fault));
}

}  // namespace muster
