#pragma once
// The simulator tried on itself: bugs that are planted on purpose must be found.

namespace muster::sim {

/// Plants each bug, and checks that it is found, made smaller, and comes again exactly. True when
/// all were; says on stdout what happened.
[[nodiscard]] bool self_test();

}  // namespace muster::sim
