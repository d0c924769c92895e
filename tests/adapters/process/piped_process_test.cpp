#include "adapters/process/piped_process.hpp"

#include <catch2/catch_test_macros.hpp>
#include <future>

#include "tests/adapters/process/support.hpp"

using namespace muster;
using namespace muster::test;

namespace {

/// A piped child that is used from the test's thread.
class Child {
 public:
  explicit Child(std::vector<std::string> argv, std::size_t max_unsent = 1U << 20U) {
    PipedSpec spec;
    spec.argv = std::move(argv);
    spec.cwd = "/";
    spec.kill_grace = std::chrono::milliseconds{100};
    spec.error_bytes = 100;
    spec.max_unsent = max_unsent;
    loop_.call([&] {
      process_ = PipedProcess::start(
          loop_, spec,
          [this](std::string_view bytes) {
            output_ += bytes;
            if (output_.size() >= wanted_) enough_.set_value();
            if (output_.size() >= wanted_) wanted_ = SIZE_MAX;
          },
          [this](const ProcessExit& exit) { exit_.set_value(exit); });
    });
  }
  ~Child() {
    loop_.call([this] { process_.reset(); });
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  Status write(const std::string& bytes) {
    Status out = ok_status();
    loop_.call([&] { out = process_->write(bytes); });
    return out;
  }
  std::string wait_for_output(std::size_t bytes) {
    auto enough = enough_.get_future();
    loop_.call([&] {
      wanted_ = bytes;
      if (output_.size() < wanted_) return;
      wanted_ = SIZE_MAX;
      enough_.set_value();
    });
    if (enough.wait_for(kPatience) != std::future_status::ready)
      throw std::runtime_error("no output");
    return output();
  }
  std::string output() {
    std::string out;
    loop_.call([&] { out = output_; });
    return out;
  }
  ProcessExit end() {
    auto exit = exit_.get_future();
    if (exit.wait_for(kPatience) != std::future_status::ready) throw std::runtime_error("no exit");
    return exit.get();
  }
  void kill() {
    loop_.call([this] { process_->kill(); });
  }

 private:
  IoLoop loop_;
  std::shared_ptr<PipedProcess> process_;
  std::string output_;
  std::size_t wanted_ = SIZE_MAX;
  std::promise<void> enough_;
  std::promise<ProcessExit> exit_;
};

}  // namespace

TEST_CASE("a piped child reads what is written and its output comes back") {
  Child child({"cat"});
  REQUIRE(child.write("one "));
  REQUIRE(child.write("two"));
  CHECK(child.wait_for_output(7) == "one two");
  child.kill();
  const auto exit = child.end();
  CHECK(exit.killed);
  CHECK(exit.signal == SIGTERM);
}

TEST_CASE("all that a piped child wrote comes before its exit, stderr apart and bounded") {
  Child child(
      {"sh", "-c", "head -c 300000 /dev/zero; head -c 1000 /dev/zero | tr '\\0' e >&2; exit 5"});
  const auto exit = child.end();
  CHECK(exit.exit_code == 5);
  CHECK(exit.output == std::string(100, 'e'));
  CHECK(child.output().size() == 300000);
}

TEST_CASE("more than the pipe holds is written as the child reads") {
  Child child({"sh", "-c", "head -c 5242880 | wc -c"}, 8U << 20U);
  REQUIRE(child.write(std::string(5U << 20U, 'x')));
  CHECK(child.wait_for_output(8) == "5242880\n");
  CHECK(child.end().success());
}

TEST_CASE("a child that does not read has a bound") {
  Child child({"sleep", "1000"});
  REQUIRE(child.write(std::string(1U << 20U, 'x')));
  const auto more = child.write(std::string(1U << 20U, 'x'));
  REQUIRE_FALSE(more);
  CHECK(more.error().code == ErrorCode::limit_reached);
}

TEST_CASE("a piped child that cannot start says why") {
  CHECK(Child({"no-such-program"}).end().start_error->code == ErrorCode::not_found);
  CHECK(Child({}).end().start_error->code == ErrorCode::invalid_argument);
}

TEST_CASE("a write to a piped child that has ended is refused") {
  Child child({"true"});
  CHECK(child.end().success());
  CHECK_FALSE(child.write("x"));
}

TEST_CASE("what a dropped piped child has started ends with it") {
  pid_t grandchild = 0;
  {
    Child child({"sh", "-c", "sleep 1000 & echo $!; wait"});
    grandchild = static_cast<pid_t>(std::stol(child.wait_for_output(2)));
  }
  CHECK(ends(grandchild));
  CHECK(adopted_end());
}
