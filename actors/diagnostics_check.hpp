#pragma once
// What language servers say about a candidate's files, held against the base: what is asked of
// whom, and what comes of the answers. Looks at files; runs on the pool.

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/new_diagnostics.hpp"
#include "runtime/core/receipt.hpp"
#include "runtime/ports/diagnostics.hpp"

namespace muster {

/// Path, relative to the tree -> text.
using FileTexts = std::map<std::string, std::string>;

/// A file and the server that was asked about it.
using FileAtServer = std::pair<std::string, std::string>;  // path, program's name

/// One question about files of a tree that share a server.
struct ServerQuestion {
  LanguageMatch server;
  std::shared_ptr<const LanguageQuestion> question;
  std::vector<std::string> paths;  ///< relative, as the documents of the question
  std::vector<bool> configured;    ///< see LanguageMatch
};

/// A reason, and the files that were not checked for it.
using Unchecked = std::map<std::string, std::vector<std::string>>;

struct DiagnosticsPlan {
  std::vector<ServerQuestion> questions;
  Unchecked unchecked;
};

/// Files that no server is configured for are passed over. Blocks.
[[nodiscard]] DiagnosticsPlan plan_diagnostics(LanguagePort& port, const std::string& tree,
                                               const FileTexts& files);

/// What servers said about one version of the files.
class DiagnosticsFound {
 public:
  struct File {
    std::vector<Diagnostic> found;
    bool configured = false;
  };

  /// Takes an answer, or why there is none.
  void take(const ServerQuestion& asked, const Result<std::shared_ptr<const LanguageAnswer>>& said);
  void leave_out(const Unchecked& more);
  /// Files that have errors or warnings.
  [[nodiscard]] std::vector<std::string> faulty() const;

  std::map<FileAtServer, File> files;
  Unchecked unchecked;
};

/// Both versions of a candidate's files. What the base had of them, and what was said about that.
struct DiagnosticsComparison {
  FileTexts texts;
  DiagnosticsFound found;
  FileTexts base_texts;
  DiagnosticsFound base_found;
  std::string base_problem;  ///< why the base could not be checked; empty when it was
};

/// What is held against the candidate. New errors reject it unless they may lie at something else:
/// at a project that does not say how it is built, at a package that is not installed, or at a base
/// that could not be checked; then, as new warnings, they are for the reviewer. What was not
/// checked is said.
[[nodiscard]] std::vector<ReviewFinding> judge_diagnostics(const DiagnosticsComparison& both);

/// The facts of a receipt of that, without times and trees; nullptr when nothing was checked.
[[nodiscard]] std::unique_ptr<ReceiptFacts> diagnostics_facts(
    const DiagnosticsComparison& both, const std::vector<ReviewFinding>& findings);

}  // namespace muster
