#include "config/load.hpp"

#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>
#include <fstream>

#include "config/config.hpp"
#include "config/located_json.hpp"
#include "config/model_name.hpp"
#include "config/schema.hpp"

using namespace muster;
using namespace muster::config;
using Catch::Matchers::ContainsSubstring;
using json = nlohmann::json;

namespace {

/// A folder with configuration files that goes away with the test.
class Files {
 public:
  Files() {
    std::string name = (std::filesystem::temp_directory_path() / "muster-config-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~Files() { std::filesystem::remove_all(root_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  LoadInput user(const std::string& text) {
    input_.user_file = write("user.json", text);
    return input_;
  }
  LoadInput project(const std::string& text) {
    input_.project_file = write("project.json", text);
    return input_;
  }
  std::string write(const std::string& name, const std::string& text) {
    const std::string path = root_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  std::string root_;

 private:
  LoadInput input_;
};

std::string only_problem(const LoadInput& input) {
  const LoadReport report = load_report(input);
  REQUIRE(report.problems.size() == 1);
  REQUIRE_FALSE(report.loaded);
  return report.problems[0].text();
}

Loaded loaded(const LoadInput& input) {
  auto result = load(input);
  if (!result.ok()) FAIL(result.error().text());
  return std::move(*result);
}

}  // namespace

TEST_CASE("the typed defaults are the schema's defaults") {
  const Config typed;
  const Config from_schema = config_from_json(default_json());
  CHECK(from_schema.limits.sessions.global == typed.limits.sessions.global);
  CHECK(from_schema.limits.sessions.per_lane == typed.limits.sessions.per_lane);
  CHECK(from_schema.limits.sessions.acquire_timeout_ms == typed.limits.sessions.acquire_timeout_ms);
  CHECK(from_schema.limits.jobs == typed.limits.jobs);
  CHECK(from_schema.limits.workers == typed.limits.workers);
  CHECK(from_schema.limits.iterations == typed.limits.iterations);
  CHECK(from_schema.limits.steps_per_task == typed.limits.steps_per_task);
  CHECK(from_schema.limits.attempts_per_task == typed.limits.attempts_per_task);
  CHECK(from_schema.limits.review_rounds == typed.limits.review_rounds);
  CHECK(from_schema.limits.max_files_per_task == typed.limits.max_files_per_task);
  CHECK(from_schema.limits.max_tasks == typed.limits.max_tasks);
  CHECK(from_schema.limits.max_cost_usd == typed.limits.max_cost_usd);
  CHECK(from_schema.limits.max_time_ms == typed.limits.max_time_ms);
  CHECK(from_schema.timeouts.model_idle_ms == typed.timeouts.model_idle_ms);
  CHECK(from_schema.timeouts.model_total_ms == typed.timeouts.model_total_ms);
  CHECK(from_schema.timeouts.shell_ms == typed.timeouts.shell_ms);
  CHECK(from_schema.timeouts.verification_ms == typed.timeouts.verification_ms);
  CHECK(from_schema.timeouts.session_ms == typed.timeouts.session_ms);
  CHECK(from_schema.timeouts.handler_ms == typed.timeouts.handler_ms);
  CHECK(from_schema.limits.mailbox == typed.limits.mailbox);
  CHECK(from_schema.language_servers.max_memory_mb == typed.language_servers.max_memory_mb);
  CHECK(from_schema.language_servers.start_ms == typed.language_servers.start_ms);
  CHECK(from_schema.language_servers.file_ms == typed.language_servers.file_ms);
  CHECK(from_schema.language_servers.max_servers == typed.language_servers.max_servers);
  CHECK(from_schema.language_servers.idle_ms == typed.language_servers.idle_ms);
  CHECK(from_schema.timeouts.diagnostics_ms == typed.timeouts.diagnostics_ms);
  CHECK(from_schema.diagnostics == typed.diagnostics);
  CHECK(from_schema.links == std::vector<std::string>{"node_modules", ".venv"});
  CHECK(from_schema.provider("llama.cpp") != nullptr);
  CHECK(from_schema.provider("Z.AI") != nullptr);
}

TEST_CASE("the defaults and the built-in providers fit the schema") {
  CHECK(validate(schema(), default_json()).empty());
  CHECK(config_problems(default_json()).empty());
}

TEST_CASE("layers: defaults < user < project < environment < flags, each with its origin") {
  Files files;
  files.user(
      "{\n  // mine\n  \"limits\": {\"jobs\": 3, \"workers\": 6, \"review_rounds\": 1},\n"
      "  \"model\": \"openai/a\"\n}");
  LoadInput input = files.project(R"({"limits": {"workers": 5, "max_files_per_task": 9}})");
  CHECK(loaded(input).config.limits.workers == 5);
  input.environment = {{"MUSTER_LIMITS_WORKERS", "4"}, {"MUSTER_MODEL", "ollama/b"}};
  CHECK(loaded(input).config.limits.workers == 4);
  input.flags = {{"/model", "openrouter/x/y", "--model"}};
  const Loaded all = loaded(input);
  CHECK(all.config.limits.jobs == 3);
  CHECK(all.config.limits.max_files_per_task == 9);
  CHECK(all.config.limits.max_tasks == 200);
  CHECK(all.config.model == ModelName{"openrouter", "x/y"});
  CHECK(all.origins.at("/limits/jobs").text() == "user (" + input.user_file + ":3)");
  CHECK(all.origins.at("/limits/max_files_per_task").text() ==
        "project (" + input.project_file + ":1)");
  CHECK(all.origins.at("/limits/workers").text() == "environment (MUSTER_LIMITS_WORKERS)");
  CHECK(all.origins.at("/model").text() == "flag (--model)");
  CHECK(all.origins.at("/limits/max_tasks").text() == "default");
}

TEST_CASE("null is unlimited and 0 is none") {
  Files files;
  const Loaded all = loaded(files.user(R"({"limits": {"jobs": null, "iterations": 0}})"));
  CHECK(all.config.limits.jobs == std::nullopt);
  CHECK(all.config.limits.iterations == 0);
  LoadInput input;
  input.environment = {{"MUSTER_LIMITS_JOBS", "unlimited"}, {"MUSTER_LINKS", "a,b"}};
  CHECK(loaded(input).config.limits.jobs == std::nullopt);
  CHECK(loaded(input).config.links == std::vector<std::string>{"a", "b"});
}

TEST_CASE("S3 an unknown key names file, line, path and the likely one") {
  Files files;
  const std::string text =
      only_problem(files.user("{\n  \"limits\": {\n    \"workes\": 3\n  }\n}"));
  CHECK(text == files.root_ + "/user.json:3: limits.workes: unknown key (did you mean 'workers'?)");
}

TEST_CASE("a wrong type, a wrong choice and a number out of range name line and path") {
  Files files;
  CHECK_THAT(
      only_problem(files.user("{\n\"limits\": {\"sessions\":\n {\"global\": \"many\"}}}")),
      ContainsSubstring(":3: limits.sessions.global: must be integer or null, not a string"));
  CHECK_THAT(only_problem(files.user("{\"team\": \"squat\"}")),
             ContainsSubstring("team: must be one of squad, classic (did you mean 'squad'?)"));
  CHECK_THAT(only_problem(files.user("{\"limits\": {\"jobs\": -1}}")),
             ContainsSubstring("limits.jobs: must be at least 0"));
  CHECK_THAT(only_problem(files.user("{\"links\": [\"a\",\n7\n]}")),
             ContainsSubstring(":2: links[1]: must be string"));
  CHECK_THAT(
      only_problem(files.user("{\"providers\": {\"z.ai\": {\"api_kye\": \"x\"}}}")),
      ContainsSubstring("providers[\"z.ai\"].api_kye: unknown key (did you mean 'api_key'?)"));
}

TEST_CASE("JSON that does not parse names the line") {
  Files files;
  CHECK_THAT(only_problem(files.user("{\n  \"model\": \"openai/x\",\n  oops\n}")),
             ContainsSubstring("user.json:3: not valid JSON"));
  CHECK_THAT(only_problem(files.user("{\"team\": \"squad\",\n \"team\": \"classic\"}")),
             ContainsSubstring("user.json:2: the key 'team' appears twice"));
  CHECK_THAT(only_problem(files.user(std::string(5000, '['))),
             ContainsSubstring("nested too deeply"));
  CHECK_THAT(only_problem(files.user("")), ContainsSubstring("not valid JSON"));
  CHECK_THAT(only_problem(files.user("[]")), ContainsSubstring("must be object"));
  CHECK_THAT(only_problem(files.user("{\"model\": \"" + std::string(1U << 20U, 'x') + "\"}")),
             ContainsSubstring("larger than 1 MiB"));
}

TEST_CASE("all problems of a file are listed at once") {
  Files files;
  const auto result = load(files.user(R"({"modle": "a/b", "limits": {"jobs": "x"}})"));
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == ErrorCode::invalid_argument);
  CHECK_THAT(result.error().message, ContainsSubstring("modle"));
  CHECK_THAT(result.error().message, ContainsSubstring("limits.jobs"));
}

TEST_CASE("S3 limits by name: any case counts, unknown names are errors") {
  Files files;
  const Loaded all = loaded(files.user(
      R"({"limits": {"sessions": {"per_provider": {"OpenAI": 2}, "per_agent": {"WORKER": 1},
          "per_model": {"OpenRouter/Some/Model": 4}}}})"));
  CHECK(all.config.limits.sessions.per_provider.at("openai") == 2);
  CHECK(all.config.limits.sessions.per_agent.at("worker") == 1);
  CHECK(all.config.limits.sessions.per_model.at("openrouter/some/model") == 4);
  CHECK_THAT(
      only_problem(files.user(R"({"limits": {"sessions": {"per_provider": {"opnai": 2}}}})")),
      ContainsSubstring("per_provider.opnai: unknown provider (did you mean 'openai'?)"));
  CHECK_THAT(only_problem(files.user(R"({"limits": {"sessions": {"per_agent": {"wroker": 2}}}})")),
             ContainsSubstring("unknown agent (did you mean 'worker'?)"));
  CHECK_THAT(only_problem(files.user(
                 R"({"limits": {"sessions": {"per_provider": {"openai": 2, "OpenAI": 900}}}})")),
             ContainsSubstring("only in case"));
}

TEST_CASE("a model of an unknown provider is an error that names its origin") {
  Files files;
  CHECK_THAT(
      only_problem(files.user("{\n\"model\": \"olama/x\"}")),
      ContainsSubstring("user.json:2: model: unknown provider 'olama' (did you mean 'ollama'?)"));
  LoadInput input;
  input.environment = {{"MUSTER_MODEL", "qwen"}};
  CHECK_THAT(only_problem(input),
             ContainsSubstring("MUSTER_MODEL: model: 'qwen' names no provider"));
}

TEST_CASE("F8 a project's file cannot set endpoints, keys, allow rules or isolation") {
  Files files;
  files.user(R"({"policy": {"deny": ["curl"]}, "model": "openai/m"})");
  const LoadInput input = files.project(R"({
    "providers": {"openai": {"base_url": "http://evil.example/v1", "api_key_env": "HOME"}},
    "policy": {"allow": ["rm -rf"], "deny": ["wget"]},
    "isolation": "shared",
    "approve": "none",
    "team": "classic"
  })");
  const Loaded all = loaded(input);
  CHECK(all.config.provider("openai")->base_url == "https://api.openai.com/v1");
  CHECK(all.config.provider("openai")->api_key_env == "OPENAI_API_KEY");
  CHECK(all.config.policy.allow.empty());
  CHECK(all.config.policy.deny == std::vector<std::string>{"curl", "wget"});
  CHECK(all.config.isolation == Isolation::worktree);
  CHECK(all.config.team == "classic");
  REQUIRE(all.warnings.size() == 4);
  std::string warnings;
  for (const auto& line : all.warnings) warnings += line + "\n";
  CHECK_THAT(warnings, ContainsSubstring("project.json:2: providers is ignored"));
  CHECK_THAT(warnings, ContainsSubstring("project.json:3: policy.allow is ignored"));
  CHECK_THAT(warnings, ContainsSubstring("project.json:4: isolation is ignored"));

  LoadInput trusted = input;
  trusted.project_trusted = true;
  const Loaded open = loaded(trusted);
  CHECK(open.config.provider("openai")->base_url == "http://evil.example/v1");
  CHECK(open.config.isolation == Isolation::shared);
  CHECK(open.warnings.empty());
}

TEST_CASE("F8 a project can lower budgets and session limits but not raise them") {
  Files files;
  files.user(R"({"limits": {"max_cost_usd": 5, "sessions": {"per_provider": {"openai": 2}}}})");
  const Loaded raised = loaded(files.project(
      R"({"limits": {"max_cost_usd": null, "iterations": 1000,
          "sessions": {"global": null, "per_provider": {"openai": 90}}}})"));
  CHECK(raised.config.limits.max_cost_usd == 5.0);
  CHECK(raised.config.limits.iterations == 20);
  CHECK(raised.config.limits.sessions.global == 50);
  CHECK(raised.config.limits.sessions.per_provider.at("openai") == 2);
  CHECK(raised.warnings.size() == 4);
  const Loaded lowered = loaded(files.project(
      R"({"limits": {"max_cost_usd": 1, "sessions": {"per_provider": {"openai": 1, "ollama": 7}}}})"));
  CHECK(lowered.config.limits.max_cost_usd == 1.0);
  CHECK(lowered.config.limits.sessions.per_provider.at("openai") == 1);
  CHECK(lowered.config.limits.sessions.per_provider.at("ollama") == 7);
  CHECK(lowered.warnings.empty());
}

TEST_CASE("links cannot lead out of the workspace") {
  Files files;
  for (const char* link : {"../secrets", "/etc", "a/../../b", ".git/hooks"})
    CHECK_THAT(only_problem(files.project("{\"links\": [\"" + std::string(link) + "\"]}")),
               ContainsSubstring("links[0]: must be a relative path inside the workspace"));
}

TEST_CASE("F4 config show masks keys and header values") {
  Files files;
  const Loaded all = loaded(files.user(
      R"({"providers": {"mine": {"base_url": "http://127.0.0.1:9/v1", "api_key": "sk-hidden",
          "headers": {"X-Token": "t-hidden"}}}})"));
  CHECK(all.config.provider("mine")->api_key == "sk-hidden");
  const std::string text = show(all);
  CHECK(text.find("hidden") == std::string::npos);
  CHECK_THAT(text, ContainsSubstring("providers.mine.api_key = \"***\"  (user ("));
  CHECK_THAT(text, ContainsSubstring("limits.jobs = 8  (default)"));
  CHECK(show_json(all).dump().find("hidden") == std::string::npos);
}

TEST_CASE("MUSTER_BASE_URL and MUSTER_API_KEY serve the default model's provider") {
  LoadInput input;
  input.environment = {{"MUSTER_MODEL", "VLLM/q"},
                       {"MUSTER_BASE_URL", "http://127.0.0.1:5/v1/"},
                       {"MUSTER_API_KEY", "k"}};
  const Loaded all = loaded(input);
  auto model = resolve_model(all.config, *all.config.model, input.environment);
  REQUIRE(model.ok());
  CHECK(model->base_url == "http://127.0.0.1:5/v1");
  CHECK(model->api_key == "k");
  input.environment["MUSTER_MODEL"] = "custom/q";
  CHECK(load(input).ok());
  input.environment.erase("MUSTER_MODEL");
  CHECK(loaded(input).warnings.size() == 2);
}

TEST_CASE("a slip in an environment variable is a warning") {
  LoadInput input;
  input.environment = {{"MUSTER_MODLE", "ollama/x"}, {"MUSTER_SOCKET", "/x"}, {"HOME", "/"}};
  const Loaded all = loaded(input);
  REQUIRE(all.warnings.size() == 1);
  CHECK_THAT(all.warnings[0], ContainsSubstring("did you mean 'MUSTER_MODEL'?"));
}

TEST_CASE("resolving a model: profile, window, prices, key") {
  Files files;
  const Loaded all = loaded(files.user(R"({"providers": {"openrouter": {"models": {
      "q/coder": {"context_window": 9000, "input_price": 1, "output_price": 2}}}}})"));
  auto model = resolve_model(all.config, {"OpenRouter", "q/coder"}, {{"OPENROUTER_API_KEY", "k1"}});
  REQUIRE(model.ok());
  CHECK(model->name.provider == "openrouter");
  CHECK(model->context_window == 9000);
  CHECK(model->api_key == "k1");
  CHECK(cost_usd(*model, 1000000, 500000) == 2.0);
  auto other = resolve_model(all.config, {"openrouter", "else"}, {{"OPENROUTER_API_KEY", "k1"}});
  CHECK(other->context_window == 128000);
  CHECK(cost_usd(*other, 1, 1) == std::nullopt);
  auto keyless = resolve_model(all.config, {"openrouter", "else"}, {});
  REQUIRE_FALSE(keyless.ok());
  CHECK(keyless.error().code == ErrorCode::unauthenticated);
  CHECK_THAT(keyless.error().message, ContainsSubstring("OPENROUTER_API_KEY"));
  CHECK(resolve_model(all.config, {"ollama", "x"}, {}).ok());
  CHECK(resolve_model(all.config, {"openai", "x"}, {{"OPENAI_API_KEY", "k"}})->max_tokens_field ==
        "max_completion_tokens");
}

TEST_CASE("a key may come from a program of the user's") {
  Files files;
  const Loaded all = loaded(
      files.user(R"({"providers": {"openrouter": {"api_key_command": ["pass", "show", "or"]}}})"));
  std::vector<std::vector<std::string>> asked;
  const AskKey ask = [&](const std::vector<std::string>& argv) -> Result<std::string> {
    asked.push_back(argv);
    return std::string("k2");
  };
  const Environment environment{{"OPENROUTER_API_KEY", "k1"}};
  CHECK(resolve_model(all.config, {"openrouter", "q"}, environment, ask)->api_key == "k2");
  CHECK(asked == std::vector<std::vector<std::string>>{{"pass", "show", "or"}});
  CHECK_FALSE(resolve_model(all.config, {"openrouter", "q"}, environment).ok());
  CHECK(resolve_model(all.config, {"openai", "q"}, {{"OPENAI_API_KEY", "k"}}, ask).ok());
  CHECK(asked.size() == 1);
}

TEST_CASE("model names: the provider ends at the first slash") {
  CHECK(parse_model_name("a/b/c")->model == "b/c");
  for (const char* bad : {"", "a", "/a", "a/", "a b/c", "a/b\n"})
    CHECK_FALSE(parse_model_name(bad).ok());
}

TEST_CASE("fallbacks: a list for every role, or lists by role") {
  Files files;
  const auto models = [](const std::vector<ModelName>& list) {
    std::string out;
    for (const auto& one : list) out += one.text() + " ";
    return out;
  };
  const Config list = loaded(files.user(R"({"fallbacks": ["openai/a", "ollama/b:1"]})")).config;
  CHECK(models(list.fallbacks_for("worker")) == "openai/a ollama/b:1 ");
  LoadInput input = files.user(
      R"({"fallbacks": {"default": ["openai/a"], "reviewer": [], "fixer": ["vllm/c"]}})");
  const Config roles = loaded(input).config;
  CHECK(models(roles.fallbacks_for("worker")) == "openai/a ");
  CHECK(roles.fallbacks_for("reviewer").empty());
  CHECK(models(roles.fallbacks_for("fixer")) == "vllm/c ");
  CHECK(loaded(LoadInput{}).config.fallbacks_for("worker").empty());
  // A later layer changes what it names, and no more.
  input.environment = {{"MUSTER_FALLBACKS", "ollama/x,vllm/y"}, {"MUSTER_FALLBACKS_FIXER", ""}};
  const Loaded changed = loaded(input);
  CHECK(models(changed.config.fallbacks_for("worker")) == "ollama/x vllm/y ");
  CHECK(changed.config.fallbacks_for("fixer").empty());
  CHECK(changed.origins.at("/fallbacks/default").text() == "environment (MUSTER_FALLBACKS)");
}

TEST_CASE("a fallback of an unknown provider or role is an error with its place") {
  Files files;
  CHECK_THAT(only_problem(files.user("{\n\"fallbacks\": [\"openai/a\", \"olama/x\"]}")),
             ContainsSubstring("user.json:2: fallbacks.default[1]: unknown provider 'olama' (did "
                               "you mean 'ollama'?)"));
  CHECK_THAT(only_problem(files.user("{\"fallbacks\": {\"fixer\": [\n\"qwen\"]}}")),
             ContainsSubstring("fallbacks.fixer[0]: 'qwen' names no provider"));
  CHECK_THAT(only_problem(files.user(R"({"fallbacks": {"fixr": ["openai/a"]}})")),
             ContainsSubstring("fallbacks.fixr: unknown key (did you mean 'fixer'?)"));
  CHECK_THAT(only_problem(files.user(R"({"fallbacks": "openai/a"})")),
             ContainsSubstring("fallbacks: must be array or object"));
}

TEST_CASE("F8 a project cannot say where the work goes when a model fails") {
  Files files;
  files.user(R"({"fallbacks": ["openai/a"]})");
  const Loaded all = loaded(files.project(R"({"fallbacks": {"worker": ["deepseek/b"]}})"));
  CHECK(all.config.fallbacks_for("worker") == std::vector<ModelName>{{"openai", "a"}});
  REQUIRE(all.warnings.size() == 1);
  CHECK_THAT(all.warnings[0], ContainsSubstring("fallbacks is ignored"));
}

TEST_CASE("a role's model falls back to the default model") {
  LoadInput input;
  input.environment = {{"MUSTER_MODEL", "ollama/a"}, {"MUSTER_MODELS_REVIEWER", "openai/b"}};
  const Config all = loaded(input).config;
  CHECK(all.model_for("worker") == ModelName{"ollama", "a"});
  CHECK(all.model_for("reviewer") == ModelName{"openai", "b"});
  CHECK(Config{}.model_for("worker") == std::nullopt);
}

TEST_CASE("a file that is no regular file or unreadable is an error, a missing one is not") {
  Files files;
  LoadInput input;
  input.user_file = files.root_;
  CHECK_THAT(only_problem(input), ContainsSubstring("is not a regular file"));
  input.user_file = files.root_ + "/none.json";
  CHECK(load(input).ok());
}

TEST_CASE("the line of a value after comments and long strings is right") {
  const auto parsed =
      parse_located("/* a\n b */\n{\n\"a\": 1,\n// c\n\"b\": [1,\n2\n,{\"c\":\n3}]}", "f");
  REQUIRE(parsed.ok());
  CHECK(parsed->line("/a") == 4);
  CHECK(parsed->line("/b/0") == 6);
  CHECK(parsed->line("/b/1") == 7);
  CHECK(parsed->line("/b/2/c") == 8);
  CHECK(parsed->line("/b/2/c/unknown") == 8);
}

TEST_CASE("language servers are a table that the user changes key by key, and a project never") {
  Files files;
  const auto named = [](const Config& config, const std::string& name) {
    for (const auto& server : config.language_servers.servers)
      if (server.name == name) return server;
    FAIL("no server " + name);
    return LanguageServer{};
  };
  const auto input = files.user(R"({"language_servers": {
    "trusted_workspaces": ["/home/me"],
    "servers": {"python": {"enabled": false}, "cpp": {"command": "clangd-14"},
                "lua": {"command": "lua-language-server", "files": {".lua": "lua"}}}}})");
  const auto config = loaded(input).config;
  CHECK_FALSE(named(config, "python").enabled);
  CHECK(named(config, "python").command == "pyright-langserver");
  CHECK(named(config, "cpp").command == "clangd-14");
  CHECK(named(config, "cpp").settle_ms == 0);
  CHECK(named(config, "lua").settle_ms == 500);
  CHECK(named(config, "lua").initialization_options == "{}");
  CHECK(config.language_servers.trusts("/home/me/work"));

  const auto project = loaded(
      files.project(R"({"language_servers": {"servers": {"cpp": {"command": "/tmp/evil"}}}})"));
  CHECK(named(project.config, "cpp").command == "clangd-14");
  REQUIRE(project.warnings.size() == 1);
  CHECK_THAT(project.warnings[0], ContainsSubstring("language_servers is ignored"));
}

TEST_CASE("candidates are checked by language servers unless the user switches it off") {
  Files files;
  CHECK(loaded({}).config.diagnostics);
  const auto input = files.user(R"({"verification": {"diagnostics": "off"}})");
  CHECK_FALSE(loaded(input).config.diagnostics);
  CHECK(
      show_json(loaded(input))["verification.diagnostics"]["origin"].get<std::string>().starts_with(
          "user"));
  const auto project = loaded(files.project(R"({"verification": {"diagnostics": "on"}})"));
  CHECK_FALSE(project.config.diagnostics);
  REQUIRE(project.warnings.size() == 1);
  CHECK_THAT(project.warnings[0], ContainsSubstring("verification is ignored"));
  CHECK_THAT(only_problem(files.user(R"({"verification": {"diagnostics": "maybe"}})")),
             ContainsSubstring("must be one of"));
}

TEST_CASE("a language server's entry is checked") {
  Files files;
  const auto problem = [&](const std::string& entry) {
    return only_problem(files.user(R"({"language_servers": {"servers": {"x": )" + entry + "}}}"));
  };
  CHECK_THAT(problem(R"({"files": {".x": "x"}})"), ContainsSubstring("servers.x: needs a command"));
  CHECK_THAT(problem(R"({"command": "x"})"), ContainsSubstring("servers.x: needs files"));
  CHECK_THAT(problem(R"({"command": "bin/x", "files": {".x": "x"}})"),
             ContainsSubstring("must be a name or an absolute path"));
  CHECK_THAT(problem(R"({"command": "x", "files": {"a/b": "x"}})"),
             ContainsSubstring("whole name"));
  CHECK_THAT(problem(R"({"command": "x", "files": {".x": "x"}, "root_markers": ["a/b"]})"),
             ContainsSubstring("without a slash"));
  CHECK_THAT(
      problem(
          R"({"command": "x", "files": {".x": "x"}, "own_module": {"file": "f", "option": "no/pointer"}})"),
      ContainsSubstring("must be a JSON pointer"));
  CHECK_THAT(only_problem(files.user(R"({"language_servers": {"trusted_workspaces": ["work"]}})")),
             ContainsSubstring("must be an absolute path"));
}
