#include "runtime/core/jsonc_edit.hpp"

#include <algorithm>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace muster {
namespace {

using nlohmann::json;

constexpr std::size_t max_depth = 64;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// The end of the string that begins at `at`, after its closing quote.
std::size_t string_end(std::string_view text, std::size_t at) {
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '"')
      return i + 1;
  }
  return text.size();
}

/// The end of the comment that begins at `at`; nullopt when none does. A line comment ends before
/// its line feed.
std::optional<std::size_t> comment_end(std::string_view text, std::size_t at) {
  const auto two = text.substr(at, 2);
  if (two == "//") return std::min(text.find('\n', at), text.size());
  if (two != "/*") return std::nullopt;
  const auto end = text.find("*/", at + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

void blank(std::string& text, std::size_t from, std::size_t to) {
  for (auto i = from; i < to; ++i)
    if (!is_space(text[i])) text[i] = ' ';
}

/// The same text as plain JSON: comments and trailing commas are blanks, everything else is where
/// it was.
std::string plain(std::string_view text) {
  std::string out(text);
  if (text.substr(0, 3) == "\xEF\xBB\xBF") blank(out, 0, 3);  // a byte order mark
  std::optional<std::size_t> comma;                           // the last thing that is no blank
  for (std::size_t i = 0; i < out.size();) {
    if (const auto end = comment_end(out, i)) {
      blank(out, i, *end);
      i = *end;
      continue;
    }
    const char c = out[i];
    if (!is_space(c)) {
      if ((c == ']' || c == '}') && comma) out[*comma] = ' ';
      comma = c == ',' ? std::optional(i) : std::nullopt;
    }
    i = c == '"' ? string_end(out, i) : i + 1;
  }
  return out;
}

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};
/// A member of an object (with its key) or an element of a list.
struct Item {
  Range whole;
  Range value;
  std::string key;
};
struct Container {
  std::size_t open = 0;   ///< of its bracket
  std::size_t close = 0;  ///< likewise
  std::vector<Item> items;
};

/// Positions in plain JSON that is known to be well-formed.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  Container container(std::size_t at) {
    Container out;
    out.open = skip(at);
    const bool object = text_[out.open] == '{';
    auto i = skip(out.open + 1);
    while (text_[i] != ']' && text_[i] != '}') {
      Item item;
      item.whole.begin = item.value.begin = i;
      if (object) {
        item.key = json::parse(text_.substr(i, string_end(text_, i) - i)).get<std::string>();
        item.value.begin = skip(skip(string_end(text_, i)) + 1);
      }
      item.whole.end = item.value.end = value_end(item.value.begin);
      i = skip(item.whole.end);
      if (text_[i] == ',') i = skip(i + 1);
      out.items.push_back(std::move(item));
    }
    out.close = i;
    return out;
  }

  [[nodiscard]] std::size_t skip(std::size_t at) const {
    while (at < text_.size() && is_space(text_[at])) ++at;
    return at;
  }

 private:
  [[nodiscard]] std::size_t value_end(std::size_t at) const {
    std::size_t depth = 0;
    while (at < text_.size()) {
      const char c = text_[at];
      if (c == '"') {
        at = string_end(text_, at);
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at;
      } else if (c == '}' || c == ']') {
        if (depth == 0) return at;
        --depth;
        ++at;
      } else if (depth == 0 && (c == ',' || is_space(c))) {
        return at;
      } else {
        ++at;
        continue;
      }
      if (depth == 0) return at;
    }
    return at;
  }

  std::string_view text_;
};

int line_of(std::string_view text, std::size_t at) {
  return 1 +
         static_cast<int>(std::count(text.begin(), text.begin() + std::min(at, text.size()), '\n'));
}

Result<json> parse_plain(std::string_view text) {
  bool deep = false;
  const auto guard = [&](int depth, json::parse_event_t, json&) {
    deep = deep || depth > static_cast<int>(max_depth);
    return !deep;
  };
  try {
    auto value = json::parse(text, guard);
    if (deep) return Error{ErrorCode::invalid_argument, "nested too deeply"};
    if (!value.is_object()) return Error{ErrorCode::invalid_argument, "not an object"};
    return value;
  } catch (const json::parse_error& failure) {
    const auto at = failure.byte > 0 ? failure.byte - 1 : 0;
    return Error{ErrorCode::invalid_argument, "not valid JSON",
                 "line " + std::to_string(line_of(text, at))};
  }
}

/// A text that is being edited, and its structure.
class Document {
 public:
  static Result<Document> open(std::string_view given) {
    Document out;
    const bool empty = std::all_of(given.begin(), given.end(), is_space);
    out.text_ = empty ? "{}\n" : std::string(given);
    out.plain_ = plain(out.text_);
    auto value = parse_plain(out.plain_);
    if (!value) return value.error();
    out.value_ = std::move(*value);
    out.top_ = Scanner(out.plain_).container(0);
    return out;
  }

  /// The list, nullopt when there is none; invalid_argument when it is something else.
  Result<std::optional<Container>> list(std::string_view key) const {
    for (const auto& item : top_.items) {
      if (item.key != key) continue;
      if (plain_[item.value.begin] != '[')
        return Error{ErrorCode::invalid_argument, "\"" + std::string(key) + "\" is no list",
                     "line " + std::to_string(line_of(plain_, item.value.begin))};
      return std::optional(Scanner(plain_).container(item.value.begin));
    }
    return std::optional<Container>();
  }

  [[nodiscard]] json element(const Item& item) const {
    return json::parse(plain_.substr(item.value.begin, item.value.end - item.value.begin));
  }

  [[nodiscard]] const Container& top() const { return top_; }
  [[nodiscard]] const json& value() const { return value_; }
  [[nodiscard]] const std::string& text() const { return text_; }

  std::string insert_last(const Container& into, const std::string& entry) const {
    return into.items.empty() ? insert_first(into, entry) : insert_after(into, entry);
  }
  std::string remove(const Container& from, std::size_t index) const;

 private:
  [[nodiscard]] std::string line_end() const {
    const auto end = text_.find('\n');
    return end != std::string::npos && end > 0 && text_[end - 1] == '\r' ? "\r\n" : "\n";
  }
  /// The blanks at the beginning of the line that `at` is in.
  [[nodiscard]] std::string indent_at(std::size_t at) const {
    const auto before = at == 0 ? std::string::npos : text_.rfind('\n', at - 1);
    const auto begin = before == std::string::npos ? 0 : before + 1;
    auto end = begin;
    while (end < text_.size() && (text_[end] == ' ' || text_[end] == '\t')) ++end;
    return text_.substr(begin, end - begin);
  }
  /// One step of indent: what the first member of the top object has.
  [[nodiscard]] std::string step() const {
    if (top_.items.empty() || !breaks(top_.open, top_.items.front().whole.begin)) return "  ";
    const auto indent = indent_at(top_.items.front().whole.begin);
    return indent.empty() ? "  " : indent;
  }
  [[nodiscard]] bool breaks(std::size_t from, std::size_t to) const {
    return text_.substr(from, to - from).find('\n') != std::string::npos;
  }
  /// After blanks and comments that stand on the same line as `at`; `in_comment` when the last one
  /// reaches to the line's end.
  [[nodiscard]] std::size_t same_line_end(std::size_t at, bool& in_comment) const {
    auto best = at;
    while (at < text_.size() && text_[at] != '\n' &&
           (is_space(text_[at]) || comment_end(text_, at))) {
      const auto end = comment_end(text_, at);
      if (!end) {
        ++at;
        continue;
      }
      if (breaks(at, *end)) return best;
      in_comment = text_.substr(at, 2) == "//";
      at = best = in_comment && *end > 0 && text_[*end - 1] == '\r' ? *end - 1 : *end;
    }
    return best;
  }

  [[nodiscard]] std::string insert_first(const Container& into, const std::string& entry) const {
    const bool object = text_[into.open] == '{';
    const bool lines = object || breaks(into.open, into.close);
    if (!lines) return replaced(into.open + 1, into.open + 1, entry);
    const auto outer = indent_at(into.open);
    auto fresh = line_end() + outer + step() + entry;
    if (!breaks(into.open, into.close)) fresh += line_end() + outer;
    return replaced(into.open + 1, into.open + 1, fresh);
  }

  [[nodiscard]] std::string insert_after(const Container& into, const std::string& entry) const {
    const auto& last = into.items.back();
    const auto trailing = trailing_comma(into, into.items.size() - 1);
    const auto before =
        into.items.size() > 1 ? into.items[into.items.size() - 2].whole.end : into.open + 1;
    bool in_comment = false;
    const auto at = same_line_end(trailing ? *trailing + 1 : last.whole.end, in_comment);
    const bool lines = in_comment || breaks(before, last.whole.begin);
    auto fresh = lines ? line_end() + indent_at(last.whole.begin) + entry : " " + entry;
    if (trailing) fresh += ",";
    // From the back, so that positions hold.
    auto out = replaced(at, at, fresh);
    if (!trailing) out.insert(last.whole.end, ",");
    return out;
  }

  /// Where the comma after an item is, in the text as the person wrote it.
  [[nodiscard]] std::optional<std::size_t> trailing_comma(const Container& in,
                                                          std::size_t index) const {
    const auto limit = index + 1 < in.items.size() ? in.items[index + 1].whole.begin : in.close;
    for (auto i = in.items[index].whole.end; i < limit;) {
      if (const auto end = comment_end(text_, i)) {
        i = *end;
        continue;
      }
      if (text_[i] == ',') return i;
      ++i;
    }
    return std::nullopt;
  }

  [[nodiscard]] std::string replaced(std::size_t from, std::size_t to,
                                     const std::string& by) const {
    return text_.substr(0, from) + by + text_.substr(to);
  }

  std::string text_;
  std::string plain_;
  json value_;
  Container top_;
};

/// Without the item, its comma, and the line when nothing else is left on it.
std::string Document::remove(const Container& from, std::size_t index) const {
  const auto& item = from.items[index].whole;
  auto own = trailing_comma(from, index);
  std::vector<Range> cuts;
  // Only blanks between the item and its comma: they go together.
  cuts.push_back({item.begin, own ? *own + 1 : item.end});
  if (own &&
      text_.substr(item.end, *own - item.end).find_first_not_of(" \t\r\n") != std::string::npos)
    cuts = {{item.begin, item.end}, {*own, *own + 1}};
  const bool last = index + 1 == from.items.size();
  if (last && !own && index > 0)
    if (const auto comma = trailing_comma(from, index - 1)) cuts.push_back({*comma, *comma + 1});
  auto& cut = cuts.front();
  const auto line = text_.rfind('\n', cut.begin == 0 ? 0 : cut.begin - 1);
  const auto begin = line == std::string::npos ? 0 : line + 1;
  const bool first_on_line =
      text_.substr(begin, cut.begin - begin).find_first_not_of(" \t") == std::string::npos;
  auto end = cut.end;
  while (end < text_.size() && (text_[end] == ' ' || text_[end] == '\t' || text_[end] == '\r'))
    ++end;
  const bool last_on_line = end < text_.size() && text_[end] == '\n';
  if (first_on_line && last_on_line && line != std::string::npos) {
    cut.begin = line > 0 && text_[line - 1] == '\r' ? line - 1 : line;
    cut.end = end > 0 && text_[end - 1] == '\r' ? end - 1 : end;
  } else if (!last) {
    cut.end = end;  // the blank between this one and the next
  } else {
    while (cut.begin > from.open + 1 &&
           (text_[cut.begin - 1] == ' ' || text_[cut.begin - 1] == '\t') && !first_on_line)
      --cut.begin;
  }
  std::sort(cuts.begin(), cuts.end(),
            [](const Range& a, const Range& b) { return a.begin > b.begin; });
  auto out = text_;
  for (const auto& range : cuts) out.erase(range.begin, range.end - range.begin);
  return out;
}

}  // namespace

Result<json> parse_jsonc(std::string_view text) {
  auto document = Document::open(text);
  if (!document) return document.error();
  return document->value();
}

Result<std::string> add_to_list(std::string_view text, std::string_view key, const json& entry) {
  auto document = Document::open(text);
  if (!document) return document.error();
  auto list = document->list(key);
  if (!list) return list.error();
  if (*list) return document->insert_last(**list, entry.dump());
  return document->insert_last(document->top(), json(key).dump() + ": [" + entry.dump() + "]");
}

Result<std::string> remove_from_list(std::string_view text, std::string_view key,
                                     const std::function<bool(const json&)>& which) {
  std::string out(text);
  for (bool removed = false;; removed = true) {
    auto document = Document::open(out);
    if (!document) return document.error();
    auto list = document->list(key);
    if (!list) return list.error();
    if (!*list) return out;
    const auto& items = (*list)->items;
    const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) {
      return which(document->element(item));
    });
    if (found != items.end()) {
      out = document->remove(**list, static_cast<std::size_t>(found - items.begin()));
      continue;
    }
    const auto inside =
        std::string_view(out).substr((*list)->open + 1, (*list)->close - (*list)->open - 1);
    if (!removed || !std::all_of(inside.begin(), inside.end(), is_space)) return out;
    const auto& members = document->top().items;
    const auto member = std::find_if(members.begin(), members.end(),
                                     [&](const Item& item) { return item.key == key; });
    return document->remove(document->top(), static_cast<std::size_t>(member - members.begin()));
  }
}

}  // namespace muster
