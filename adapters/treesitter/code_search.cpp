#include "adapters/treesitter/code_search.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "adapters/io/read_all.hpp"
#include "adapters/treesitter/nodes.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster::treesitter {
namespace {

/// Where a place is, and what it takes to go on from there.
struct Cursor {
  CodePlace place;
  std::size_t line_begin = 0;
};

/// Turns offsets of one text into places. A walk from the last match on costs what lies between;
/// matches come in the order of their begins.
class Places {
 public:
  explicit Places(std::string_view text) : text_(text) {}

  const Cursor& match_at(std::size_t offset) {
    if (offset < cursor_.place.offset) cursor_ = {};
    cursor_ = moved(cursor_, offset);
    return cursor_;
  }

  [[nodiscard]] Cursor moved(Cursor from, std::size_t offset) const {
    auto& place = from.place;
    for (auto next = text_.find('\n', place.offset);
         next != std::string_view::npos && next < offset; next = text_.find('\n', place.offset)) {
      from.line_begin = next + 1;
      place = {next + 1, place.line + 1, 0, 0};
    }
    for (const char c : text_.substr(place.offset, offset - place.offset)) {
      const auto byte = static_cast<unsigned char>(c);
      if ((byte & 0xC0U) == 0x80U) continue;
      ++place.column;
      place.column_utf16 += byte >= 0xF0U ? 2 : 1;  // beyond the basic plane: a surrogate pair
    }
    place.offset = offset;
    return from;
  }

  [[nodiscard]] CodeRange range(const Cursor& from, std::size_t begin, std::size_t end) const {
    const auto first = moved(from, begin);
    return {first.place, moved(first, end).place};
  }

  /// The whole lines of a range, at most `max_bytes` of them.
  [[nodiscard]] std::string lines(const Cursor& begin, std::size_t end,
                                  std::size_t max_bytes) const {
    const auto to = std::min(text_.find('\n', end), text_.size());
    return std::string(
        bounded_head(text_.substr(begin.line_begin, to - begin.line_begin), max_bytes));
  }

 private:
  std::string_view text_;
  Cursor cursor_;
};

CodeCapture shown(const SourceTree& tree, const Places& places, const Cursor& match,
                  const Capture& capture) {
  CodeCapture out;
  out.name = capture.name;
  out.multiple = capture.multiple;
  if (capture.nodes.empty()) return out;
  const auto begin = ts_node_start_byte(capture.nodes.front());
  const auto end = ts_node_end_byte(capture.nodes.back());
  out.text = tree.text().substr(begin, end - begin);
  const bool after = begin >= match.place.offset;  // a hole of `inside` may lie before the match
  out.range = places.range(after ? match : Cursor{}, begin, end);
  if (capture.multiple)
    for (const TSNode node : capture.nodes) out.parts.emplace_back(tree.slice(node));
  return out;
}

CodeMatch shown(const SourceTree& tree, Places& places, TSNode node, const Captures& captures,
                const FindLimits& limits) {
  CodeMatch out;
  const auto begin = ts_node_start_byte(node);
  const auto end = ts_node_end_byte(node);
  const auto& at = places.match_at(begin);
  out.range = places.range(at, begin, end);
  out.text = tree.slice(node);
  out.lines = places.lines(at, end, limits.max_line_bytes);
  for (const auto& capture : captures) out.captures.push_back(shown(tree, places, at, capture));
  return out;
}

std::size_t bytes_of(const CodeMatch& match) {
  auto bytes = sizeof(CodeMatch) + match.text.size() + match.lines.size();
  for (const auto& capture : match.captures) {
    bytes += sizeof(CodeCapture) + capture.text.size();
    for (const auto& part : capture.parts) bytes += sizeof(std::string) + part.size();
  }
  return bytes;
}

bool any_within(const AstPattern& pattern, const SourceTree& tree, TSNode top, Captures& captures) {
  return !each_node(top, [&](TSNode node) {
    return pattern.matches(tree, node, captures) ? Descent::stop : Descent::into;
  });
}

bool any_around(const AstPattern& pattern, const SourceTree& tree, TSNode node,
                Captures& captures) {
  for (auto at = ts_node_parent(node); !ts_node_is_null(at); at = ts_node_parent(at))
    if (pattern.matches(tree, at, captures)) return true;
  return false;
}

Error in_part(const char* part, Error error) {
  error.message = std::string(part) + ": " + error.message;
  return error;
}

}  // namespace

/// A compiled query of tree-sitter's own language.
class CodeSearch::Query {
 public:
  static Result<std::unique_ptr<Query>> make(const Language& language, const std::string& text) {
    std::uint32_t at = 0;
    TSQueryError error = TSQueryErrorNone;
    auto out = std::make_unique<Query>();
    const auto* grammar = grammar_of(language);
    if (!grammar) return Error{ErrorCode::not_found, "there is no grammar"};
    out->query_ =
        ts_query_new(grammar, text.data(), static_cast<std::uint32_t>(text.size()), &at, &error);
    if (out->query_) return out;
    static constexpr const char* what[] = {"",
                                           "syntax",
                                           "unknown kind of node",
                                           "unknown field",
                                           "unknown capture",
                                           "impossible structure",
                                           "wrong version"};
    return Error{ErrorCode::invalid_argument,
                 std::string(what[error]) + " at byte " + std::to_string(at)};
  }
  Query() = default;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() { ts_query_delete(query_); }

  /// Each match with its captures; its node is the outermost capture.
  template <class Visit>
  void run(const SourceTree& tree, Visit visit) const {
    TSQueryCursor* cursor = ts_query_cursor_new();
    ts_query_cursor_set_match_limit(cursor, kMatchLimit);
    ts_query_cursor_exec(cursor, query_, tree.root());
    TSQueryMatch match{};
    while (ts_query_cursor_next_match(cursor, &match)) {
      if (match.capture_count == 0) continue;
      Captures captures;
      TSNode outer = match.captures[0].node;
      for (std::uint32_t i = 0; i < match.capture_count; ++i) {
        const auto& found = match.captures[i];
        std::uint32_t length = 0;
        const char* name = ts_query_capture_name_for_id(query_, found.index, &length);
        captures.push_back({std::string(name, length), {found.node}, false});
        if (ts_node_start_byte(found.node) <= ts_node_start_byte(outer) &&
            ts_node_end_byte(found.node) >= ts_node_end_byte(outer))
          outer = found.node;
      }
      visit(outer, captures);
    }
    ts_query_cursor_delete(cursor);
  }

 private:
  static constexpr std::uint32_t kMatchLimit = 65536;  // of matches that are open at once
  TSQuery* query_ = nullptr;
};

CodeSearch::CodeSearch() = default;
CodeSearch::~CodeSearch() = default;

Result<std::shared_ptr<const CodeSearch>> CodeSearch::make(const Language& language,
                                                           const SearchSpec& spec) {
  const std::shared_ptr<CodeSearch> out(new CodeSearch());
  out->language_ = &language;
  if (auto added = out->add(language, spec); !added) return added.error();
  return std::shared_ptr<const CodeSearch>(out);
}

Status CodeSearch::add(const Language& language, const SearchSpec& spec) {
  if (spec.query.empty() == spec.pattern.empty())
    return Error{ErrorCode::invalid_argument, "either a pattern or a query is needed"};
  const auto compile = [&](const char* part, const std::string& text, const std::string& selector,
                           std::unique_ptr<AstPattern>& out) -> Status {
    if (text.empty()) return ok_status();
    auto made = AstPattern::compile(language, text, selector);
    if (!made) return in_part(part, made.error());
    if (made->has_error())
      warning_ = std::string(part) + " is not valid " + std::string(language.name) +
                 ": it may match nothing";
    out = std::make_unique<AstPattern>(std::move(*made));
    return ok_status();
  };
  if (auto done = compile("the pattern", spec.pattern, spec.selector, pattern_); !done) return done;
  if (auto done = compile("inside", spec.inside, "", inside_); !done) return done;
  if (auto done = compile("has", spec.has, "", has_); !done) return done;
  if (auto done = compile("not", spec.without, "", without_); !done) return done;
  if (!spec.query.empty()) {
    auto made = Query::make(language, spec.query);
    if (!made) return in_part("the query", made.error());
    query_ = std::move(*made);
  }
  for (const auto& [hole, regex] : spec.where) {
    auto compiled = std::make_unique<re2::RE2>(regex, re2::RE2::Quiet);
    if (!compiled->ok())
      return in_part("where", {ErrorCode::invalid_argument, compiled->error(), hole});
    where_.push_back({hole, std::move(compiled)});
  }
  return ok_status();
}

bool CodeSearch::possible_in(std::string_view text) const {
  return (!pattern_ || pattern_->possible_in(text)) && (!inside_ || inside_->possible_in(text)) &&
         (!has_ || has_->possible_in(text));
}

bool CodeSearch::holds(const SourceTree& tree, TSNode node, Captures& captures) const {
  for (const auto& where : where_) {
    const auto found = std::find_if(captures.begin(), captures.end(), [&](const Capture& capture) {
      return capture.name == where.hole;
    });
    if (found == captures.end() || found->nodes.empty()) return false;
    const auto begin = ts_node_start_byte(found->nodes.front());
    const auto text = tree.text().substr(begin, ts_node_end_byte(found->nodes.back()) - begin);
    if (!re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *where.regex))
      return false;
  }
  if (inside_ && !any_around(*inside_, tree, node, captures)) return false;
  if (has_ && !any_within(*has_, tree, node, captures)) return false;
  if (!without_) return true;
  auto others = captures;
  return !any_within(*without_, tree, node, others);
}

Result<std::vector<CodeMatch>> CodeSearch::find(SourceParser& parser, std::string text,
                                                const FindLimits& limits) const {
  std::vector<CodeMatch> out;
  if (!possible_in(text)) return out;
  auto tree = parser.parse(*language_, std::move(text));
  if (!tree) return tree.error();
  Places places(tree->text());
  std::size_t bytes = 0;
  const auto take = [&](TSNode node, Captures& captures) {
    if (bytes > limits.max_bytes || !holds(*tree, node, captures)) return;
    out.push_back(shown(*tree, places, node, captures, limits));
    bytes += bytes_of(out.back());
  };
  if (query_)
    query_->run(*tree, take);
  else
    each_node(tree->root(), [&](TSNode node) {
      Captures captures;
      if (pattern_->matches(*tree, node, captures)) take(node, captures);
      return bytes > limits.max_bytes ? Descent::stop : Descent::into;
    });
  if (bytes > limits.max_bytes)
    return Error{ErrorCode::limit_reached, "more matches than can be kept"};
  return out;
}

// ---- files ------------------------------------------------------------------------------------

namespace {

/// One file's part of the outcome.
struct Found {
  FileMatches file;
  std::string skipped;
  bool searched = false;
};

Found search_file(SourceParser& parser, const std::string& folder, const std::string& path,
                  const Searches& searches, const SearchOptions& options) {
  Found out;
  // The name decides mostly; only a file without a suffix is opened to see what it is.
  const auto name = base_name(path);
  const bool by_head = name.find('.', 1) == std::string_view::npos;
  const auto* language = language_of(path);
  const auto wanted = [&](const Language* l) {
    return std::find_if(searches.list.begin(), searches.list.end(),
                        [&](const auto& search) { return search.first == l; });
  };
  const auto none = searches.list.end();
  if (!language && !by_head) return out;
  if (language && wanted(language) == none) return out;
  auto text = read_all(join_path(folder, path));
  if (!text) {
    out.skipped = path + ": " + text.error().message;
    return out;
  }
  if (!language) language = language_of(path, *text);
  const auto search = wanted(language);
  if (!language || search == none) return out;
  out.searched = true;
  if (text->size() > options.max_file_bytes) {
    out.skipped = path + ": longer than " + std::to_string(options.max_file_bytes) + " bytes";
    return out;
  }
  std::string kept = options.keep_text ? *text : std::string();
  auto matches = search->second->find(parser, std::move(*text), options.find);
  if (!matches) {
    out.skipped = path + ": " + matches.error().message;
    return out;
  }
  out.file = {path, language, std::move(*matches), std::move(kept)};
  return out;
}

}  // namespace

Result<Searches> searches_for(const std::string& language, const SearchSpec& spec) {
  Searches out;
  if (!language.empty()) {
    const auto* named = language_named(language);
    if (!named)
      return Error{ErrorCode::invalid_argument, "there is no grammar for this language", language};
    auto search = CodeSearch::make(*named, spec);
    if (!search) return search.error();
    out.warning = (*search)->warning();
    out.list.emplace_back(named, std::move(*search));
    return out;
  }
  for (const auto& one : languages()) {
    if (one.lenient) continue;
    auto search = CodeSearch::make(one, spec);
    if (search && (*search)->warning().empty()) out.list.emplace_back(&one, std::move(*search));
  }
  if (out.list.empty())
    return Error{ErrorCode::invalid_argument,
                 "the pattern is valid in no language; name one to see why"};
  return out;
}

SearchOutcome search_files(const std::string& folder, const std::vector<std::string>& paths,
                           const Searches& searches, SearchOptions options) {
  std::vector<Found> found(paths.size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    SourceParser parser;
    for (auto i = next++; i < paths.size(); i = next++)
      found[i] = search_file(parser, folder, paths[i], searches, options);
  };
  const auto threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1,
                                               std::max<std::size_t>(paths.size() / 8, 1));
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
  for (auto& thread : others) thread.join();
  SearchOutcome out;
  for (auto& one : found) {
    out.searched += one.searched ? 1 : 0;
    if (!one.skipped.empty()) out.skipped.push_back(std::move(one.skipped));
    if (!one.file.matches.empty()) out.files.push_back(std::move(one.file));
  }
  return out;
}

}  // namespace muster::treesitter
