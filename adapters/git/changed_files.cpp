#include "adapters/git/changed_files.hpp"

#include <algorithm>
#include <utility>

#include "adapters/git/git_command.hpp"
#include "adapters/git/user_repository.hpp"

namespace muster::git {

Result<std::vector<std::string>> changed_files(const std::string& root) {
  const Git git("");
  auto kind = classify_workspace(git, root);
  if (!kind) return kind.error();
  if (kind->kind == WorkspaceKind::Kind::plain)
    return Error{ErrorCode::invalid_argument, "is no git repository: name the files", root};
  GitContext context;
  context.git_dir = kind->git_dir;
  context.work_tree = root;
  const auto head = UserRepository(git, *kind).head();
  if (!head) return head.error();
  std::vector<std::string> others{"ls-files", "-o", "-z", "--exclude-standard"};
  if (head->commit.empty()) others.emplace_back("-c");
  auto listed = git.out(context, std::move(others));
  if (!listed) return listed.error();
  auto out = split_nul(*listed);
  if (!head->commit.empty()) {
    auto changed = git.out(context, {"diff-index", "--name-only", "-z", "--no-renames",
                                     "--diff-filter=d", "--ignore-submodules=all", head->commit});
    if (!changed) return changed.error();
    for (auto& name : split_nul(*changed)) out.push_back(std::move(name));
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace muster::git
