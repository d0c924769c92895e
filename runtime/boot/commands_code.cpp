// Commands on the structure of code: they need no engine and no mission.

#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>
#include <fmt/format.h>
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "actors/mission_status.hpp"
#include "adapters/files/replace_files.hpp"
#include "adapters/files/ripgrep.hpp"
#include "adapters/io/read_all.hpp"
#include "adapters/io/unique_fd.hpp"
#include "adapters/treesitter/code_rewrite.hpp"
#include "adapters/treesitter/code_search.hpp"
#include "adapters/treesitter/outline.hpp"
#include "adapters/treesitter/tree_sitter_syntax.hpp"
#include "runtime/boot/commands.hpp"
#include "runtime/boot/symbol_json.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster::commands {
namespace {

using nlohmann::json;
using treesitter::CodeCapture;
using treesitter::CodeMatch;
using treesitter::CodePlace;
using treesitter::CodeRange;
using treesitter::FileMatches;
using treesitter::SearchSpec;

constexpr std::size_t kShownLine = 200;

/// The files that the given paths name, relative to the workspace; what lies in folders honours
/// ignore files.
Result<std::vector<std::string>> files_of(const std::string& root,
                                          const std::vector<std::string>& paths) {
  std::vector<std::string> out;
  const files::Ripgrep ripgrep({.max_output = 256U << 20U});
  for (const auto& path : paths.empty() ? std::vector<std::string>{"."} : paths) {
    const auto full = absolute_path(root, path);
    const auto shown = relative_to(root, full);
    struct stat info {};
    if (::stat(full.c_str(), &info) != 0)
      return Error{ErrorCode::not_found, "there is no such file or folder", path};
    if (!S_ISDIR(info.st_mode)) {
      out.push_back(shown);
      continue;
    }
    const UniqueFd folder(::open(full.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return Error{ErrorCode::permission_denied, "the folder cannot be read", path};
    auto list = ripgrep.files(folder.get());
    if (!list) return list.error();
    if (list->truncated) return Error{ErrorCode::limit_reached, "there are too many files", path};
    for (const auto& file : list->paths) out.push_back(join_path(shown, file));
  }
  return out;
}

// ---- search -----------------------------------------------------------------------------------

Result<SearchSpec> spec_of(const cli::AstCommand& command) {
  SearchSpec out{command.pattern,
                 command.selector,
                 command.query,
                 command.inside,
                 command.has,
                 command.without,
                 {}};
  for (const auto& text : command.where) {
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string::npos)
      return Error{ErrorCode::invalid_argument, "--where wants HOLE=REGEX", text};
    auto hole = text.substr(
        text.find_first_not_of('$') == std::string::npos ? 0 : text.find_first_not_of('$'));
    hole.resize(hole.find('='));
    out.where.push_back({hole, text.substr(equals + 1)});
  }
  return out;
}

json place_json(const CodePlace& place) {
  return {{"line", place.line}, {"column", place.column}, {"columnUtf16", place.column_utf16}};
}

json range_json(const CodeRange& range) {
  return {{"byteOffset", {{"start", range.begin.offset}, {"end", range.end.offset}}},
          {"start", place_json(range.begin)},
          {"end", place_json(range.end)}};
}

json captures_json(const std::vector<CodeCapture>& captures) {
  json single = json::object();
  json multi = json::object();
  for (const auto& capture : captures) {
    json value{{"text", capture.text}, {"range", range_json(capture.range)}};
    if (capture.multiple) value["parts"] = capture.parts;
    (capture.multiple ? multi : single)[capture.name] = std::move(value);
  }
  return {{"single", single}, {"multi", multi}};
}

/// A line for each match: a JSON reader need not wait for the end.
void print_matches(const FileMatches& file, bool as_json) {
  for (const auto& match : file.matches) {
    if (as_json)
      fmt::print("{}\n", dumped({{"file", file.path},
                                 {"language", file.language->name},
                                 {"text", match.text},
                                 {"lines", match.lines},
                                 {"range", range_json(match.range)},
                                 {"metaVariables", captures_json(match.captures)}}));
    else
      fmt::print(
          "{}:{}:{}: {}\n", one_line(file.path, 4096), match.range.begin.line + 1,
          match.range.begin.column + 1,
          one_line(std::string_view(match.lines).substr(0, match.lines.find('\n')), kShownLine));
  }
}

void complain_of_skipped(const std::vector<std::string>& skipped) {
  for (const auto& what : skipped)
    fmt::print(stderr, "muster: skipped {}\n", one_line(what, kShownLine));
}

int search(const treesitter::SearchOutcome& outcome, bool as_json) {
  for (const auto& file : outcome.files) print_matches(file, as_json);
  complain_of_skipped(outcome.skipped);
  return outcome.files.empty() ? cli::exit_failed : cli::exit_sealed;
}

// ---- rewrite ----------------------------------------------------------------------------------

int rewrite(const cli::AstCommand& command, const std::string& root, const SearchSpec& spec,
            const treesitter::SearchOutcome& outcome) {
  const treesitter::RewriteTemplate to(command.replacement);
  auto rewrites = treesitter::rewrites_of(outcome, spec, to);
  if (!rewrites) return complain(rewrites.error());
  std::size_t count = 0;
  for (const auto& file : outcome.files) {
    const auto replacements = to.replacements(file.text, file.matches);
    count += replacements.size();
    if (!command.write)
      fmt::print("{}", strip_terminal_escapes(
                           treesitter::unified_diff(file.path, file.text, replacements)));
  }
  complain_of_skipped(outcome.skipped);
  if (command.write)
    if (auto done = files::replace_files(root, *rewrites); !done) return complain(done.error());
  fmt::print(stderr, "muster: {} {} in {} files{}\n", count,
             command.write ? "places rewritten" : "places to rewrite", rewrites->size(),
             command.write || count == 0 ? "" : "; --write changes them");
  return count == 0 ? cli::exit_failed : cli::exit_sealed;
}

// ---- check ------------------------------------------------------------------------------------

struct Tally {
  std::size_t files = 0;
  std::size_t with_errors = 0;
  std::size_t bytes = 0;
};

void print_summary(const std::map<std::string_view, Tally>& tallies, bool as_json) {
  if (!as_json)
    fmt::print("{:<12} {:>8} {:>12} {:>12} {:>8}  {}\n", "language", "files", "bytes",
               "with errors", "rate", "gate");
  for (const auto& [name, tally] : tallies) {
    const auto rate = static_cast<double>(tally.with_errors) / static_cast<double>(tally.files);
    const auto* gate = language_named(name)->gate == GateRule::refuse ? "refuse" : "warn";
    if (as_json)
      fmt::print("{}\n", dumped({{"language", name},
                                 {"files", tally.files},
                                 {"bytes", tally.bytes},
                                 {"withErrors", tally.with_errors},
                                 {"rate", rate},
                                 {"gate", gate}}));
    else
      fmt::print("{:<12} {:>8} {:>12} {:>12} {:>7.3f}%  {}\n", name, tally.files, tally.bytes,
                 tally.with_errors, 100 * rate, gate);
  }
}

void print_problems(const std::string& path, const SyntaxReport& report, bool as_json) {
  for (const auto& problem : report.problems) {
    if (as_json)
      fmt::print("{}\n", dumped({{"file", path},
                                 {"language", report.language->name},
                                 {"line", problem.line},
                                 {"column", problem.column},
                                 {"message", problem.message},
                                 {"expected", problem.expected},
                                 {"text", problem.text}}));
    else
      fmt::print("{}\n", one_line(describe_problem(path, problem), 2 * kShownLine));
  }
}

int check(const cli::AstCommand& command, const std::string& root,
          const std::vector<std::string>& paths) {
  TreeSitterSyntax syntax({}, 1);
  std::map<std::string_view, Tally> tallies;
  std::vector<std::string> skipped;
  bool wrong = false;
  const auto* only = command.language.empty() ? nullptr : language_named(command.language);
  if (!command.language.empty() && !only)
    return complain(
        {ErrorCode::invalid_argument, "there is no grammar for this language", command.language});
  for (const auto& path : paths) {
    const auto* named = language_of(path);
    if (only ? named != only : !named && base_name(path).find('.', 1) != std::string_view::npos)
      continue;
    auto text = read_all(join_path(root, path));
    auto report = text ? syntax.check(path, *text) : Result<SyntaxReport>(text.error());
    if (!report) {
      skipped.push_back(path + ": " + report.error().message);
      continue;
    }
    if (!report->language) continue;
    auto& tally = tallies[report->language->name];
    ++tally.files;
    tally.bytes += text->size();
    if (report->problems.empty()) continue;
    ++tally.with_errors;
    wrong = true;
    if (!command.summary) print_problems(path, *report, command.json);
  }
  if (command.summary) print_summary(tallies, command.json);
  complain_of_skipped(skipped);
  // What was not looked at is not clean.
  return wrong || !skipped.empty() ? cli::exit_failed : cli::exit_sealed;
}

// ---- outline ----------------------------------------------------------------------------------

void print_symbols(const std::string& path, const std::vector<treesitter::Symbol>& symbols,
                   bool as_json) {
  if (!as_json) fmt::print("{}\n", one_line(path, 4096));
  for (const auto& symbol : symbols) {
    if (as_json)
      fmt::print("{}\n", dumped(symbol_json(treesitter::indexed_symbol(path, symbol))));
    else
      fmt::print("{:>6}-{:<6} {}{}\n", symbol.line, symbol.end_line,
                 std::string(2 * static_cast<std::size_t>(symbol.depth), ' '),
                 one_line(symbol.signature, kShownLine));
  }
}

}  // namespace

int outline(const cli::OutlineCommand& command, const Workspace& workspace) {
  const auto& root = workspace.paths.workspace;
  auto paths = files_of(root, command.files);
  if (!paths) return complain(paths.error());
  treesitter::SourceParser parser;
  std::vector<std::string> skipped;
  for (const auto& path : *paths) {
    auto text = read_all(join_path(root, path));
    if (!text) return complain(text.error());
    const auto* language = language_of(path, *text);
    Result<treesitter::SourceTree> tree =
        Error{ErrorCode::not_found, "no grammar knows what is in it"};
    if (language) tree = parser.parse(*language, std::move(*text));
    if (tree)
      print_symbols(path, treesitter::outline_of(*tree), command.json);
    else
      skipped.push_back(path + ": " + tree.error().message);
  }
  complain_of_skipped(skipped);
  return skipped.empty() ? cli::exit_sealed : cli::exit_failed;
}

int ast(const cli::AstCommand& command, const Workspace& workspace) {
  const auto& root = workspace.paths.workspace;
  auto paths = files_of(root, command.paths);
  if (!paths) return complain(paths.error());
  if (command.action == cli::AstCommand::Action::check) return check(command, root, *paths);
  auto spec = spec_of(command);
  if (!spec) return complain(spec.error());
  auto searches = treesitter::searches_for(command.language, *spec);
  if (!searches) return complain(searches.error());
  if (!searches->warning.empty()) fmt::print(stderr, "muster: warning: {}\n", searches->warning);
  const bool searching = command.action == cli::AstCommand::Action::search;
  treesitter::SearchOptions options;
  options.keep_text = !searching;
  const auto outcome = treesitter::search_files(root, *paths, *searches, options);
  return searching ? search(outcome, command.json) : rewrite(command, root, *spec, outcome);
}

}  // namespace muster::commands
