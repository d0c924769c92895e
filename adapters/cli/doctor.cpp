#include "adapters/cli/doctor.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "adapters/process/job_cgroup.hpp"
#include "runtime/core/text.hpp"

namespace muster::cli {
namespace {

constexpr std::uint64_t mebi = 1U << 20U;
constexpr std::uint64_t low_disk = 200 * mebi;
constexpr std::uint64_t scarce_disk = 2048 * mebi;

std::string first_line(const std::string& text) {
  return one_line(std::string_view(text).substr(0, text.find('\n')), 120);
}

/// The first "N.N" in a text.
std::optional<std::pair<int, int>> version_in(const std::string& text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!digit(text[i])) continue;
    const std::size_t end = text.find_first_not_of("0123456789", i);
    if (end == std::string::npos) return std::nullopt;
    if (text[end] == '.' && end + 1 < text.size() && digit(text[end + 1]) && end - i < 6)
      return std::pair(std::atoi(text.c_str() + i), std::atoi(text.c_str() + end + 1));
    i = end;
  }
  return std::nullopt;
}

std::optional<Error> try_writing(const std::string& folder) {
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) return Error{ErrorCode::io_error, failure.message(), folder};
  std::string name = folder + "/doctor-XXXXXX";
  const int fd = ::mkstemp(name.data());
  if (fd < 0) return Error{ErrorCode::io_error, std::strerror(errno), folder};
  const bool written = ::write(fd, "x", 1) == 1;
  const int reason = errno;
  ::close(fd);
  ::unlink(name.c_str());
  if (!written) return Error{ErrorCode::io_error, std::strerror(reason), folder};
  return std::nullopt;
}

bool has_pidfd() {
  const long fd = ::syscall(SYS_pidfd_open, ::getpid(), 0);
  if (fd >= 0) ::close(static_cast<int>(fd));
  return fd >= 0;
}

std::vector<DoctorFacts::Endpoint> probe_endpoints(const config::Config& config,
                                                   const config::Environment& environment,
                                                   const DoctorProbes& probes) {
  std::set<std::string> seen;
  std::vector<config::ModelName> names;
  if (config.model) names.push_back(*config.model);
  for (const auto& [role, name] : config.models) names.push_back(name);
  std::vector<DoctorFacts::Endpoint> out;
  for (const auto& name : names) {
    if (!seen.insert(name.text()).second) continue;
    DoctorFacts::Endpoint& endpoint = out.emplace_back();
    endpoint.model = name.text();
    const auto resolved = config::resolve_model(config, name, environment, probes.ask_key);
    if (!resolved.ok())
      endpoint.problem = resolved.error();
    else if (const Status reached = probes.reach(*resolved); !reached.ok())
      endpoint.problem = reached.error();
  }
  return out;
}

class Judge {
 public:
  explicit Judge(const DoctorFacts& facts) : facts_(facts) {}

  std::vector<DoctorCheck> run() {
    judge_git();
    judge_tools();
    judge_config();
    judge_endpoints();
    judge_language_servers();
    judge_state();
    judge_kernel();
    return std::move(checks_);
  }

 private:
  void add(Health health, std::string name, std::string message, std::string remedy = {}) {
    checks_.push_back({health, std::move(name), std::move(message), std::move(remedy)});
  }

  void judge_git() {
    if (!facts_.git.ok()) return add(Health::fail, "git", "not found", "install git 2.38 or newer");
    const auto version = version_in(*facts_.git);
    const bool good = version && *version >= std::pair(2, 38);
    add(good ? Health::ok : Health::fail, "git", first_line(*facts_.git),
        good ? "" : "muster needs git 2.38 or newer (merge-tree)");
  }

  void judge_tools() {
    if (facts_.ripgrep.ok())
      add(Health::ok, "ripgrep", first_line(*facts_.ripgrep));
    else
      add(Health::fail, "ripgrep", "rg not found", "install ripgrep: agents search with it");
    if (facts_.compiler.ok())
      add(Health::ok, "compiler", first_line(*facts_.compiler));
    else
      add(Health::warn, "compiler", "no C++ compiler", "only the demo and C++ projects need one");
  }

  void judge_config() {
    for (const auto& problem : facts_.config.problems)
      add(Health::fail, "config", one_line(problem.text(), 500), "mend the key, or remove it");
    for (const auto& warning : facts_.config.warnings)
      add(Health::warn, "config", one_line(warning, 500));
    if (facts_.config.problems.empty() && facts_.config.loaded) {
      const auto& files = facts_.config.loaded->files;
      add(Health::ok, "config",
          files.empty() ? "no files; the defaults" : fmt::format("{}", fmt::join(files, ", ")));
    }
  }

  void judge_endpoints() {
    if (facts_.endpoints.empty() && facts_.config.problems.empty())
      add(Health::warn, "model", "none is set",
          "set one with MUSTER_MODEL=provider/model, or watch: muster demo");
    for (const auto& endpoint : facts_.endpoints) {
      if (!endpoint.problem) {
        add(Health::ok, "model", one_line(endpoint.model, 200) + " answers");
        continue;
      }
      const bool key = endpoint.problem->code == ErrorCode::unauthenticated;
      add(Health::fail, "model",
          one_line(endpoint.model, 200) + ": " + one_line(endpoint.problem->message, 300),
          key ? "check the key that config show names" : "check base_url, or start the server");
    }
  }

  void judge_language_servers() {
    for (const auto& one : facts_.language_servers) {
      const auto what = fmt::format("{} for {} ({} files)", one_line(one.server, 100),
                                    one_line(one.language, 60), one.files);
      if (!one.problem)
        add(Health::ok, "languages", what);
      else
        add(Health::warn, "languages", what + ": " + one_line(one.problem->message, 300),
            "without it, errors in such files are found by the project's own checks only");
    }
  }

  void judge_state() {
    const std::string folder = one_line(facts_.state_dir, 300);
    if (facts_.state_problem)
      return add(Health::fail, "state",
                 folder + ": " + one_line(facts_.state_problem->message, 200),
                 "make it writable, or set XDG_STATE_HOME");
    add(Health::ok, "state", folder);
    judge_journals();
    const auto free = facts_.state_free_bytes;
    const auto health = free < low_disk      ? Health::fail
                        : free < scarce_disk ? Health::warn
                                             : Health::ok;
    add(health, "disk", fmt::format("{} MiB free", free / mebi),
        health == Health::ok ? "" : "snapshots of the workspace need room; free some");
  }

  void judge_journals() {
    for (const auto& problem : facts_.journals.problems)
      add(Health::fail, "journal", one_line(problem.text(), 300),
          "it is left as it is; other missions are not concerned");
    if (facts_.journals.problems.empty())
      add(Health::ok, "journal", fmt::format("{} missions, all whole", facts_.journals.missions));
  }

  void judge_kernel() {
    const bool enough = facts_.open_files >= 1024;
    add(enough ? Health::ok : Health::warn, "files",
        fmt::format("{} open files allowed", facts_.open_files),
        enough ? "" : "raise it: ulimit -n 4096");
    add(facts_.pidfd ? Health::ok : Health::warn, "pidfd", facts_.pidfd ? "yes" : "no",
        facts_.pidfd ? "" : "a kernel of 5.3 or newer ends jobs more reliably");
    if (facts_.cgroup)
      add(Health::ok, "cgroup", "each job has its own, in " + one_line(*facts_.cgroup, 200));
    else
      add(Health::warn, "cgroup", one_line(facts_.cgroup.error().message, 200),
          "jobs are ended process by process instead; nothing else suffers");
  }

  const DoctorFacts& facts_;
  std::vector<DoctorCheck> checks_;
};

const char* name_of(Health health) {
  return health == Health::ok ? "ok" : health == Health::warn ? "warn" : "fail";
}

}  // namespace

DoctorFacts gather_facts(const config::LoadReport& config, const config::Environment& environment,
                         const std::string& state_dir, const DoctorProbes& probes) {
  DoctorFacts facts;
  facts.git = probes.run({"git", "--version"});
  facts.ripgrep = probes.run({"rg", "--version"});
  facts.compiler = probes.run({"c++", "--version"});
  facts.config = config;
  if (config.loaded) facts.endpoints = probe_endpoints(config.loaded->config, environment, probes);
  if (probes.language_servers) facts.language_servers = probes.language_servers();
  facts.state_dir = state_dir;
  facts.state_problem = try_writing(state_dir);
  if (probes.journals && !facts.state_problem) facts.journals = probes.journals(state_dir);
  struct statvfs disk {};
  if (::statvfs(state_dir.c_str(), &disk) == 0)
    facts.state_free_bytes = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) facts.open_files = files.rlim_cur;
  facts.pidfd = has_pidfd();
  facts.cgroup = probe_job_cgroups();
  return facts;
}

std::vector<DoctorCheck> judge(const DoctorFacts& facts) { return Judge(facts).run(); }

std::string doctor_text(const std::vector<DoctorCheck>& checks) {
  std::string out;
  for (const DoctorCheck& check : checks) {
    out += fmt::format("{:<4}  {:<9} {}\n", name_of(check.health), check.name, check.message);
    if (!check.remedy.empty()) out += fmt::format("{:16}{}\n", "", check.remedy);
  }
  return out;
}

nlohmann::json doctor_json(const std::vector<DoctorCheck>& checks) {
  nlohmann::json list = nlohmann::json::array();
  for (const DoctorCheck& check : checks)
    list.push_back({{"health", name_of(check.health)},
                    {"name", check.name},
                    {"message", check.message},
                    {"remedy", check.remedy}});
  return {{"healthy", doctor_exit_code(checks) == 0}, {"checks", std::move(list)}};
}

int doctor_exit_code(const std::vector<DoctorCheck>& checks) {
  return std::any_of(checks.begin(), checks.end(),
                     [](const DoctorCheck& check) { return check.health == Health::fail; })
             ? 1
             : 0;
}

}  // namespace muster::cli
