#include "adapters/git/tree_pool.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <utility>

#include "adapters/git/beneath.hpp"

namespace muster::git {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

const char* name_of(Lease::Stage stage) {
  if (stage == Lease::Stage::ready) return "ready";
  return stage == Lease::Stage::rebasing ? "rebasing" : "preparing";
}

std::string to_text(const Lease& lease) {
  const Json json{{"mission", lease.mission},      {"key", lease.key},   {"base", lease.base},
                  {"stage", name_of(lease.stage)}, {"work", lease.work}, {"onto", lease.onto}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// A lease that cannot be read is none: the file is replaced as a whole, so this is damage, and the
/// tree can be made anew.
std::optional<Lease> lease_from(const std::string& text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto field = [&](const char* name) {
    const auto it = json.find(name);
    return it != json.end() && it->is_string() ? it->get<std::string>() : std::string{};
  };
  Lease lease{field("mission"), field("key"), field("base")};
  const std::string stage = field("stage");
  if (stage == "ready") lease.stage = Lease::Stage::ready;
  if (stage == "rebasing") lease.stage = Lease::Stage::rebasing;
  lease.work = field("work");
  lease.onto = field("onto");
  return lease;
}

bool is_of(const std::optional<Lease>& lease, const std::string& mission, const std::string& key) {
  return lease && lease->mission == mission && lease->key == key;
}

Error no_tree(const std::string& key) {
  return Error{ErrorCode::not_found, "there is no working tree for it", key};
}

}  // namespace

std::string TreePool::slot_folder(int number) const {
  return options_.state_folder + "/slots/" + std::to_string(number);
}

std::string TreePool::tree_folder(int number) const {
  return options_.state_folder + "/trees/" + std::to_string(number);
}

Result<std::vector<TreePool::Slot>> TreePool::slots() const {
  std::vector<Slot> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator{options_.state_folder + "/slots", error}) {
    const std::string name = entry.path().filename().string();
    Slot slot;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), slot.number);
    if (bad != std::errc{} || end != name.data() + name.size()) continue;
    auto text = read_small_file(slot_folder(slot.number) + "/lease.json", 65536);
    if (!text) return text.error();
    if (*text) slot.lease = lease_from(**text);
    found.push_back(std::move(slot));
  }
  std::sort(found.begin(), found.end(),
            [](const Slot& a, const Slot& b) { return a.number < b.number; });
  return found;
}

Result<LockedTree> TreePool::lock(int number) const {
  auto lock = FileLock::acquire(slot_folder(number) + "/lock");
  if (!lock) return lock.error();
  const std::string folder = slot_folder(number);
  // We hold the tree's lock, so a lock file of git's belongs to a command that was killed.
  ::unlink((folder + "/index.lock").c_str());
  const std::string lease_file = folder + "/lease.json";
  auto text = read_small_file(lease_file, 65536);
  if (!text) return text.error();
  std::optional<Lease> lease;
  if (*text) lease = lease_from(**text);
  return LockedTree{tree_folder(number), folder + "/index",       folder + "/seen.index",
                    lease_file,          lease.value_or(Lease{}), std::move(*lock)};
}

Result<LockedTree> TreePool::find(const std::string& mission, const std::string& key) const {
  auto all = slots();
  if (!all) return all.error();
  for (const Slot& slot : *all) {
    if (!is_of(slot.lease, mission, key)) continue;
    auto tree = lock(slot.number);
    if (!tree) return tree;
    if (is_of(tree->lease, mission, key)) return tree;
  }
  return no_tree(key);
}

Result<int> TreePool::lend(const std::string& mission, const std::string& key) const {
  auto pool_lock = FileLock::acquire(options_.state_folder + "/pool.lock");
  if (!pool_lock) return pool_lock.error();
  auto all = slots();
  if (!all) return all.error();
  int chosen = 0;
  std::set<int> used;
  std::set<std::string> missions;
  for (const Slot& slot : *all) {
    if (is_of(slot.lease, mission, key)) return slot.number;
    if (slot.lease) missions.insert(slot.lease->mission);
    if (!slot.lease && chosen == 0) chosen = slot.number;
    used.insert(slot.number);
  }
  if (chosen == 0 && all->size() >= options_.max_trees) {
    std::string names;
    for (const std::string& name : missions) names += (names.empty() ? "" : ", ") + name;
    return Error{ErrorCode::limit_reached, "all " + std::to_string(all->size()) +
                                               " working trees are in use (missions: " + names +
                                               ")"};
  }
  for (int number = 1; chosen == 0; ++number)
    if (!used.contains(number)) chosen = number;
  if (auto made = make_folders(slot_folder(chosen)); !made) return made.error();
  const std::string file = slot_folder(chosen) + "/lease.json";
  const Lease lease{mission, key, ""};
  if (auto put = write_file_atomically(file, to_text(lease)); !put) return put.error();
  return chosen;
}

Result<LockedTree> TreePool::acquire(const std::string& mission, const std::string& key) const {
  for (;;) {
    auto number = lend(mission, key);
    if (!number) return number.error();
    auto tree = lock(*number);
    // Another thread may have released it between the two locks: then it is lent anew.
    if (!tree || is_of(tree->lease, mission, key)) return tree;
  }
}

Status TreePool::save(const LockedTree& tree) {
  return write_file_atomically(tree.lease_file, to_text(tree.lease));
}

Status TreePool::restore(LockedTree& tree, const std::string& content) const {
  // The agent could have put a symlink in place of its tree: cleaning must never follow it.
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(tree.path, error)))
    if (auto gone = remove_tree(tree.path); !gone) return gone;
  if (auto made = make_folders(tree.path); !made) return made;
  const GitContext context = repository_.context(tree.path, tree.index);
  const bool clean = repository_.is_clean(tree.path, tree.index);
  if (auto done = git_.ok(context, {"read-tree", "--reset", "-u", content}); !done) return done;
  if (clean) return ok_status();
  return git_.ok(context, {"clean", "-ffdxq"});
}

Status TreePool::fill(LockedTree& tree, const std::string& content, const std::string& base) const {
  auto restored = restore(tree, content);
  if (!restored && restored.error().code != ErrorCode::no_space) {
    // Whatever an agent or a crash left there, a new tree is always possible.
    if (auto gone = remove_tree(tree.path); !gone) return gone;
    if (auto gone = remove_tree(tree.index); !gone) return gone;
    restored = restore(tree, content);
  }
  if (!restored) return restored;
  if (auto linked = link_folders(tree, content); !linked) return linked;
  if (auto copied = copy_index(tree.index, tree.seen); !copied) return copied;
  return make_agent_repository(tree, content, base);
}

Status TreePool::reset(LockedTree& tree, const std::string& commit) const {
  tree.lease.base = commit;
  tree.lease.stage = Lease::Stage::preparing;
  tree.lease.work.clear();
  tree.lease.onto.clear();
  if (auto saved = save(tree); !saved) return saved;
  if (auto filled = fill(tree, commit, commit); !filled) return filled;
  tree.lease.stage = Lease::Stage::ready;
  return save(tree);
}

Status TreePool::make_agent_repository(const LockedTree& tree, const std::string& content,
                                       const std::string& base) const {
  // Made out of the agent's reach and then moved, so that nothing it left in its tree is written
  // through.
  const std::string folder = fs::path{tree.lease_file}.parent_path().string() + "/agent.git";
  if (auto gone = remove_tree(folder); !gone) return gone;
  for (const char* part : {"", "/objects", "/objects/info", "/refs", "/refs/heads", "/info"})
    if (auto made = make_folders(folder + part); !made) return made;
  const bool sha256 = base.size() == 64;
  std::string config = "[core]\n\trepositoryformatversion = " + std::string{sha256 ? "1" : "0"};
  config += "\n\tfilemode = true\n\tbare = false\n\thooksPath = /dev/null\n\tfsmonitor = false\n";
  if (sha256) config += "[extensions]\n\tobjectformat = sha256\n";
  config += "[user]\n\tname = muster\n\temail = muster@localhost\n";
  config += "[commit]\n\tgpgSign = false\n[tag]\n\tgpgSign = false\n[gc]\n\tauto = 0\n";
  if (auto put = write_file(folder + "/config", config); !put) return put;
  auto excludes = read_small_file(repository_.folder() + "/info/exclude");
  if (!excludes) return excludes.error();
  if (auto put = write_file(folder + "/info/exclude", excludes->value_or("")); !put) return put;
  const std::string borrowed = alternates_lines({repository_.objects()});
  if (auto put = write_file(folder + "/objects/info/alternates", borrowed); !put) return put;
  auto shallow = read_small_file(repository_.folder() + "/shallow");
  if (!shallow) return shallow.error();
  if (*shallow)
    if (auto put = write_file(folder + "/shallow", **shallow); !put) return put;
  if (auto put = write_file(folder + "/HEAD", base + "\n"); !put) return put;
  if (auto copied = copy_index(tree.index, folder + "/index"); !copied) return copied;
  if (content != base)
    if (auto read = show_as_changes(tree, folder + "/index", base); !read) return read;
  const std::string target = tree.path + "/.git";
  if (auto gone = remove_tree(target); !gone) return gone;
  if (::rename(folder.c_str(), target.c_str()) != 0)
    return errno_error(errno, "cannot put the agent's repository in place", target);
  return ok_status();
}

Status TreePool::show_as_changes(const LockedTree& tree, const std::string& index,
                                 const std::string& base) const {
  // After a rebase the agent's git must show the task's work as changes against its new base.
  const GitContext context = repository_.context(tree.path, index);
  if (auto read = git_.ok(context, {"read-tree", "-i", "-m", base}); !read) return read;
  auto refreshed = git_.run(context, {"update-index", "-q", "--refresh"});
  if (!refreshed) return refreshed.error();
  return ok_status();
}

Status TreePool::link_folders(const LockedTree& tree, const std::string& content) const {
  std::vector<std::string> args{"ls-tree", "-z", "--name-only", content, "--"};
  std::vector<std::string> wanted;
  std::error_code error;
  for (const std::string& name : options_.linked_folders) {
    const fs::path target = fs::path{options_.workspace} / name;
    if (name.empty() || !fs::is_directory(target, error)) continue;
    wanted.push_back(name);
    args.push_back(name);
  }
  if (wanted.empty()) return ok_status();
  auto tracked = git_.out(repository_.context(), std::move(args));
  if (!tracked) return tracked.error();
  const std::vector<std::string> in_tree = split_nul(*tracked);
  auto opened = open_folder(tree.path);
  if (!opened) return opened.error();
  const Descriptor root = std::move(*opened);
  for (const std::string& name : wanted) {
    if (std::find(in_tree.begin(), in_tree.end(), name) != in_tree.end()) continue;
    const std::string target = options_.workspace + "/" + name;
    // Only below folders that the tree has, never through a symlink, never over anything.
    auto parent = open_parent(root.get(), name, false);
    if (!parent) continue;
    const std::string last = fs::path{name}.filename().string();
    if (::symlinkat(target.c_str(), parent->get(), last.c_str()) != 0 && errno != EEXIST)
      return errno_error(errno, "cannot link", tree.path + "/" + name);
  }
  return ok_status();
}

Status TreePool::release(const std::string& mission, const std::string& key) const {
  auto tree = find(mission, key);
  if (!tree) return tree.error().code == ErrorCode::not_found ? ok_status() : Status{tree.error()};
  return remove_tree(tree->lease_file);
}

Status TreePool::release_all(const std::string& mission) const {
  auto all = slots();
  if (!all) return all.error();
  for (const Slot& slot : *all)
    if (slot.lease && slot.lease->mission == mission)
      if (auto gone = release(mission, slot.lease->key); !gone) return gone;
  return ok_status();
}

Status TreePool::remove_mission(const std::string& mission) const {
  auto pool_lock = FileLock::acquire(options_.state_folder + "/pool.lock");
  if (!pool_lock) return pool_lock.error();
  auto all = slots();
  if (!all) return all.error();
  const bool others = std::any_of(all->begin(), all->end(), [&](const Slot& slot) {
    return slot.lease && slot.lease->mission != mission;
  });
  for (const Slot& slot : *all) {
    const bool ours = slot.lease && slot.lease->mission == mission;
    if (!ours && (slot.lease || others)) continue;
    auto tree = lock(slot.number);
    if (!tree) return tree.error();
    if (auto gone = remove_tree(tree->path); !gone) return gone;
    // The lock file stays: whoever waits for it must find the same file.
    for (const std::string& file : {tree->index, tree->seen, tree->lease_file})
      if (auto gone = remove_tree(file); !gone) return gone;
  }
  return ok_status();
}

}  // namespace muster::git
