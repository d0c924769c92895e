// Questions between actors: when their deadlines go.
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "tests/support/virtual_time.hpp"

namespace muster {
namespace {

using namespace std::chrono_literals;
using test::VirtualTime;

using sphinx_actor = caf::typed_actor<result<std::uint64_t>(check_atom, std::uint64_t)>;

/// Answers when it is asked the next time.
class Sphinx {
 public:
  explicit Sphinx(compat::Self<sphinx_actor> self) : self_(self) {}
  compat::Behavior<sphinx_actor> make_behavior() {
    return {[this](check_atom, std::uint64_t value) -> caf::result<std::uint64_t> {
      if (waiting_) {
        std::exchange(waiting_, std::nullopt)->deliver(value);
        return value;
      }
      waiting_ = compat::promise<std::uint64_t>(self_);
      return *waiting_;
    }};
  }
  static constexpr const char* name = "sphinx";

 private:
  compat::Self<sphinx_actor> self_;
  std::optional<compat::Promise<std::uint64_t>> waiting_;
};

}  // namespace

TEST_CASE("S6 the deadline of a question goes when the answer has come, or who asked has ended") {
  VirtualTime time;
  auto sphinx = time.spawn<Sphinx, sphinx_actor>();
  auto open = time.begin<std::uint64_t>(sphinx, check_atom_v, std::uint64_t{1});
  time.run();
  CHECK_FALSE(open.done());
  CHECK(time.timers() == 1);
  SECTION("answered") {
    REQUIRE(time.ask<std::uint64_t>(sphinx, check_atom_v, std::uint64_t{2}).ok());
    CHECK(open.done());
    CHECK(time.timers() == 0);
  }
  SECTION("who asked has ended: nothing may keep it in memory until the deadline") {
    compat::kill(open.asker);
    time.run();
    CHECK(time.timers() == 0);
  }
  SECTION("nobody answers") {
    time.advance(721h);
    REQUIRE(open.done());
    CHECK(open.get().error().code == ErrorCode::timeout);
    CHECK(time.timers() == 0);
  }
}

}  // namespace muster
