#pragma once
// `muster doctor`: is everything here that a mission needs?

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "config/load.hpp"
#include "runtime/core/result.hpp"

namespace muster::cli {

enum class Health { ok, warn, fail };

struct DoctorCheck {
  Health health = Health::ok;
  std::string name;
  std::string message;
  std::string remedy;  ///< what to do; empty when all is well
};

/// What doctor looks at. Collected by gather_facts(); a plain value, so that judging it is
/// testable.
struct DoctorFacts {
  Result<std::string> git = Error{};       ///< output of `git --version`
  Result<std::string> ripgrep = Error{};   ///< of `rg --version`
  Result<std::string> compiler = Error{};  ///< of `c++ --version`
  config::LoadReport config;
  /// Per role with a model of its own, and "default": the endpoint or why there is none.
  struct Endpoint {
    std::string model;
    std::optional<Error> problem;
  };
  std::vector<Endpoint> endpoints;
  /// The missions' journals of this workspace, each read whole.
  struct Journals {
    std::size_t missions = 0;
    std::vector<Error> problems;
  };
  Journals journals;
  /// A language server that has files to look at here.
  struct LanguageServer {
    std::string language;
    std::string server;
    std::size_t files = 0;
    std::optional<Error> problem;
  };
  std::vector<LanguageServer> language_servers;
  std::string state_dir;
  std::optional<Error> state_problem;  ///< why nothing can be written there
  std::uint64_t state_free_bytes = 0;
  std::uint64_t open_files = 0;  ///< soft limit of descriptors
  bool pidfd = false;
  Result<std::string> cgroup = Error{};  ///< where jobs get their control group, or why they do not
};

struct DoctorProbes {
  /// Runs a short command and returns what it printed.
  std::function<Result<std::string>(std::vector<std::string> argv)> run;
  /// Whether the endpoint answers at all; to be short. Not called without a configured model.
  std::function<Status(const config::ResolvedModel&)> reach;
  /// Runs an api_key_command; may be empty.
  config::AskKey ask_key = {};
  /// Reads all journals below the state folder; may be empty.
  std::function<DoctorFacts::Journals(const std::string& state_dir)> journals = {};
  /// The language servers that the workspace has use for; may be empty.
  std::function<std::vector<DoctorFacts::LanguageServer>()> language_servers = {};
};

/// Looks at the machine. Blocks. `state_dir` is made when it is missing.
[[nodiscard]] DoctorFacts gather_facts(const config::LoadReport& config,
                                       const config::Environment& environment,
                                       const std::string& state_dir, const DoctorProbes& probes);
/// Judges. Pure.
[[nodiscard]] std::vector<DoctorCheck> judge(const DoctorFacts& facts);

/// A line per check, with its remedy below. Safe for a terminal.
[[nodiscard]] std::string doctor_text(const std::vector<DoctorCheck>& checks);
/// {"healthy": bool, "checks": [{health, name, message, remedy}]}.
[[nodiscard]] nlohmann::json doctor_json(const std::vector<DoctorCheck>& checks);
/// 0, or 1 when something fails.
[[nodiscard]] int doctor_exit_code(const std::vector<DoctorCheck>& checks);

}  // namespace muster::cli
