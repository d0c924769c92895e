#pragma once
// Diagnostics of many files: which servers, what they say, and what could not be checked.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "adapters/io/io_loop.hpp"
#include "adapters/lsp/diagnostic.hpp"
#include "adapters/lsp/server_table.hpp"
#include "config/config.hpp"

namespace muster::lsp {

/// One file and one of its servers.
struct FileCheck {
  std::string path;      ///< relative to the workspace
  std::string language;  ///< as the configuration calls it; empty: nothing knows the file
  std::string server;    ///< the command's name; empty: nothing knows the file
  bool checked = false;
  std::string reason;                   ///< why it was not checked, one sentence
  std::vector<Diagnostic> diagnostics;  ///< in order; ranges in UTF-16
};

struct DiagnosticsReport {
  std::vector<FileCheck> checks;     ///< by path, then by language
  std::vector<std::string> skipped;  ///< files that nothing knows and nobody asked for by name

  [[nodiscard]] std::size_t count(Severity severity) const;
  [[nodiscard]] bool all_checked() const;
};

struct DiagnosticsRequest {
  /// Relative to the workspace, or absolute; each once.
  std::vector<std::string> files;
  /// Files that no server knows are no failure: they were not asked for by name.
  bool skip_unknown = false;
  std::size_t files_at_once = 8;  ///< open at one server
  std::size_t max_file_bytes = 4U << 20U;
  /// One line for people who wait: "typescript: 5000 files"; on the calling thread.
  std::function<void(const std::string&)> say = [](const std::string&) {};
};

/// Asks all servers that know the files, one after the other, each until it is done with all of its
/// files. Nothing that fails ends the run: it is the reason of the checks that it kept from being
/// made. Blocks; never on the loop thread.
[[nodiscard]] DiagnosticsReport run_diagnostics(IoLoop& loop, const config::LanguageServers& table,
                                                const ServerPlace& place,
                                                const DiagnosticsRequest& request);

}  // namespace muster::lsp
