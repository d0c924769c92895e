#pragma once
// Assertions of the usual test libraries, seen in tokens. Used by test_cases.cpp.

#include <optional>
#include <vector>

#include "runtime/core/test_cases.hpp"

namespace muster {

/// A range of tokens: [from, to).
struct TokenRange {
  std::size_t from = 0;
  std::size_t to = 0;
};

/// The assertion that begins with the token `at`, or nullopt. `condition` is the condition of the
/// "if" around it, for libraries (Go) whose tests compare by themselves and then complain. Looks at
/// a bounded number of tokens.
[[nodiscard]] std::optional<TestAssertion> assertion_at(CodeLanguage language,
                                                        const std::vector<CodeToken>& tokens,
                                                        std::size_t at,
                                                        std::optional<TokenRange> condition);

}  // namespace muster
