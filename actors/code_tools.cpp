#include "actors/code_tools.hpp"

#include <algorithm>
#include <array>

#include "actors/tool_arguments.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;

constexpr std::size_t shown_hits = 200;
constexpr std::size_t shown_symbols = 300;
constexpr std::size_t shown_skipped = 5;
constexpr std::size_t shown_line = 200;
constexpr int most_map_tokens = 8000;

/// Reads the texts of a call; the first that is wrong is kept.
class Texts {
 public:
  explicit Texts(const json& arguments) : arguments_(arguments) {}
  std::string required(const char* key) { return take(text_argument(arguments_, key, true)); }
  std::string optional(const char* key) { return take(text_argument(arguments_, key, false)); }
  [[nodiscard]] const Status& status() const { return status_; }

 private:
  std::string take(Result<std::string> text) {
    if (text) return *text;
    if (status_.ok()) status_ = text.error();
    return {};
  }
  const json& arguments_;
  Status status_ = ok_status();
};

std::string shown(const std::string& text) { return one_line(text, shown_line); }

std::string place_line(const std::string& file, int line, int column, const std::string& text) {
  return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + shown(text) +
         "\n";
}

/// {"NAME": "regex", ...}
Status read_where(const json& arguments, CodePattern& pattern) {
  const auto found = arguments.find("where");
  if (found == arguments.end() || found->is_null()) return ok_status();
  const Error wrong{ErrorCode::invalid_argument,
                    "argument 'where' must be an object of hole and regular expression"};
  if (!found->is_object()) return wrong;
  for (const auto& [hole, regex] : found->items()) {
    if (!regex.is_string()) return wrong;
    const auto begin = std::min(hole.find_first_not_of('$'), hole.size());
    pattern.where.emplace_back(hole.substr(begin), regex.get<std::string>());
  }
  return ok_status();
}

Result<CodePattern> read_pattern(const json& arguments) {
  Texts texts(arguments);
  CodePattern out;
  out.pattern = texts.required("pattern");
  out.language = texts.optional("language");
  out.inside = texts.optional("inside");
  out.has = texts.optional("has");
  out.without = texts.optional("not");
  if (auto path = texts.optional("path"); !path.empty()) out.path = std::move(path);
  if (!texts.status()) return texts.status().error();
  if (auto read = read_where(arguments, out); !read) return read.error();
  return out;
}

void add_skipped(std::string& out, const std::vector<std::string>& skipped) {
  for (std::size_t i = 0; i < std::min(skipped.size(), shown_skipped); ++i)
    out += "[not searched: " + shown(skipped[i]) + "]\n";
  if (skipped.size() > shown_skipped)
    out += "[and " + std::to_string(skipped.size() - shown_skipped) + " more not searched]\n";
}

Result<std::string> ast_search(WorkspaceCode& code, const json& arguments) {
  auto pattern = read_pattern(arguments);
  if (!pattern) return pattern.error();
  auto found = code.search(*pattern);
  if (!found) return found.error();
  std::string out;
  if (!found->warning.empty()) out += "[" + found->warning + "]\n";
  const auto count = std::min(found->hits.size(), shown_hits);
  for (std::size_t i = 0; i < count; ++i) {
    const auto& hit = found->hits[i];
    out += place_line(hit.file, hit.line, hit.column, hit.text);
  }
  if (found->hits.empty())
    out += "no match in " + std::to_string(found->searched) + " files\n";
  else if (found->hits.size() > count)
    out += "[" + std::to_string(found->hits.size() - count) + " more; narrow the search]\n";
  add_skipped(out, found->skipped);
  return out;
}

std::string symbol_line(const IndexedSymbol& symbol) {
  return std::to_string(symbol.line) + "-" + std::to_string(symbol.end_line) + " " + symbol.kind +
         " " + symbol.path + ": " + shown(symbol.signature) + "\n";
}

Result<std::string> outline(WorkspaceCode& code, const json& arguments) {
  auto path = text_argument(arguments, "path", true);
  if (!path) return path.error();
  auto symbols = code.outline(*path);
  if (!symbols) return symbols.error();
  if (symbols->empty()) return *path + " defines nothing that a grammar knows\n";
  std::string out;
  const auto count = std::min(symbols->size(), shown_symbols);
  for (std::size_t i = 0; i < count; ++i) out += symbol_line((*symbols)[i]);
  if (symbols->size() > count)
    out += "[" + std::to_string(symbols->size() - count) + " more definitions]\n";
  return out;
}

Result<std::string> symbols(CodeIndex& index, const json& arguments) {
  Texts texts(arguments);
  SymbolQuery query;
  query.name = texts.required("name");
  query.kind = texts.optional("kind");
  query.folder = texts.optional("path");
  query.limit = shown_symbols;
  if (!texts.status()) return texts.status().error();
  auto found = index.symbols(query);
  if (!found) return found.error();
  if (found->empty()) return "nothing of the name '" + query.name + "' is defined here\n";
  std::string out;
  for (const auto& symbol : *found) out += symbol.file + ":" + symbol_line(symbol);
  return out;
}

Result<std::string> refs(CodeIndex& index, const json& arguments) {
  auto name = text_argument(arguments, "name", true);
  if (!name) return name.error();
  bool more = false;
  auto found = index.references(*name, shown_hits, more);
  if (!found) return found.error();
  if (found->empty()) return "nothing here uses the name '" + *name + "'\n";
  std::string out;
  for (const auto& one : *found) {
    auto text = one.within.empty() ? one.text : one.text + "  [in " + one.within + "]";
    out += place_line(one.file, one.line, one.column, text);
  }
  if (more) out += "[there are more; use grep in a folder]\n";
  return out;
}

Result<std::string> repo_map(CodeIndex& index, const json& arguments) {
  MapRequest request;
  request.token_budget = std::clamp(int_argument(arguments, "tokens", 2000), 200, most_map_tokens);
  auto text = text_argument(arguments, "about", false);
  if (!text) return text.error();
  request.text = std::move(*text);
  return index.map(request);
}

Result<SymbolPart> part_of(const std::string& text) {
  if (text.empty() || text == "body") return SymbolPart::body;
  if (text == "whole") return SymbolPart::whole;
  return Error{ErrorCode::invalid_argument, "argument 'part' is 'body' or 'whole'"};
}

Result<std::vector<FileRewrite>> plan_symbol_edit(WorkspaceCode& code, const json& arguments) {
  Texts texts(arguments);
  const auto path = texts.required("path");
  const auto symbol = texts.required("symbol");
  const auto text = texts.required("new_text");
  const auto part_text = texts.optional("part");
  if (!texts.status()) return texts.status().error();
  auto part = part_of(part_text);
  if (!part) return part.error();
  auto rewrite = code.replace_symbol(path, symbol, *part, text);
  if (!rewrite) return rewrite.error();
  return std::vector<FileRewrite>{std::move(*rewrite)};
}

Result<std::vector<FileRewrite>> plan_ast_rewrite(WorkspaceCode& code, const json& arguments) {
  auto pattern = read_pattern(arguments);
  if (!pattern) return pattern.error();
  auto replacement = text_argument(arguments, "rewrite", true);
  if (!replacement) return replacement.error();
  auto rewrites = code.rewrite(*pattern, *replacement);
  if (!rewrites) return rewrites.error();
  if (rewrites->empty())
    return Error{ErrorCode::not_found, "the pattern has no match; ast_search shows what has one"};
  return rewrites;
}

}  // namespace

bool is_code_tool(const std::string& name) noexcept {
  static constexpr std::array<std::string_view, 5> names{"ast_search", "outline", "symbols", "refs",
                                                         "repo_map"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

Result<std::string> run_code_tool(WorkspaceCode& code, const std::string& name,
                                  const std::string& arguments) {
  auto args = tool_arguments(arguments);
  if (!args) return args.error();
  if (name == "ast_search") return ast_search(code, *args);
  if (name == "outline") return outline(code, *args);
  auto index = code.index();
  if (!index) return index.error();
  if (name == "symbols") return symbols(**index, *args);
  if (name == "refs") return refs(**index, *args);
  if (name == "repo_map") return repo_map(**index, *args);
  return Error{ErrorCode::not_found, "there is no tool '" + name + "'"};
}

bool is_code_change(const std::string& name, const std::string& arguments) {
  if (name == "ast_rewrite") return true;
  if (name != "edit") return false;
  const auto args = tool_arguments(arguments);
  if (!args) return false;
  const auto symbol = text_argument(*args, "symbol", false);  // models fill in what is optional
  return !symbol || !trim(*symbol).empty();
}

Result<std::vector<FileRewrite>> plan_code_change(WorkspaceCode& code, const std::string& name,
                                                  const std::string& arguments) {
  auto args = tool_arguments(arguments);
  if (!args) return args.error();
  return name == "edit" ? plan_symbol_edit(code, *args) : plan_ast_rewrite(code, *args);
}

}  // namespace muster
