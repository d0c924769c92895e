#include "actors/diagnostics_check.hpp"

#include <algorithm>
#include <set>

#include "runtime/core/findings.hpp"
#include "runtime/core/sha256.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t files_at_once = 40;  // of one question
constexpr std::size_t shown_findings = 20;
constexpr std::size_t shown_names = 8;
constexpr std::size_t reason_bytes = 400;
constexpr std::size_t tail_bytes = 6000;

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < shown_names; ++i)
    out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > shown_names)
    out += " and " + std::to_string(names.size() - shown_names) + " more";
  return out;
}

std::vector<std::string> lines_of(const Unchecked& unchecked) {
  std::vector<std::string> out;
  for (const auto& [reason, files] : unchecked)
    out.push_back("not checked: " + one_line(reason, reason_bytes) + ": " + listed(files));
  return out;
}

void add(Unchecked& unchecked, const std::string& reason, const std::string& path) {
  auto& files = unchecked[reason];
  if (std::find(files.begin(), files.end(), path) == files.end()) files.push_back(path);
}

std::string text_at(const FileTexts& texts, const std::string& path) {
  const auto found = texts.find(path);
  return found == texts.end() ? std::string() : found->second;
}

/// One file at one server.
class FileJudge {
 public:
  FileJudge(const DiagnosticsComparison& both, const FileAtServer& at,
            const DiagnosticsFound::File& file)
      : both_(both), path_(at.first), server_(at.second), file_(file) {
    const auto known = both.base_found.files.find(at);
    CheckedText before{text_at(both.base_texts, path_), {}};
    compared_ = known != both.base_found.files.end();
    if (compared_) before.found = known->second.found;
    fresh_ = new_diagnostics(before, {text_at(both.texts, path_), file.found});
  }

  void add_to(std::vector<ReviewFinding>& out) const {
    const auto why = excuse();
    std::size_t shown = 0;
    for (const auto& one : fresh_) {
      if (++shown > shown_findings) break;
      const bool rejects = one.severity == Severity::error && why.empty();
      out.push_back(finding_of(path_, server_, one, rejects ? "error" : "warning"));
      if (one.severity == Severity::error) out.back().message += why;
    }
    if (fresh_.size() > shown_findings)
      out.push_back({path_, 0,
                     "diagnostics: " + std::to_string(fresh_.size() - shown_findings) +
                         " more of " + path_ + " (" + server_ + ")",
                     "warning"});
  }

 private:
  /// Why new errors of this file do not reject; empty when they do.
  [[nodiscard]] std::string excuse() const {
    if (both_.base_texts.contains(path_) && !compared_)
      return "; it may be an old one: the base was not checked";
    if (!file_.configured)
      return "; the project does not say how it is built, so this may be wrong";
    if (std::any_of(file_.found.begin(), file_.found.end(), is_about_environment))
      return "; something that it needs is not installed here, so this may be wrong";
    return {};
  }

  const DiagnosticsComparison& both_;
  const std::string path_;
  const std::string server_;
  const DiagnosticsFound::File& file_;
  bool compared_ = false;
  std::vector<Diagnostic> fresh_;
};

}  // namespace

DiagnosticsPlan plan_diagnostics(LanguagePort& port, const std::string& tree,
                                 const FileTexts& files) {
  DiagnosticsPlan out;
  std::map<std::string, Status> known;  // by server: whether it can be asked
  std::map<std::string, std::vector<std::shared_ptr<LanguageQuestion>>> questions;
  for (const auto& [path, text] : files) {
    for (const auto& match : port.servers_of(tree, path)) {
      const auto id = match.key.language + " " + match.key.root;
      const auto status = known.try_emplace(id, ok_status());
      if (status.second) status.first->second = port.available(match.key);
      if (!status.first->second) {
        add(out.unchecked, status.first->second.error().message, path);
        continue;
      }
      auto at = std::find_if(out.questions.begin(), out.questions.end(), [&](const auto& one) {
        return one.server.key.language == match.key.language &&
               one.server.key.root == match.key.root && one.paths.size() < files_at_once;
      });
      if (at == out.questions.end()) {
        questions[id].push_back(std::make_shared<LanguageQuestion>());
        at = out.questions.insert(out.questions.end(), {match, questions[id].back(), {}, {}});
      }
      // The newest question of a server is the one with room.
      questions[id].back()->documents.push_back({tree + "/" + path, match.language_id, text});
      at->paths.push_back(path);
      at->configured.push_back(match.configured);
    }
  }
  return out;
}

void DiagnosticsFound::take(const ServerQuestion& asked,
                            const Result<std::shared_ptr<const LanguageAnswer>>& said) {
  for (std::size_t i = 0; i < asked.paths.size(); ++i) {
    const auto& path = asked.paths[i];
    if (!said) {
      add(unchecked, said.error().text(), path);
    } else if (i >= (*said)->documents.size() || !(*said)->documents[i].found) {
      const bool told = i < (*said)->documents.size();
      add(unchecked, told ? (*said)->documents[i].found.error().text() : "no answer", path);
    } else {
      files[{path, asked.server.server}] = {*(*said)->documents[i].found, asked.configured[i]};
    }
  }
}

void DiagnosticsFound::leave_out(const Unchecked& more) {
  for (const auto& [reason, paths] : more)
    for (const auto& path : paths) add(unchecked, reason, path);
}

std::vector<std::string> DiagnosticsFound::faulty() const {
  std::vector<std::string> out;
  for (const auto& [at, file] : files) {
    const bool has = std::any_of(file.found.begin(), file.found.end(), [](const Diagnostic& one) {
      return one.severity <= Severity::warning;
    });
    if (has && (out.empty() || out.back() != at.first)) out.push_back(at.first);
  }
  return out;
}

std::vector<ReviewFinding> judge_diagnostics(const DiagnosticsComparison& both) {
  std::vector<ReviewFinding> out;
  for (const auto& [at, file] : both.found.files) FileJudge(both, at, file).add_to(out);
  for (const auto& line : lines_of(both.found.unchecked))
    out.push_back({"", 0, "diagnostics: " + line, "info"});
  if (!both.base_problem.empty())
    out.push_back(
        {"", 0,
         "diagnostics: the base was not checked: " + one_line(both.base_problem, reason_bytes),
         "info"});
  return out;
}

std::unique_ptr<ReceiptFacts> diagnostics_facts(const DiagnosticsComparison& both,
                                                const std::vector<ReviewFinding>& findings) {
  if (both.found.files.empty()) return nullptr;
  std::set<std::string> servers;
  std::set<std::string> paths;
  for (const auto& [at, file] : both.found.files) {
    paths.insert(at.first);
    servers.insert(at.second);
  }
  auto out = std::make_unique<ReceiptFacts>();
  out->check = diagnostics_check;
  out->command = "builtin diagnostics (" + listed({servers.begin(), servers.end()}) + ")";
  out->exit_code = 0;
  std::string text = "checked: " + listed({paths.begin(), paths.end()}) + "\n";
  for (const auto& line : lines_of(both.found.unchecked)) text += line + "\n";
  for (const auto& finding : findings) {
    if (finding.file.empty()) continue;
    text += finding.message + "\n";
    if (finding.severity != "error") continue;
    out->exit_code = 1;
    out->fingerprints.push_back(
        fingerprint_of(diagnostics_check, finding.file,
                       finding.message.substr(finding.message.find(": error: ") + 1)));
  }
  std::sort(out->fingerprints.begin(), out->fingerprints.end());
  out->fingerprints.erase(std::unique(out->fingerprints.begin(), out->fingerprints.end()),
                          out->fingerprints.end());
  out->output_digest = sha256_hex(text);
  out->output_tail = std::string(bounded_head(text, tail_bytes));
  return out;
}

}  // namespace muster
