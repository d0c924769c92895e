// `muster symbols | refs | map | index`: what the code index knows.

#include <fmt/format.h>
#include <sys/stat.h>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "actors/mission_status.hpp"
#include "adapters/index/code_index.hpp"
#include "runtime/boot/commands.hpp"
#include "runtime/boot/symbol_json.hpp"
#include "runtime/core/chat.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster::commands {
namespace {

using nlohmann::json;

constexpr std::size_t kShownLine = 200;
constexpr std::size_t kShownPath = 4096;
constexpr std::size_t kMostSymbols = 10'000;
constexpr std::size_t kMostReferences = 10'000;

Result<std::shared_ptr<CodeIndex>> open_index(const Workspace& workspace) {
  index::SqliteCodeIndex port({index::database_in(workspace.paths.state_dir)});
  return port.open(workspace.paths.workspace);
}

/// A path that a person gives is relative to where they are, or to --workspace; the index has paths
/// from the workspace's root.
Result<std::string> indexed_path(const std::string& given, const cli::CommandLine& line,
                                 const Workspace& workspace) {
  std::error_code error;
  const auto base =
      std::filesystem::canonical(line.workspace.empty() ? "." : line.workspace, error).string();
  const auto full = absolute_path(base, given);
  if (!path_within(workspace.paths.workspace, full))
    return Error{ErrorCode::invalid_argument, "is outside of the workspace", given};
  struct stat info {};
  if (::stat(full.c_str(), &info) != 0)
    return Error{ErrorCode::not_found, "there is no such file or folder", given};
  return relative_to(workspace.paths.workspace, full);
}

void complain_of_limit(std::size_t limit) {
  fmt::print(stderr, "muster: only the first {} are shown\n", limit);
}

void print_symbol(const IndexedSymbol& symbol, bool as_json) {
  if (as_json)
    fmt::print("{}\n", dumped(symbol_json(symbol)));
  else
    fmt::print("{}:{}: {} {}: {}\n", one_line(symbol.file, kShownPath), symbol.line, symbol.kind,
               one_line(symbol.path, kShownLine), one_line(symbol.signature, kShownLine));
}

void print_reference(const IndexedReference& reference, bool as_json) {
  if (as_json)
    fmt::print("{}\n", dumped({{"file", reference.file},
                               {"line", reference.line},
                               {"column", reference.column},
                               {"text", reference.text},
                               {"within", reference.within}}));
  else
    fmt::print("{}:{}:{}: {}\n", one_line(reference.file, kShownPath), reference.line,
               reference.column, one_line(reference.text, kShownLine));
}

}  // namespace

int symbols(const cli::SymbolsCommand& command, const cli::CommandLine& line,
            const Workspace& workspace) {
  SymbolQuery query{command.name, command.kind, {}, kMostSymbols + 1};
  if (!command.place.empty()) {
    auto place = indexed_path(command.place, line, workspace);
    if (!place) return complain(place.error());
    query.folder = std::move(*place);
  }
  auto index = open_index(workspace);
  if (!index) return complain(index.error());
  auto found = (*index)->symbols(query);
  if (!found) return complain(found.error());
  const bool more = found->size() > kMostSymbols;
  if (more) found->resize(kMostSymbols);
  for (const auto& symbol : *found) print_symbol(symbol, command.json);
  if (more) complain_of_limit(kMostSymbols);
  return found->empty() ? cli::exit_failed : cli::exit_sealed;
}

int refs(const cli::RefsCommand& command, const Workspace& workspace) {
  auto index = open_index(workspace);
  if (!index) return complain(index.error());
  bool more = false;
  auto found = (*index)->references(command.name, kMostReferences, more);
  if (!found) return complain(found.error());
  for (const auto& reference : *found) print_reference(reference, command.json);
  if (more) complain_of_limit(kMostReferences);
  return found->empty() ? cli::exit_failed : cli::exit_sealed;
}

int map(const cli::MapCommand& command, const cli::CommandLine& line, const Workspace& workspace) {
  MapRequest request{command.tokens, command.text, {}};
  for (const auto& file : command.files) {
    auto path = indexed_path(file, line, workspace);
    if (!path) return complain(path.error());
    request.files.push_back(std::move(*path));
  }
  auto index = open_index(workspace);
  if (!index) return complain(index.error());
  auto text = (*index)->map(request);
  if (!text) return complain(text.error());
  if (command.json)
    fmt::print("{}\n", dumped({{"map", *text}, {"tokens", estimate_tokens(text->size())}}));
  else
    fmt::print("{}", strip_terminal_escapes(*text));
  if (text->empty()) fmt::print(stderr, "muster: no symbol fits into {} tokens\n", command.tokens);
  return text->empty() ? cli::exit_failed : cli::exit_sealed;
}

int index(const cli::IndexCommand& command, const Workspace& workspace) {
  auto index = open_index(workspace);
  if (!index) return complain(index.error());
  const auto report = (*index)->refresh();
  if (!report) return complain(report.error());
  for (const auto& what : report->skipped)
    fmt::print(stderr, "muster: skipped {}\n", one_line(what, kShownLine));
  if (command.json)
    fmt::print("{}\n", dumped({{"files", report->files},
                               {"parsed", report->parsed},
                               {"removed", report->removed},
                               {"lines", report->lines},
                               {"symbols", report->symbols},
                               {"tookMs", report->took_ms},
                               {"skipped", report->skipped}}));
  else
    fmt::print("{} files, {} symbols; {} files with {} lines parsed, {} gone, in {} ms\n",
               report->files, report->symbols, report->parsed, report->lines, report->removed,
               report->took_ms);
  return cli::exit_sealed;
}

}  // namespace muster::commands
