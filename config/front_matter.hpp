#pragma once
// Markdown with a small head between two lines of "---".

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::config {

/// One key of the head: `key: text`, `key: [a, b]` or `key: {a: b, c: d}`.
struct FrontValue {
  std::variant<std::string, std::vector<std::string>, std::map<std::string, std::string>> value;
  int line = 0;  ///< in the file, from 1
};

struct FrontMatter {
  std::map<std::string, FrontValue> head;
  std::string body;  ///< what follows the head, without blank lines around it
};

/// Parses the text. Values may stand in quotes; lines that begin with # are comments. An error's
/// context is "file:line". Refuses more than 256 KiB.
Result<FrontMatter> parse_front_matter(std::string_view text, const std::string& file);

}  // namespace muster::config
