#pragma once
// Engines for the tests of the keeper and of J3.

namespace muster::test {

/// Behaves as argv[0] says and returns the exit code.
/// exit N | crash MAILBOX SIGNAL (says `fresh` or `resumed`, then dies) | crash_once MAILBOX (exits
/// 5 when resumed) | wait MAILBOX (says its pid, then the name of each signal; SIGINT ends it with
/// 9) | jobs SCRIPT (runs the script as a job until it is killed) | link MAILBOX (says its pid, and
/// `gone` when the keeper has died)
int fake_engine(int argc, char** argv);

}  // namespace muster::test
