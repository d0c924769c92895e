#include "runtime/core/glob.hpp"

#include <algorithm>
#include <optional>

namespace muster {
namespace {

constexpr std::size_t max_alternatives = 256;
constexpr std::size_t max_pattern = 4096;
constexpr auto npos = std::string_view::npos;

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const auto slash = text.find('/');
    parts.emplace_back(text.substr(0, slash));
    if (slash == npos) return parts;
    text.remove_prefix(slash + 1);
  }
}

/// Index after the bracket expression that starts at `at`; npos when it is not closed.
std::size_t bracket_end(std::string_view pattern, std::size_t at) {
  ++at;
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;
  while (at < pattern.size() && pattern[at] != ']') at += pattern[at] == '\\' ? 2 : 1;
  return at < pattern.size() ? at + 1 : npos;
}

bool in_bracket(std::string_view inside, char c) {
  const bool negated = inside.starts_with('!') || inside.starts_with('^');
  if (negated) inside.remove_prefix(1);
  bool found = false;
  for (std::size_t at = 0; at < inside.size(); ++at) {
    if (inside[at] == '\\' && at + 1 < inside.size()) ++at;
    const auto low = static_cast<unsigned char>(inside[at]);
    const bool range = at + 2 < inside.size() && inside[at + 1] == '-';
    const auto high = range ? static_cast<unsigned char>(inside[at + 2]) : low;
    if (range) at += 2;
    const auto byte = static_cast<unsigned char>(c);
    found = found || (low <= byte && byte <= high);
  }
  return found != negated;
}

/// Does one symbol of the pattern (not '*') match `c`? Sets `next` to the symbol after it.
bool symbol_matches(std::string_view pattern, std::size_t at, char c, std::size_t& next) {
  if (pattern[at] == '[') {
    next = bracket_end(pattern, at);
    return in_bracket(pattern.substr(at + 1, next - at - 2), c);
  }
  if (pattern[at] == '\\' && at + 1 < pattern.size())
    ++at;
  else if (pattern[at] == '?')
    c = '?';
  next = at + 1;
  return pattern[at] == c;
}

/// One part against one name. The classic two-pointer walk: only the last '*' is ever tried again.
bool part_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = npos, mark = 0;
  while (n < name.size()) {
    std::size_t next = 0;
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      mark = n;
    } else if (p < pattern.size() && symbol_matches(pattern, p, name[n], next)) {
      p = next;
      ++n;
    } else if (star != npos) {
      p = star;
      n = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

/// The same walk over parts; "**" is the star.
bool parts_match(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  std::size_t p = 0, n = 0, star = npos, mark = 0;
  while (n < path.size()) {
    if (p < pattern.size() && pattern[p] == "**") {
      star = ++p;
      mark = n;
    } else if (p < pattern.size() && part_matches(pattern[p], path[n])) {
      ++p;
      ++n;
    } else if (star != npos) {
      p = star;
      n = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == "**") ++p;
  return p == pattern.size();
}

/// Index of the brace that closes the one at `open`; npos when there is none.
std::size_t brace_end(std::string_view pattern, std::size_t open) {
  int depth = 0;
  for (std::size_t at = open; at < pattern.size(); ++at) {
    if (pattern[at] == '\\')
      ++at;
    else if (pattern[at] == '{')
      ++depth;
    else if (pattern[at] == '}' && --depth == 0)
      return at;
  }
  return npos;
}

std::vector<std::string_view> brace_items(std::string_view inside) {
  std::vector<std::string_view> items;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < inside.size(); ++at) {
    if (inside[at] == '\\')
      ++at;
    else if (inside[at] == '{')
      ++depth;
    else if (inside[at] == '}')
      --depth;
    else if (inside[at] == ',' && depth == 0) {
      items.push_back(inside.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  items.push_back(inside.substr(begin));
  return items;
}

std::size_t first_brace(std::string_view pattern) {
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    if (pattern[at] == '\\')
      ++at;
    else if (pattern[at] == '[' && bracket_end(pattern, at) != npos)
      at = bracket_end(pattern, at) - 1;
    else if (pattern[at] == '{')
      return at;
  }
  return npos;
}

/// Expands braces, leftmost first, until none is left; nullopt = a brace is not closed.
std::optional<std::vector<std::string>> expand(std::string_view pattern) {
  std::vector<std::string> done, open{std::string(pattern)};
  while (!open.empty() && done.size() + open.size() <= max_alternatives) {
    const std::string next = std::move(open.back());
    open.pop_back();
    const auto begin = first_brace(next);
    if (begin == npos) {
      done.push_back(next);
      continue;
    }
    const auto end = brace_end(next, begin);
    if (end == npos) return std::nullopt;
    const std::string_view view = next;
    for (const auto item : brace_items(view.substr(begin + 1, end - begin - 1)))
      open.push_back(next.substr(0, begin).append(item).append(view.substr(end + 1)));
  }
  done.insert(done.end(), open.begin(), open.end());
  return done;
}

bool brackets_closed(std::string_view part) {
  for (std::size_t at = 0; at < part.size(); ++at) {
    if (part[at] == '\\') {
      ++at;
    } else if (part[at] == '[') {
      const auto end = bracket_end(part, at);
      if (end == npos) return false;
      at = end - 1;
    }
  }
  return true;
}

}  // namespace

Result<Glob> Glob::compile(std::string_view pattern) {
  const auto bad = [&](const char* why) {
    return Error{ErrorCode::invalid_argument, why, std::string(pattern.substr(0, 200))};
  };
  if (pattern.empty()) return bad("the pattern is empty");
  if (pattern.size() > max_pattern) return bad("the pattern is too long");
  while (pattern.starts_with("./")) pattern.remove_prefix(2);
  const auto expanded = expand(pattern);
  if (!expanded) return bad("a '{' is not closed");
  if (expanded->size() > max_alternatives)
    return Error{ErrorCode::limit_reached, "the braces give too many alternatives"};
  Glob glob;
  for (const auto& alternative : *expanded) {
    auto parts = split(alternative);
    if (!std::all_of(parts.begin(), parts.end(), brackets_closed))
      return bad("a '[' is not closed");
    glob.alternatives_.push_back(std::move(parts));
  }
  return glob;
}

bool Glob::matches(std::string_view path) const {
  const auto names = split(path);
  const auto fits = [&](const auto& parts) { return parts_match(parts, names); };
  return std::any_of(alternatives_.begin(), alternatives_.end(), fits);
}

bool glob_match(std::string_view pattern, std::string_view path) {
  const auto glob = Glob::compile(pattern);
  return glob && glob->matches(path);
}

}  // namespace muster
