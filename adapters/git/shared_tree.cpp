#include "adapters/git/shared_tree.hpp"

#include <nlohmann/json.hpp>

#include "adapters/git/state_files.hpp"
#include "adapters/git/workspace_writer.hpp"

namespace muster::git {
namespace {

using Json = nlohmann::json;

constexpr const char* state_file = "/shared.json";

}  // namespace

Result<std::optional<SharedState>> SharedTree::state() const {
  auto text = read_small_file(scratch_ + state_file);
  if (!text) return text.error();
  if (!*text) return std::optional<SharedState>{};
  const Json json = Json::parse(**text, nullptr, false);
  const bool good = json.is_object() && json.contains("key") && json["key"].is_string() &&
                    json.contains("out") && json["out"].is_boolean() && json.contains("tree") &&
                    json["tree"].is_string();
  if (!good) return Error{ErrorCode::corrupt, "not readable", scratch_ + state_file};
  return std::optional<SharedState>{SharedState{json["key"], json["out"], json["tree"]}};
}

Status SharedTree::save(const SharedState& state) const {
  const Json json{{"key", state.key}, {"out", state.out}, {"tree", state.tree}};
  return write_file_atomically(scratch_ + state_file, json.dump(2) + "\n");
}

Result<std::string> SharedTree::content() const {
  const std::string index = scratch_ + "/shared.index";
  // A lock file here is of a git that was killed: the caller holds the lock that counts.
  if (auto gone = remove_tree(index + ".lock"); !gone) return gone.error();
  return repository_.write_tree(workspace_, index);
}

Result<std::vector<std::string>> SharedTree::changed_since(const std::string& tree) const {
  auto now = content();
  if (!now) return now.error();
  auto changes = repository_.changes(tree, *now);
  if (!changes) return changes.error();
  std::vector<std::string> paths;
  for (const TreeChange& change : *changes) paths.push_back(change.path);
  return paths;
}

Status SharedTree::put(const std::string& from, const std::string& to) const {
  if (from == to) return ok_status();
  auto changes = repository_.changes(from, to);
  if (!changes) return changes.error();
  const WorkspaceWriter writer(git_, repository_, workspace_, scratch_);
  auto current = writer.look(*changes, from);
  if (!current) return current.error();
  for (std::size_t i = 0; i < changes->size(); ++i)
    if ((*current)[i].blocked || !((*current)[i].entry == (*changes)[i].from))
      return Error{ErrorCode::conflict, "a file of your tree is in the way", (*changes)[i].path};
  return writer.write(*changes, *current, to);
}

}  // namespace muster::git
