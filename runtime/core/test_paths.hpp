#pragma once
// Which files are tests, which are source: by the naming conventions of the ecosystems, nothing
// cleverer.

#include <string>

namespace muster {

/// tests/…, test_x.py, x_test.go, x.test.ts, x.spec.js, __tests__/…, FooTest.java.
[[nodiscard]] bool is_test_path(const std::string& path);
/// A file whose change can change behaviour: program text that is no test. Documents, data and
/// build files are not.
[[nodiscard]] bool is_source_path(const std::string& path);

}  // namespace muster
