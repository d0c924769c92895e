// The test program, which is also the job helper of the servers that the tests start.

#include <catch2/catch_session.hpp>

#include "adapters/process/job_helper.hpp"

int main(int argc, char** argv) {
  if (muster::is_job_helper(argc, argv)) return muster::job_helper_main(argc, argv);
  return Catch::Session().run(argc, argv);
}
