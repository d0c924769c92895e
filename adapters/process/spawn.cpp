#include "adapters/process/spawn.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <system_error>

#include "adapters/io/descriptor_limit.hpp"
#include "adapters/io/unique_fd.hpp"

extern char** environ;

namespace muster {
namespace {

/// The two C structs of posix_spawn, freed at the end.
struct Plan {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  Plan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~Plan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
};

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const auto& text : strings) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

void set_attributes(Plan& plan, const SpawnSpec& spec) {
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &all);
  int flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  if (spec.new_session) flags |= POSIX_SPAWN_SETSID;
  if (spec.new_group) {
    flags |= POSIX_SPAWN_SETPGROUP;
    posix_spawnattr_setpgroup(&plan.attributes, 0);
  }
  posix_spawnattr_setflags(&plan.attributes, static_cast<short>(flags));
}

/// Adds the dup2 calls. A source whose number is also a target is copied out of the way first, so
/// that the order does not matter; `kept` holds the copies until the program has started.
void set_descriptors(Plan& plan, const SpawnSpec& spec, std::vector<UniqueFd>& kept) {
  int highest = 2;
  for (const auto& [from, to] : spec.fds) highest = std::max(highest, to);
  for (const auto& [from, to] : spec.fds) {
    int source = from;
    if (from != to && from <= highest) {
      kept.emplace_back(::fcntl(from, F_DUPFD_CLOEXEC, highest + 1));
      source = kept.back().get();
    }
    posix_spawn_file_actions_adddup2(&plan.actions, source, to);
  }
}

/// posix_spawn cannot set limits; the child has only just begun.
void give_limit_back(pid_t pid) {
  const auto soft = descriptor_limit_of_children();
  rlimit limit{};
  if (!soft || ::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) != 0) return;
  limit.rlim_cur = std::min(*soft, limit.rlim_max);
  ::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr);
}

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

}  // namespace

Error errno_error(int number, const std::string& what) {
  auto code = ErrorCode::io_error;
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      code = ErrorCode::not_found;
      break;
    case EACCES:
    case EPERM:
      code = ErrorCode::permission_denied;
      break;
    case E2BIG:
    case EINVAL:
    case ENAMETOOLONG:
      code = ErrorCode::invalid_argument;
      break;
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      code = ErrorCode::unavailable;
      break;
    case ENOSPC:
    case EDQUOT:
      code = ErrorCode::no_space;
      break;
    default:
      break;
  }
  return Error{code, what + ": " + std::generic_category().message(number)};
}

Result<pid_t> spawn(const SpawnSpec& spec) {
  if (spec.argv.empty() || spec.file.empty()) {
    return Error{ErrorCode::invalid_argument, "a command needs a name"};
  }
  if (std::any_of(spec.argv.begin(), spec.argv.end(), has_nul) || has_nul(spec.cwd)) {
    return Error{ErrorCode::invalid_argument, "a command must not contain NUL bytes"};
  }
  Plan plan;
  std::vector<UniqueFd> kept;
  set_attributes(plan, spec);
  set_descriptors(plan, spec, kept);
  if (!spec.cwd.empty()) posix_spawn_file_actions_addchdir_np(&plan.actions, spec.cwd.c_str());
  const auto argv = pointers(spec.argv);
  const auto env = pointers(spec.env);
  const auto start = spec.search_path ? posix_spawnp : posix_spawn;
  pid_t pid = 0;
  const int failed =
      start(&pid, spec.file.c_str(), &plan.actions, &plan.attributes, argv.data(), env.data());
  if (failed != 0) return errno_error(failed, "cannot start '" + spec.file + "'");
  give_limit_back(pid);
  return pid;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    out.emplace_back(*entry);
  return out;
}

std::vector<std::string> child_environment(const std::vector<std::string>& base,
                                           const std::vector<std::string>& unset,
                                           const std::map<std::string, std::string>& add) {
  const auto dropped = [&](std::string_view name) {
    return name.starts_with("MUSTER_") || add.contains(std::string(name)) ||
           std::find(unset.begin(), unset.end(), name) != unset.end();
  };
  std::vector<std::string> out;
  out.reserve(base.size() + add.size());
  for (const auto& entry : base) {
    if (!dropped(name_of(entry))) out.push_back(entry);
  }
  for (const auto& [name, value] : add) out.push_back(name + "=" + value);
  return out;
}

std::vector<std::string> child_environment(const std::vector<std::string>& unset,
                                           const std::map<std::string, std::string>& add) {
  return child_environment(own_environment(), unset, add);
}

}  // namespace muster
