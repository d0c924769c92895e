// JUnit's XML, which most test runners can write: the failing test cases. Not an XML parser: it
// looks for tags and their attributes, forwards only, and takes anything for what it is.

#include "runtime/core/findings_reading.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t max_attribute = 2000;  // bytes that are decoded
constexpr std::size_t max_tag = 65536;       // a longer one is none

std::optional<char> character_of(std::string_view entity) {
  static constexpr std::pair<std::string_view, char> names[] = {
      {"lt", '<'}, {"gt", '>'}, {"amp", '&'}, {"quot", '"'}, {"apos", '\''}};
  for (const auto& [name, character] : names)
    if (entity == name) return character;
  if (entity == "#10" || entity == "#xA" || entity == "#xa") return '\n';
  if (entity == "#9" || entity == "#13" || entity == "#xD") return ' ';
  return std::nullopt;
}

std::string decoded(std::string_view text) {
  std::string out;
  text = bounded_head(text, max_attribute);
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto end = text[at] == '&' ? text.substr(at, 8).find(';') : std::string_view::npos;
    auto character =
        end == std::string_view::npos ? std::nullopt : character_of(text.substr(at + 1, end - 1));
    out += character.value_or(text[at]);
    if (character) at += end;
  }
  return out;
}

/// One tag: its name ("/testcase" for the end), and the text of its attributes.
struct Tag {
  std::string_view name;
  std::string_view attributes;
  bool empty = false;   ///< <skipped/>
  std::size_t end = 0;  ///< behind it
};

/// Where a tag that starts at `from` ends: a '>' in quotes does not count. npos when another tag
/// begins before: this one was none.
std::size_t tag_end(std::string_view text, std::size_t from) {
  char quote = 0;
  for (auto at = from; at < text.size() && at - from < max_tag && text[at] != '<'; ++at) {
    if (quote != 0) {
      if (text[at] == quote) quote = 0;
    } else if (text[at] == '"' || text[at] == '\'') {
      quote = text[at];
    } else if (text[at] == '>') {
      return at;
    }
  }
  return std::string_view::npos;
}

/// Where the comment or the CDATA that begins `inside` ends; 0: it is neither, npos: it never ends.
std::size_t passage_end(std::string_view inside) {
  bool data = inside.starts_with("<![CDATA[");
  if (!data && !inside.starts_with("<!--")) return 0;
  auto end = inside.find(data ? "]]>" : "-->", 4);
  return end == std::string_view::npos ? end : end + 3;
}

Tag tag_of(std::string_view body, std::size_t end) {
  Tag out;
  out.empty = body.ends_with('/');
  if (out.empty) body.remove_suffix(1);
  out.name = body.substr(0, body.find_first_of(" \t\r\n"));
  out.attributes = body.substr(out.name.size());
  out.end = end;
  return out;
}

/// The next tag from `from` on. When there is none, `from` is where looking on would be in vain.
std::optional<Tag> next_tag(std::string_view text, std::size_t& from) {
  while (true) {
    auto open = text.find('<', from);
    if (open == std::string_view::npos) return std::nullopt;
    if (auto passage = passage_end(text.substr(open)); passage == std::string_view::npos) {
      from = text.size();
      return std::nullopt;
    } else if (passage != 0) {
      from = open + passage;
      continue;
    }
    auto end = tag_end(text, open + 1);
    from = open + 1;
    if (end == std::string_view::npos) continue;
    from = end + 1;
    return tag_of(text.substr(open + 1, end - open - 1), from);
  }
}

std::string attribute(std::string_view attributes, std::string_view name) {
  std::size_t at = 0;
  while (at < attributes.size()) {
    auto equals = attributes.find('=', at);
    if (equals == std::string_view::npos || equals + 1 >= attributes.size()) return {};
    auto quote = attributes[equals + 1];
    if (quote != '"' && quote != '\'') return {};
    auto end = attributes.find(quote, equals + 2);
    if (end == std::string_view::npos) return {};
    if (trim(attributes.substr(at, equals - at)) == name)
      return decoded(attributes.substr(equals + 2, end - equals - 2));
    at = end + 1;
  }
  return {};
}

int number_in(const std::string& text) {
  std::size_t at = 0;
  return number_at(text, at).value_or(0);
}

/// The first line of a failure's text, when it has no message of its own.
std::string text_of(std::string_view after) {
  auto text = trim(bounded_head(after, max_attribute));
  if (auto data = after_prefix(text, "<![CDATA["))
    text = data->substr(0, data->find("]]>"));
  else
    text = text.substr(0, text.find('<'));
  auto clean = trim(text);
  return decoded(clean.substr(0, clean.find('\n')));
}

struct JunitReport {
  std::string_view text;
  FindingSink& found;
  std::string_view test_case;   ///< attributes of the open <testcase>
  std::string_view suite_file;  ///< attributes of the last <testsuite>

  void failure(const Tag& tag) {
    auto message = attribute(tag.attributes, "message");
    if (message.empty() && !tag.empty) message = text_of(text.substr(tag.end));
    auto type = attribute(test_case, "classname");
    auto name = attribute(test_case, "name");
    auto test = type.empty() || type == name ? name : type + "." + name;
    auto out = make_finding("junit", message.empty() ? test : message);
    out.test = test;
    out.code = attribute(tag.attributes, "type");
    out.file = attribute(test_case, "file");
    if (out.file.empty()) out.file = attribute(suite_file, "file");
    if (out.file.empty() && type.find('/') != std::string::npos) out.file = type;  // vitest
    out.line = number_in(attribute(test_case, "line"));
    found.add(std::move(out));
  }

  /// Returns how much of the text is a report.
  std::size_t read() {
    std::size_t at = 0;
    int depth = 0;
    while (auto tag = next_tag(text, at)) {
      if (tag->name == "testsuite" || tag->name == "testsuites") {
        depth += tag->empty ? 0 : 1;
        suite_file = tag->attributes;
      } else if (tag->name == "/testsuite" || tag->name == "/testsuites") {
        if (--depth <= 0) break;
      } else if (tag->name == "testcase") {
        test_case = tag->empty ? std::string_view() : tag->attributes;
      } else if (tag->name == "/testcase" || tag->name == "skipped") {
        test_case = {};
      } else if (!test_case.empty() && (tag->name == "failure" || tag->name == "error")) {
        failure(*tag);
      }
    }
    return at;
  }
};

}  // namespace

bool read_junit_xml(OutputCursor& at, FindingSink& found) {
  auto line = trim(at.line());
  if (line.starts_with("<?xml ") && line.find("<testsuite") == std::string_view::npos) {
    if (!trim(at.ahead(1)).starts_with("<testsuite")) return false;
    return true;  // the report begins in the next line
  }
  if (!line.starts_with("<testsuite") && !line.starts_with("<?xml ")) return false;
  JunitReport report{at.rest(), found, {}, {}};
  at.skip_to(report.read());
  return true;
}

}  // namespace muster
