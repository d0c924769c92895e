#pragma once
// Whether a failing check may be the doing of a change. One that cannot be is run once more: what
// passes then is a test that is not to be relied on, and is said to be one.

#include <string>
#include <vector>

#include "runtime/core/findings.hpp"

namespace muster {

/// False only where a change of `changed` (paths, relative to the tree) cannot reach the code that
/// `failures` are about. Conservative: each changed file must be one of
///   - a document or a picture (md, rst, adoc, png ...; LICENSE and its like), outside of test
///     folders,
///   - program text in another language than that of every file in which something fails, and below
///     another folder of the root than those;
/// and no failure may name a changed file. Without a file that fails the second does not count.
/// Nothing changed: true, since then nobody can say what the check ran on. Pure.
[[nodiscard]] bool change_may_reach(const std::vector<std::string>& changed,
                                    const std::vector<Finding>& failures);

}  // namespace muster
