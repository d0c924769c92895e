#include "runtime/boot/survey.hpp"

#include <algorithm>
#include <set>

#include "adapters/files/directory_file_tree.hpp"
#include "runtime/core/discovery.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

constexpr std::size_t max_rules = 16000;
constexpr std::size_t max_listing = 200;

/// What the user configured replaces what was found of that kind.
void override_commands(std::vector<ProjectCommand>& commands,
                       const std::map<std::string, std::string>& configured) {
  for (const auto& [kind, command] : configured) {
    std::erase_if(commands,
                  [&kind = kind](const ProjectCommand& found) { return found.kind == kind; });
    if (!command.empty()) commands.push_back({kind, kind, command, {}, "configuration"});
  }
}

std::string rules_of(const FileTree& tree) {
  std::string out;
  for (const char* name : {"AGENTS.md", "CLAUDE.md"})
    if (auto text = tree.read(name))
      out += std::string(out.empty() ? "" : "\n") + "From " + name + ":\n" + *text;
  return std::string(bounded_head(out, max_rules));
}

/// Folders and top-level files, so that an agent knows where to look.
std::string listing_of(const FileTree& tree) {
  std::string out;
  std::size_t shown = 0;
  for (const auto& file : tree.files()) {
    if (++shown > max_listing) {
      out += "... and " + std::to_string(tree.files().size() - max_listing) + " more\n";
      break;
    }
    out += one_line(file, 200) + "\n";
  }
  return out;
}

}  // namespace

ProjectFacts survey_project(const std::string& root,
                            const std::map<std::string, std::string>& configured) {
  ProjectFacts facts;
  auto tree = files::DirectoryFileTree::open(root);
  if (!tree) return facts;
  auto found = discover(*tree);
  override_commands(found.commands, configured);
  facts.context = render_context(found);
  facts.stack = found.stack;
  facts.commands = found.commands;
  facts.rules = rules_of(*tree);
  facts.listing = listing_of(*tree);
  return facts;
}

}  // namespace muster
