#include "adapters/treesitter/symbol_edit.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "adapters/treesitter/nodes.hpp"
#include "runtime/core/text.hpp"

namespace muster::treesitter {
namespace {

constexpr std::size_t kListed = 30;

/// A path with "::" between its parts, however it was written.
std::string normal_path(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool colons = path.substr(i).starts_with("::");
    const bool separator = colons || path[i] == '.' || path[i] == '#';
    out += separator ? "::" : std::string(1, path[i]);
    i += colons ? 1 : 0;
  }
  return out;
}

bool ends_path(std::string_view path, std::string_view wanted) {
  if (!path.ends_with(wanted)) return false;
  path.remove_suffix(wanted.size());
  return path.empty() || path.ends_with("::");
}

std::string listed(const std::vector<Symbol>& symbols) {
  std::string out;
  for (std::size_t i = 0; i < std::min(symbols.size(), kListed); ++i)
    out +=
        (i > 0 ? ", " : "") + symbols[i].path + " (line " + std::to_string(symbols[i].line) + ")";
  if (symbols.size() > kListed) out += ", ...";
  return out.empty() ? "nothing" : out;
}

/// The node of a definition, or the outermost of several over the same text.
TSNode node_of(const SourceTree& tree, const Symbol& symbol) {
  auto node =
      ts_node_descendant_for_byte_range(tree.root(), static_cast<std::uint32_t>(symbol.begin),
                                        static_cast<std::uint32_t>(symbol.end));
  for (auto parent = ts_node_parent(node);
       !ts_node_is_null(parent) && ts_node_start_byte(parent) == symbol.begin &&
       ts_node_end_byte(parent) == symbol.end && !ts_node_is_null(ts_node_parent(parent));
       parent = ts_node_parent(parent))
    node = parent;
  return node;
}

/// The first body in the definition: of itself, or of what it wraps ("f = () => {...}").
std::optional<TSNode> body_of(TSNode definition) {
  std::optional<TSNode> out;
  each_node(definition, [&](TSNode node) {
    const auto body = ts_node_child_by_field_name(node, "body", 4);
    if (ts_node_is_null(body)) return Descent::into;
    out = body;
    return Descent::stop;
  });
  return out;
}

std::string_view without_blank_ends(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with(' ') || text.ends_with('\t') ||
         text.ends_with('\r'))
    text.remove_suffix(1);
  for (auto end = text.find('\n');
       end != std::string_view::npos &&
       text.substr(0, end).find_first_not_of(" \t\r") == std::string_view::npos;
       end = text.find('\n'))
    text.remove_prefix(end + 1);
  return text;
}

/// Whether lines of the text may stand inside of a string, where white space counts.
bool may_have_text_lines(std::string_view text) {
  for (const std::string_view mark : {"`", "\"\"\"", "'''", "<<", "R\"", "=begin", "r#\""})
    if (text.find(mark) != std::string_view::npos) return true;
  return false;
}

/// The text without the indentation that its lines share, with `indent` before each but the first;
/// as it is where a line of it may be part of a string.
std::string reindented(std::string_view text, std::string_view indent) {
  if (may_have_text_lines(text)) return std::string(without_blank_ends(text));
  const auto lines = split_lines(without_blank_ends(text));
  auto shared = std::string_view::npos;
  for (const auto& line : lines)
    if (const auto begin = line.find_first_not_of(" \t"); begin != std::string_view::npos)
      shared = std::min(shared, begin);
  if (shared == std::string_view::npos) shared = 0;
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    if (lines[i].find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (i > 0) out += indent;
    out += lines[i].substr(std::min(shared, lines[i].size()));
  }
  return out;
}

/// The step by which the lines within braces are indented beyond their definition.
std::string inner_indent(std::string_view text, std::string_view body, std::string_view outer) {
  const auto lines = split_lines(body);
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    const auto begin = lines[i].find_first_not_of(" \t\r");
    if (begin != std::string_view::npos && begin > outer.size())
      return std::string(lines[i].substr(0, begin));
  }
  if (text.find("\n\t") != std::string_view::npos) return std::string(outer) + "\t";
  const bool by_two =
      text.find("\n  ") != std::string_view::npos && text.find("\n    ") == std::string_view::npos;
  return std::string(outer) + (by_two ? "  " : "    ");
}

Replacement replace_body(const SourceTree& tree, TSNode body, std::string_view text) {
  const auto begin = ts_node_start_byte(body);
  const auto end = ts_node_end_byte(body);
  const auto old = tree.slice(body);
  const auto outer = indent_at(tree.text(), begin);
  const bool braces = old.starts_with('{') && old.ends_with('}');
  if (!braces) {
    // A body by indentation begins where its first statement does.
    const auto line = tree.text().rfind('\n', begin) + 1;
    const auto lead = tree.text().substr(line, begin - line);
    const bool own_line = lead.find_first_not_of(" \t") == std::string_view::npos;
    return {begin, end, reindented(text, own_line ? std::string(lead) : std::string(outer))};
  }
  if (trim(text).starts_with('{')) return {begin, end, reindented(text, outer)};
  const auto inner = inner_indent(tree.text(), old, outer);
  const auto lines = reindented(text, inner);
  if (lines.empty()) return {begin, end, "{}"};
  return {begin, end, "{\n" + inner + lines + "\n" + std::string(outer) + "}"};
}

/// New lines end as the file's do.
Replacement with_line_ends(const SourceTree& tree, Replacement replacement) {
  if (uses_crlf(tree.text())) replacement.text = to_crlf(replacement.text);
  return replacement;
}

}  // namespace

Result<Symbol> find_symbol(const SourceTree& tree, std::string_view wanted) {
  const auto name = normal_path(trim(wanted));
  auto symbols = outline_of(tree);
  std::vector<Symbol> found;
  for (const auto& symbol : symbols)
    if (ends_path(normal_path(symbol.path), name)) found.push_back(symbol);
  const auto narrow = [&](auto keeps) {
    if (found.size() > 1 && std::any_of(found.begin(), found.end(), keeps))
      std::erase_if(found, [&](const Symbol& symbol) { return !keeps(symbol); });
  };
  narrow([&](const Symbol& symbol) { return normal_path(symbol.path) == name; });
  narrow([&](const Symbol& symbol) { return body_of(node_of(tree, symbol)).has_value(); });
  if (found.size() == 1) return found.front();
  if (found.empty())
    return Error{ErrorCode::not_found, "the file defines no '" + std::string(wanted) +
                                           "'; it defines " + listed(symbols)};
  return Error{ErrorCode::conflict,
               "several definitions have this name; say more of the path: " + listed(found)};
}

Result<Replacement> replace_symbol(const SourceTree& tree, const Symbol& symbol, SymbolPart part,
                                   std::string_view text) {
  if (part == SymbolPart::whole)
    return with_line_ends(
        tree, {symbol.begin, symbol.end, reindented(text, indent_at(tree.text(), symbol.begin))});
  const auto body = body_of(node_of(tree, symbol));
  if (!body)
    return Error{ErrorCode::invalid_argument,
                 "it has no body; replace the whole of it (part: whole)", symbol.path};
  return with_line_ends(tree, replace_body(tree, *body, text));
}

}  // namespace muster::treesitter
