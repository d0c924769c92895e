#pragma once
// `muster __job`: the process between the engine and a child of it.

#include <chrono>
#include <string>
#include <vector>

namespace muster {

/// Whether the command line is that of the helper; main asks before it does anything else.
bool is_job_helper(int argc, char** argv);

/// Runs one job and returns the exit code of the helper: `<program> __job <grace ms> <descriptors>
/// <leaf> <cwd> <command>...` with the control socket as descriptor 3, /dev/null as 0 and the
/// output as 1 and 2 (see job_protocol.hpp). The helper has its own session, is the child subreaper
/// of the job, and tells the engine of the start and of the exit at once. Whatever the job leaves
/// behind is ended then. The engine's order, the end of its socket or a TERM end all of it: TERM,
/// the grace, KILL, until no process is left. With a leaf (the folder of a control group to make;
/// empty = none) the job lives in it, KILL reaches all of it at once, and the helper removes it.
/// One thread.
int job_helper_main(int argc, char** argv);

/// What follows the program's name on the helper's command line. The job gets the soft limit on
/// descriptors that this process had before it raised its own.
std::vector<std::string> job_helper_arguments(std::chrono::milliseconds grace,
                                              const std::string& leaf, const std::string& cwd,
                                              const std::vector<std::string>& command);

}  // namespace muster
