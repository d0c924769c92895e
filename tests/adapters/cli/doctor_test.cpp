#include "adapters/cli/doctor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "adapters/cli/listings.hpp"
#include "adapters/cli/objective.hpp"

using namespace muster;
using namespace muster::cli;
using Catch::Matchers::ContainsSubstring;

namespace {

DoctorFacts healthy() {
  DoctorFacts facts;
  facts.git = std::string("git version 2.39.5\n");
  facts.ripgrep = std::string("ripgrep 13.0.0\n");
  facts.compiler = std::string("g++ (Debian 12.2.0-14) 12.2.0\n");
  facts.config = config::load_report({});
  facts.endpoints = {{"ollama/q", std::nullopt}};
  facts.state_dir = "/state";
  facts.state_free_bytes = 10ULL << 30U;
  facts.open_files = 4096;
  facts.pidfd = true;
  facts.cgroup = std::string("/sys/fs/cgroup/user.slice");
  return facts;
}

/// Health of the first check of that name.
Health health(const DoctorFacts& facts, const std::string& name) {
  for (const auto& check : judge(facts))
    if (check.name == name) return check.health;
  FAIL("no check named " + name);
  return Health::fail;
}

Result<std::string> read_from_pipe(const std::string& text) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
  REQUIRE(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  auto out = read_objective(ends[0]);
  ::close(ends[0]);
  return out;
}

}  // namespace

TEST_CASE("doctor: all is well") {
  const auto checks = judge(healthy());
  for (const auto& check : checks) {
    INFO(check.name);
    CHECK(check.health == Health::ok);
    CHECK(check.remedy.empty());
  }
  CHECK(doctor_exit_code(checks) == 0);
  CHECK(doctor_json(checks)["healthy"] == true);
}

TEST_CASE("doctor: each trouble is named with its remedy") {
  DoctorFacts facts = healthy();
  facts.git = std::string("git version 2.37.9");
  CHECK(health(facts, "git") == Health::fail);
  facts.git = std::string("git version 3.0");
  CHECK(health(facts, "git") == Health::ok);
  facts.git = std::string("nonsense");
  CHECK(health(facts, "git") == Health::fail);
  facts.git = Error{ErrorCode::not_found, "no git", ""};
  facts.ripgrep = Error{ErrorCode::not_found, "no rg", ""};
  facts.compiler = Error{ErrorCode::not_found, "no c++", ""};
  facts.endpoints = {
      {"openai/x", Error{ErrorCode::unauthenticated, "no key: set OPENAI_API_KEY", ""}}};
  facts.state_problem = Error{ErrorCode::io_error, "Read-only file system", "/state"};
  facts.open_files = 256;
  facts.pidfd = false;
  facts.cgroup = Error{ErrorCode::unavailable, "no cgroup v2 is mounted"};
  config::LoadInput input;
  input.environment = {{"MUSTER_LIMITS_JOBS", "many"}};
  facts.config = config::load_report(input);
  const auto checks = judge(facts);
  CHECK(doctor_exit_code(checks) == 1);
  for (const auto& check : checks)
    if (check.health != Health::ok) CHECK_FALSE(check.remedy.empty());
  CHECK(health(facts, "git") == Health::fail);
  CHECK(health(facts, "ripgrep") == Health::fail);
  CHECK(health(facts, "compiler") == Health::warn);
  CHECK(health(facts, "config") == Health::fail);
  CHECK(health(facts, "model") == Health::fail);
  CHECK(health(facts, "state") == Health::fail);
  CHECK(health(facts, "files") == Health::warn);
  CHECK(health(facts, "pidfd") == Health::warn);
  CHECK(health(facts, "cgroup") == Health::warn);
  const std::string text = doctor_text(checks);
  CHECK_THAT(text, ContainsSubstring("OPENAI_API_KEY"));
  CHECK_THAT(text, ContainsSubstring("limits.jobs"));
}

TEST_CASE("doctor: disk space and a missing model") {
  DoctorFacts facts = healthy();
  facts.state_free_bytes = 100ULL << 20U;
  CHECK(health(facts, "disk") == Health::fail);
  facts.state_free_bytes = 1000ULL << 20U;
  CHECK(health(facts, "disk") == Health::warn);
  facts.endpoints.clear();
  CHECK(health(facts, "model") == Health::warn);
}

TEST_CASE("doctor looks at the machine, and asks only endpoints that are configured") {
  std::string folder = (std::filesystem::temp_directory_path() / "muster-doctor-XXXXXX").string();
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  config::LoadInput input;
  std::vector<std::string> ran;
  std::vector<std::string> reached;
  DoctorProbes probes;
  probes.run = [&](const std::vector<std::string>& argv) -> Result<std::string> {
    ran.push_back(argv[0]);
    return std::string("x 2.40");
  };
  probes.reach = [&](const config::ResolvedModel& model) -> Status {
    reached.push_back(model.base_url);
    return Error{ErrorCode::network, "refused", ""};
  };
  auto facts = gather_facts(config::load_report(input), {}, folder + "/state/x", probes);
  CHECK(ran == std::vector<std::string>{"git", "rg", "c++"});
  CHECK(reached.empty());
  CHECK_FALSE(facts.state_problem);
  CHECK(facts.state_free_bytes > 0);
  CHECK(facts.open_files > 0);
  CHECK(std::filesystem::is_empty(folder + "/state/x"));
  input.environment = {{"MUSTER_MODEL", "ollama/a"},
                       {"MUSTER_MODELS_WORKER", "ollama/a"},
                       {"MUSTER_MODELS_PLANNER", "openai/b"}};
  facts = gather_facts(config::load_report(input), input.environment, folder, probes);
  CHECK(reached == std::vector<std::string>{"http://127.0.0.1:11434/v1"});
  REQUIRE(facts.endpoints.size() == 2);
  CHECK(facts.endpoints[0].problem->code == ErrorCode::network);
  CHECK(facts.endpoints[1].problem->code == ErrorCode::unauthenticated);
  facts = gather_facts(config::load_report({}), {}, "/proc/nonsense", probes);
  CHECK(facts.state_problem);
  std::filesystem::remove_all(folder);
}

TEST_CASE("the objective from stdin is trimmed, bounded and not empty") {
  CHECK(*read_from_pipe("\n build it \n\n") == "build it");
  CHECK(read_from_pipe(" \n").error().code == ErrorCode::invalid_argument);
  CHECK(read_from_pipe(std::string(300000, 'x')).error().code == ErrorCode::limit_reached);
  CHECK(*read_from_pipe("a\xff") == "a\xEF\xBF\xBD");
}

TEST_CASE("muster agents lists each agent with its tokens") {
  const auto team = config::load_team("squad");
  REQUIRE(team.ok());
  const std::string text = agents_text(*team);
  for (const char* part :
       {"commander", "master_reviewer", "reads, writes, runs", "runs verification"})
    CHECK_THAT(text, ContainsSubstring(part));
  const auto json = agents_json(*team);
  CHECK(json["agents"].size() == 6);
  CHECK(json["agents"][0]["prompt_tokens"].get<int>() > 100);
}
