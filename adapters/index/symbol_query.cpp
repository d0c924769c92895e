#include "adapters/index/symbol_query.hpp"

#include <algorithm>

namespace muster::index {
namespace {

/// "A::b", "A.b", "A#b" and "A\b" as "A/b": people write what their language has.
std::string with_slashes(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool colons = path.substr(i).starts_with("::");
    const bool one = path[i] == '.' || path[i] == '#' || path[i] == '\\';
    // "#private", ".hidden", "..." are names.
    if ((colons || one) && i > 0 && i + (colons ? 2 : 1) < path.size()) {
      out += '/';
      i += colons ? 1 : 0;
    } else {
      out += path[i];
    }
  }
  return out;
}

/// The longest piece without '*' and '/'.
std::string longest_literal(std::string_view pattern) {
  std::string_view best;
  while (!pattern.empty()) {
    const auto end = std::min(pattern.find_first_of("*/"), pattern.size());
    if (end > best.size()) best = pattern.substr(0, end);
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return std::string(best);
}

/// The last `parts` parts; nothing when there are fewer.
std::string_view last_parts(std::string_view path, std::size_t parts) {
  auto at = path.size();
  for (; parts > 0; --parts) {
    if (at == 0) return {};
    const auto slash = path.rfind('/', at - 1);
    at = slash == std::string_view::npos ? 0 : slash;
  }
  return path.substr(at == 0 && !path.starts_with('/') ? 0 : at + 1);
}

}  // namespace

bool wildcard_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  auto star = std::string_view::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

SymbolFilter::SymbolFilter(const SymbolQuery& query)
    : kind_(query.kind),
      pattern_(with_slashes(query.name)),
      literal_(longest_literal(pattern_)),
      parts_(1 + static_cast<std::size_t>(std::count(pattern_.begin(), pattern_.end(), '/'))) {}

bool SymbolFilter::possible_in(std::string_view packed) const {
  return literal_.empty() || packed.find(literal_) != std::string_view::npos;
}

bool SymbolFilter::matches(const FactSymbol& symbol) const {
  if (!kind_.empty() && symbol.kind != kind_) return false;
  if (pattern_.empty() || wildcard_match(pattern_, symbol.name)) return true;
  return parts_ > 1 && wildcard_match(pattern_, last_parts(with_slashes(symbol.path), parts_));
}

}  // namespace muster::index
