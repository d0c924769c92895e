#include "adapters/treesitter/code_rewrite.hpp"

#include <algorithm>
#include <utility>

namespace muster::treesitter {
namespace {

constexpr std::size_t kContext = 3;  // lines of a diff around a change

bool may_be_in_name(char c) { return (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9'); }

/// Every line but the first without `old`, where it begins with it, and with `fresh` instead. Empty
/// lines stay empty.
std::string indented(std::string_view text, std::string_view old, std::string_view fresh) {
  std::string out;
  for (bool first = true;; first = false) {
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    if (!first && !line.empty()) {
      if (line.starts_with(old)) line.remove_prefix(old.size());
      out += fresh;
    }
    out += line;
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
  }
}

const CodeCapture* capture_of(const CodeMatch& match, const std::string& name, bool multiple) {
  for (const auto& capture : match.captures)
    if (capture.name == name && capture.multiple == multiple) return &capture;
  return nullptr;
}

/// Lines with their ends.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return out;
}

/// Lines [begin, end) of the old text become `fresh`.
struct LineChange {
  std::size_t begin;
  std::size_t end;
  std::string fresh;
};

/// The replacements as changes of whole lines; those that share a line are one.
std::vector<LineChange> line_changes(std::string_view text,
                                     const std::vector<Replacement>& replacements) {
  std::vector<LineChange> out;
  std::size_t line = 0;
  std::size_t at = 0;  // where `line` begins
  for (std::size_t i = 0; i < replacements.size();) {
    for (auto next = text.find('\n', at); next < replacements[i].begin; next = text.find('\n', at))
      at = next + 1, ++line;
    std::size_t end = at;
    std::vector<Replacement> here;
    do {
      here.push_back(replacements[i]);
      here.back().begin -= at;
      here.back().end -= at;
      end = std::min(text.find('\n', replacements[i].end), text.size() - 1) + 1;
    } while (++i < replacements.size() && replacements[i].begin < end);
    const auto old = text.substr(at, end - at);
    out.push_back({line, line + lines_of(old).size(), replaced(old, here)});
  }
  return out;
}

void put_lines(std::string& out, char sign, std::string_view line) {
  out += sign;
  out += line;
  if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

std::string range_text(std::size_t begin, std::size_t count) {
  // An empty range names the line before it.
  return std::to_string(count == 0 ? begin : begin + 1) +
         (count == 1 ? "" : "," + std::to_string(count));
}

}  // namespace

std::string_view indent_at(std::string_view text, std::size_t offset) {
  const auto begin = offset == 0 ? 0 : text.rfind('\n', offset - 1) + 1;
  const auto end = std::min(text.find_first_not_of(" \t", begin), text.size());
  return text.substr(begin, std::min(end, offset) - begin);
}

RewriteTemplate::RewriteTemplate(std::string_view text) {
  std::string literal;
  for (std::size_t at = 0; at < text.size();) {
    const auto dollars = std::min(text.find_first_not_of('$', at), text.size()) - at;
    auto end = at + dollars;
    while (end < text.size() && may_be_in_name(text[end])) ++end;
    const auto name = text.substr(at + dollars, end - at - dollars);
    const bool hole =
        dollars >= 1 && dollars <= 3 && !name.empty() && !(name[0] >= '0' && name[0] <= '9');
    if (!hole) {
      literal += text.substr(at, std::max<std::size_t>(dollars, 1));
      at += std::max<std::size_t>(dollars, 1);
      continue;
    }
    if (!literal.empty()) pieces_.push_back({std::exchange(literal, {}), false, false, {}});
    pieces_.push_back({std::string(name), true, dollars == 3, std::string(indent_at(text, at))});
    at = end;
  }
  if (!literal.empty()) pieces_.push_back({std::move(literal), false, false, {}});
}

std::vector<std::string> RewriteTemplate::holes() const {
  std::vector<std::string> out;
  for (const auto& piece : pieces_)
    if (piece.hole && std::find(out.begin(), out.end(), piece.text) == out.end())
      out.push_back(piece.text);
  return out;
}

std::string RewriteTemplate::fill(std::string_view text, const CodeMatch& match) const {
  const std::string around(indent_at(text, match.range.begin.offset));
  std::string out;
  for (const auto& piece : pieces_) {
    if (!piece.hole) {
      out += indented(piece.text, "", around);
      continue;
    }
    if (const auto* capture = capture_of(match, piece.text, piece.multiple))
      out += indented(capture->text, indent_at(text, capture->range.begin.offset),
                      around + piece.indent);
  }
  return out;
}

std::vector<Replacement> RewriteTemplate::replacements(
    std::string_view text, const std::vector<CodeMatch>& matches) const {
  std::vector<Replacement> out;
  for (const auto& match : matches) {  // in order of their begin, the outer ones first
    if (!out.empty() && match.range.begin.offset < out.back().end) continue;
    out.push_back({match.range.begin.offset, match.range.end.offset, fill(text, match)});
  }
  return out;
}

std::string replaced(std::string_view text, const std::vector<Replacement>& replacements) {
  std::string out;
  std::size_t at = 0;
  for (const auto& [begin, end, fresh] : replacements) {
    out += text.substr(at, begin - at);
    out += fresh;
    at = end;
  }
  out += text.substr(at);
  return out;
}

std::string unified_diff(std::string_view path, std::string_view text,
                         const std::vector<Replacement>& replacements) {
  const auto changes = line_changes(text, replacements);
  const auto lines = lines_of(text);
  auto out = "--- a/" + std::string(path) + "\n+++ b/" + std::string(path) + "\n";
  std::ptrdiff_t shift = 0;  // of the new text's lines against the old one's
  for (std::size_t i = 0; i < changes.size();) {
    auto last = i;
    while (last + 1 < changes.size() && changes[last + 1].begin <= changes[last].end + 2 * kContext)
      ++last;
    const auto begin = changes[i].begin - std::min(kContext, changes[i].begin);
    const auto end = std::min(changes[last].end + kContext, lines.size());
    std::string body;
    std::size_t fresh_count = 0;
    auto at = begin;
    const auto keep_until = [&](std::size_t until) {
      for (; at < until; ++at, ++fresh_count) put_lines(body, ' ', lines[at]);
    };
    for (; i <= last; ++i) {
      keep_until(changes[i].begin);
      for (; at < changes[i].end; ++at) put_lines(body, '-', lines[at]);
      for (const auto line : lines_of(changes[i].fresh)) {
        put_lines(body, '+', line);
        ++fresh_count;
      }
    }
    keep_until(end);
    const auto fresh_begin = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(begin) + shift);
    out += "@@ -" + range_text(begin, end - begin) + " +" + range_text(fresh_begin, fresh_count) +
           " @@\n" + body;
    shift += static_cast<std::ptrdiff_t>(fresh_count) - static_cast<std::ptrdiff_t>(end - begin);
  }
  return out;
}

Result<std::vector<FileRewrite>> rewrites_of(const SearchOutcome& outcome, const SearchSpec& spec,
                                             const RewriteTemplate& to) {
  const auto known = RewriteTemplate(spec.pattern + spec.inside + spec.has).holes();
  for (const auto& hole : to.holes())
    if (std::find(known.begin(), known.end(), hole) == known.end())
      return Error{ErrorCode::invalid_argument, "the pattern has no hole of this name", "$" + hole};
  std::vector<FileRewrite> out;
  for (const auto& file : outcome.files)
    out.push_back(
        {file.path, file.text, replaced(file.text, to.replacements(file.text, file.matches))});
  return out;
}

}  // namespace muster::treesitter
