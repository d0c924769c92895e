#include "actors/grounding.hpp"

#include <algorithm>
#include <set>

#include "runtime/core/import_findings.hpp"
#include "runtime/core/targeted_tests.hpp"
#include "runtime/core/test_paths.hpp"

namespace muster {
namespace {

constexpr std::size_t file_bytes = 4U << 20U;
constexpr std::size_t most_targeted = 20;  // more files of tests are no longer a quick look

class Grounder {
 public:
  Grounder(VersionControl& tree, WorkspaceFiles& files, const Candidate& candidate)
      : tree_(tree), files_(files), candidate_(candidate) {
    for (const auto& file : candidate.changed) {
      paths_.push_back(file.path);
      if (file.status == 'D') removed_.push_back(file.path);
      if (file.status != 'A') at_base_.push_back(file.path);
    }
  }

  Status judge(const JudgeSyntax& syntax) {
    auto before = tree_.base_files(candidate_.key, at_base_, file_bytes);
    if (!before) return before.error();
    before_ = std::move(*before);
    if (!syntax) return ok_status();
    for (const auto& path : paths_) {
      auto content = files_.slurp(path, file_bytes);
      if (!content || !content->has_value()) continue;  // deleted, a link, too long
      const auto old = before_.find(path);
      const auto found =
          syntax(path, old == before_.end() ? std::nullopt : std::optional(old->second), **content);
      out_.findings.insert(out_.findings.end(), found.begin(), found.end());
    }
    return ok_status();
  }

  void look_around(CodeIndex& index) {
    check_imports(index);
    target_tests(index);
  }

  void say_not_checked(const Error& error) {
    out_.findings.push_back({"", 0, "imports were not checked: " + error.text(), "warning"});
  }

  [[nodiscard]] bool rejected() const {
    return std::any_of(out_.findings.begin(), out_.findings.end(),
                       [](const ReviewFinding& finding) { return finding.severity == "error"; });
  }
  Grounding take() { return std::move(out_); }

 private:
  /// A removed file is missed by others, so then all are looked at.
  void check_imports(CodeIndex& index) {
    auto missing = index.missing_imports(removed_.empty() ? paths_ : std::vector<std::string>());
    if (!missing && missing.error().code == ErrorCode::unavailable) return;
    if (!missing) return say_not_checked(missing.error());
    leave_out_generated(index, *missing);
    const auto found = import_findings(*missing, paths_, before_, removed_);
    out_.findings.insert(out_.findings.end(), found.begin(), found.end());
  }

  /// What files that did not change miss as well, and is not what the change removed, is made by a
  /// build: the project lives with it.
  void leave_out_generated(CodeIndex& index, std::vector<MissingImport>& lost) {
    if (lost.empty()) return;
    auto all = index.missing_imports({});
    if (!all) return;
    std::set<std::string> missed;
    for (const auto& one : *all)
      if (std::find(paths_.begin(), paths_.end(), one.file) == paths_.end())
        missed.insert(one.missing);
    std::erase_if(lost, [&](const MissingImport& one) {
      return missed.contains(one.missing) && !names_removed(one, removed_);
    });
  }

  void target_tests(CodeIndex& index) {
    if (candidate_.tests.empty()) return;
    auto reached = index.dependents(paths_);
    if (!reached) return;  // then the task's own checks say it
    std::set<std::string> tests;
    for (const auto* list : {&paths_, &*reached})
      std::copy_if(list->begin(), list->end(), std::inserter(tests, tests.end()), is_test_path);
    for (const auto& gone : removed_) tests.erase(gone);
    if (tests.empty() || tests.size() > most_targeted) return;
    const std::vector<std::string> list(tests.begin(), tests.end());
    for (const auto& project : candidate_.tests) {
      auto command = targeted_test_command(project, script_of(project), list);
      if (command) out_.targeted.push_back({std::move(*command), project.cwd});
    }
  }

  std::string script_of(const ProjectCommand& project) {
    if (!project.found_in.ends_with("package.json")) return {};
    auto text =
        files_.slurp((project.cwd.empty() ? "" : project.cwd + "/") + "package.json", file_bytes);
    return text && text->has_value() ? test_script_of(**text) : std::string();
  }

  VersionControl& tree_;
  WorkspaceFiles& files_;
  const Candidate& candidate_;
  std::vector<std::string> paths_;
  std::vector<std::string> removed_;
  std::vector<std::string> at_base_;
  std::map<std::string, std::string> before_;
  Grounding out_;
};

}  // namespace

Result<Grounding> ground(VersionControl& tree, const OpenFiles& open_files, const OpenCode& code,
                         const JudgeSyntax& syntax, const Candidate& candidate) {
  auto files = open_files(candidate.root);
  if (!files) return files.error();
  Grounder grounder(tree, **files, candidate);
  if (auto judged = grounder.judge(syntax); !judged) return judged.error();
  if (grounder.rejected() || !code) return grounder.take();
  auto opened = code(candidate.root, *files);
  auto index = opened ? (*opened)->index() : opened.error();
  if (index)
    grounder.look_around(**index);
  else if (index.error().code != ErrorCode::unavailable)
    grounder.say_not_checked(index.error());
  return grounder.take();
}

}  // namespace muster
