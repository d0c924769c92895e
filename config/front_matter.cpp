#include "config/front_matter.hpp"

#include <optional>

namespace muster::config {
namespace {

constexpr std::size_t max_text = 256U << 10U;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string unquote(std::string_view text) {
  text = trim(text);
  const bool quoted = text.size() >= 2 && text.front() == text.back() &&
                      (text.front() == '"' || text.front() == '\'');
  return std::string(quoted ? text.substr(1, text.size() - 2) : text);
}

/// Parts between commas that stand outside quotes; an empty text has none.
std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  char quote = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quote != 0) {
      if (text[i] == quote) quote = 0;
    } else if (text[i] == '"' || text[i] == '\'') {
      quote = text[i];
    } else if (text[i] == ',') {
      parts.push_back(trim(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  if (!trim(text).empty()) parts.push_back(trim(text.substr(start)));
  return parts;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

  Result<FrontMatter> run() {
    if (rest_.size() > max_text) return bad("the file is larger than 256 KiB");
    if (rest_.substr(0, 3) == "\xEF\xBB\xBF") rest_.remove_prefix(3);
    if (next_line() != "---") return bad("must begin with a line of ---");
    FrontMatter out;
    for (;;) {
      if (rest_.empty()) return bad("the head has no closing ---");
      const std::string_view line = next_line();
      if (line == "---") break;
      if (line.empty() || line.front() == '#') continue;
      if (auto status = key(line, out); !status.ok()) return status.error();
    }
    out.body = std::string(trim(rest_));
    return out;
  }

 private:
  Error bad(const std::string& message) const {
    return {ErrorCode::invalid_argument, message, file_ + ":" + std::to_string(line_)};
  }

  std::string_view next_line() {
    const auto end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++line_;
    return trim(line);
  }

  Status key(std::string_view line, FrontMatter& out) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return bad("expected 'key: value'");
    const std::string name(trim(line.substr(0, colon)));
    if (name.empty()) return bad("the key is missing");
    if (out.head.count(name) != 0) return bad("the key '" + name + "' appears twice");
    return parse_value(trim(line.substr(colon + 1)), out.head[name]);
  }

  Status parse_value(std::string_view text, FrontValue& out) const {
    out.line = line_;
    const char first = text.empty() ? '\0' : text.front();
    if (first != '[' && first != '{') {
      out.value = unquote(text);
      return ok_status();
    }
    const char last = first == '[' ? ']' : '}';
    if (text.back() != last || text.size() < 2)
      return bad(std::string("expected a closing '") + last + "' on the same line");
    const auto parts = split(text.substr(1, text.size() - 2));
    return first == '[' ? parse_list(parts, out) : parse_map(parts, out);
  }

  Status parse_list(const std::vector<std::string_view>& parts, FrontValue& out) const {
    auto& list = out.value.emplace<std::vector<std::string>>();
    for (const std::string_view part : parts) {
      if (part.empty()) return bad("the list has an empty element");
      list.push_back(unquote(part));
    }
    return ok_status();
  }

  Status parse_map(const std::vector<std::string_view>& parts, FrontValue& out) const {
    auto& map = out.value.emplace<std::map<std::string, std::string>>();
    for (const std::string_view part : parts) {
      const auto colon = part.find(':');
      if (colon == std::string_view::npos) return bad("expected 'key: value' inside {}");
      const std::string key(trim(part.substr(0, colon)));
      if (!map.emplace(key, unquote(part.substr(colon + 1))).second)
        return bad("a key appears twice inside {}");
    }
    return ok_status();
  }

  std::string_view rest_;
  const std::string& file_;
  int line_ = 0;
};

}  // namespace

Result<FrontMatter> parse_front_matter(std::string_view text, const std::string& file) {
  return Parser(text, file).run();
}

}  // namespace muster::config
