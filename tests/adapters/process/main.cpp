// The test program, which is also the job helper, the keeper and the engines that the tests start.

#include <sys/prctl.h>

#include <catch2/catch_session.hpp>
#include <cstdlib>
#include <string_view>

#include "adapters/process/job_helper.hpp"
#include "adapters/process/keeper.hpp"
#include "tests/adapters/process/fake_engine.hpp"

int main(int argc, char** argv) {
  using namespace muster;
  if (is_job_helper(argc, argv)) return job_helper_main(argc, argv);
  if (is_engine(argc, argv)) return test::fake_engine(argc - 2, argv + 2);
  if (argc > 2 && std::string_view(argv[1]) == "__keeper") {
    return keeper_main({.engine_args = {argv + 3, argv + argc},
                        .orphan_grace = std::chrono::milliseconds{10000},
                        .same_interrupt = std::chrono::milliseconds{std::atoi(argv[2])}});
  }
  // Orphans of the processes that the tests kill come to us: so it is seen when they end.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  return Catch::Session().run(argc, argv);
}
