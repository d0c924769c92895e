#include "adapters/cli/command_line.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

using namespace muster;
using namespace muster::cli;
using Catch::Matchers::ContainsSubstring;

namespace {

template <class T>
T command(const std::vector<std::string>& args) {
  auto outcome = parse(args);
  if (auto* left = std::get_if<ParseExit>(&outcome)) FAIL(left->err);
  auto& line = std::get<CommandLine>(outcome);
  REQUIRE(std::holds_alternative<T>(line.command));
  return std::get<T>(line.command);
}

ParseExit leaves(const std::vector<std::string>& args) {
  auto outcome = parse(args);
  REQUIRE(std::holds_alternative<ParseExit>(outcome));
  return std::get<ParseExit>(outcome);
}

}  // namespace

TEST_CASE("run with everything") {
  const auto run = command<MissionCommand>({"run", "build it", "--model", "openrouter/a/b",
                                            "--team", "classic", "--approve", "plan", "--isolation",
                                            "shared", "--max-cost", "1.5", "--max-time", "1h30m",
                                            "--max-tokens", "7000", "--json", "--dry-run"});
  CHECK(run.kind == MissionKind::run);
  CHECK(run.objective == "build it");
  CHECK(run.model == "openrouter/a/b");
  CHECK(run.team == "classic");
  CHECK(run.approve == "plan");
  CHECK(run.isolation == "shared");
  CHECK(run.max_cost_usd == 1.5);
  CHECK(run.max_time_ms == 5400000);
  CHECK(run.max_tokens == 7000);
  CHECK(run.view.json);
  CHECK(run.dry_run);
}

TEST_CASE("install and uninstall name the program that muster is brought into") {
  CHECK(command<InstallCommand>({"install", "opencode"}).install);
  CHECK_FALSE(command<InstallCommand>({"install", "opencode"}).project);
  CHECK(command<InstallCommand>({"uninstall", "opencode", "--project"}).project);
  CHECK_FALSE(command<InstallCommand>({"uninstall", "opencode"}).install);
  CHECK(leaves({"install"}).code == exit_usage);
  CHECK(leaves({"install", "emacs"}).code == exit_usage);
}

TEST_CASE("symbols, refs, map and index") {
  const auto symbols =
      command<SymbolsCommand>({"symbols", "Engine::run", "--kind", "method", "--in", "src"});
  CHECK(symbols.name == "Engine::run");
  CHECK(symbols.kind == "method");
  CHECK(symbols.place == "src");
  CHECK_FALSE(symbols.json);
  CHECK(command<SymbolsCommand>({"symbols"}).name.empty());
  CHECK(leaves({"symbols", "x", "--kind", "verb"}).code == exit_usage);
  CHECK(command<RefsCommand>({"refs", "run", "--json"}).json);
  CHECK(leaves({"refs"}).code == exit_usage);
  const auto map = command<MapCommand>(
      {"map", "fix", "[the]", "gate", "--tokens", "500", "--file", "a.cpp", "--file", "b.cpp"});
  CHECK(map.text == "fix [the] gate");
  CHECK(map.tokens == 500);
  CHECK(map.files == std::vector<std::string>{"a.cpp", "b.cpp"});
  CHECK(command<MapCommand>({"map"}).tokens == 2000);
  CHECK(leaves({"map", "--tokens", "0"}).code == exit_usage);
  CHECK(command<IndexCommand>({"index", "--json"}).json);
}

TEST_CASE("words of a text may be names of commands") {
  CHECK(command<MapCommand>({"map", "fix", "the", "plan", "--tokens", "9"}).text == "fix the plan");
  CHECK(command<MissionCommand>({"run", "fix", "the", "status"}).objective == "fix the status");
  CHECK(command<TellCommand>({"tell", "stop", "that"}).text == "stop that");
}

TEST_CASE("what is not given is not set") {
  const auto run = command<MissionCommand>({"run", "x"});
  CHECK_FALSE(run.model);
  CHECK_FALSE(run.max_cost_usd);
  CHECK_FALSE(run.view.json);
  CHECK(flag_values({run, "", false}).empty());
}

TEST_CASE("flags become a configuration layer") {
  auto outcome = parse({"fix", "it", "--model", "ollama/m", "--max-time", "90s"});
  const auto flags = flag_values(std::get<CommandLine>(outcome));
  REQUIRE(flags.size() == 2);
  CHECK(flags[0].pointer == "/model");
  CHECK(flags[0].flag == "--model");
  CHECK(flags[1].pointer == "/limits/max_time_ms");
  CHECK(flags[1].value == 90000);
  config::LoadInput input;
  input.flags = flags;
  CHECK(config::load(input)->config.limits.max_time_ms == 90000);
}

TEST_CASE("the objective: several words, - for stdin, -- for dashes") {
  CHECK(command<MissionCommand>({"run", "make", "it", "so"}).objective == "make it so");
  const auto piped = command<MissionCommand>({"run", "-"});
  CHECK(piped.objective_from_stdin);
  CHECK(piped.objective.empty());
  CHECK_FALSE(command<MissionCommand>({"run", "- item"}).objective_from_stdin);
  CHECK(command<MissionCommand>({"run", "--", "--help me"}).objective == "--help me");
  CHECK_THAT(leaves({"run"}).err, ContainsSubstring("objective"));
  CHECK(leaves({"run"}).code == 2);
  CHECK(leaves({"run", "  "}).code == 2);
  CHECK(command<MissionCommand>({"review"}).kind == MissionKind::review);
}

TEST_CASE("text keeps its brackets") {
  CHECK(command<MissionCommand>({"run", "[fix, this]", "and", "[that]"}).objective ==
        "[fix, this] and [that]");
  CHECK(command<TellCommand>({"tell", "[a,b]"}).text == "[a,b]");
  const auto search = command<AstCommand>(
      {"ast", "search", "[$A, $B]", "src", "--lang", "js", "--has", "[1, 2]", "--where", "A=[xy]"});
  CHECK(search.pattern == "[$A, $B]");
  CHECK(search.paths == std::vector<std::string>{"src"});
  CHECK(search.has == "[1, 2]");
  CHECK(search.where == std::vector<std::string>{"A=[xy]"});
  CHECK(search.language == "js");
}

TEST_CASE("a search by query takes all words for paths") {
  const auto search = command<AstCommand>({"ast", "search", "--query", "(call) @a", "src", "lib"});
  CHECK(search.pattern.empty());
  CHECK(search.paths == std::vector<std::string>{"src", "lib"});
}

TEST_CASE("every command of the list is understood") {
  CHECK(command<MissionCommand>({"plan", "x"}).kind == MissionKind::plan);
  CHECK(command<MissionCommand>({"search", "x"}).kind == MissionKind::search);
  CHECK(command<StatusCommand>({"status", "--json"}).json);
  CHECK_FALSE(command<StatusCommand>({"status", "--json"}).actors);
  CHECK(command<StatusCommand>({"status", "--actors"}).actors);
  CHECK(command<StopCommand>({"stop", "--now"}).now);
  CHECK_FALSE(command<StopCommand>({"stop"}).now);
  CHECK(command<ResumeCommand>({"resume", "m-7"}).mission == "m-7");
  CHECK(command<ResumeCommand>({"resume"}).mission.empty());
  const auto answer = command<AnswerCommand>({"answer", "Q1", "use", "sqlite"});
  CHECK(answer.id == "Q1");
  CHECK(answer.text == "use sqlite");
  const auto tell = command<TellCommand>({"tell", "--task", "M1.T2", "be quick"});
  CHECK(tell.task == "M1.T2");
  CHECK(tell.text == "be quick");
  CHECK(command<AttachCommand>({"attach", "--plain"}).view.plain);
  CHECK(command<ResultCommand>({"diff"}).action == ResultCommand::Action::diff);
  CHECK(command<ResultCommand>({"apply", "m"}).mission == "m");
  CHECK(command<ResultCommand>({"undo"}).action == ResultCommand::Action::undo);
  CHECK(command<ResultCommand>({"discard"}).action == ResultCommand::Action::discard);
  CHECK(command<LogsCommand>({"logs", "--task", "M1.T2"}).task == "M1.T2");
  CHECK(command<TodoCommand>({"todo", "accept", "M1.T1"}).accept);
  CHECK_FALSE(command<TodoCommand>({"todo", "drop", "M1.T1"}).accept);
  CHECK(command<WaiveCommand>({"waive", "test:api"}).check == "test:api");
  CHECK(command<MissionsCommand>({"missions", "--json"}).json);
  CHECK(command<DemoCommand>({"demo", "--keep", "--fast"}).keep);
  CHECK(command<AgentsCommand>({"agents", "--team", "classic"}).team == "classic");
  CHECK(command<DoctorCommand>({"doctor"}).json == false);
  CHECK(command<ConfigCommand>({"config", "schema"}).action == ConfigCommand::Action::schema);
  CHECK(command<ConfigCommand>({"config", "show", "--json"}).json);
  CHECK(command<ConfigCommand>({"config", "validate"}).action == ConfigCommand::Action::validate);
  CHECK(command<ModelServerCommand>({"model-server", "--scenario", "s", "--port", "81"}).port ==
        81);
  CHECK(command<ServeCommand>({"serve", "--stdio"}).stdio);
  CHECK_FALSE(command<ServeCommand>({"serve"}).stdio);
  CHECK(std::get<CommandLine>(parse({"status", "-w", "/x", "-v"})).workspace == "/x");
  CHECK(std::get<CommandLine>(parse({"todo", "drop", "M1.T1", "-w", "/x"})).workspace == "/x");
}

TEST_CASE("an unknown flag or command ends with 2 and a suggestion") {
  const auto flag = leaves({"run", "x", "--modle", "a/b"});
  CHECK(flag.code == 2);
  CHECK(flag.out.empty());
  CHECK_THAT(flag.err, ContainsSubstring("unknown flag '--modle' (did you mean '--model'?)"));
  CHECK_THAT(flag.err, ContainsSubstring("Try 'muster run --help'"));
  CHECK_THAT(leaves({"run", "x", "--max-cots=3"}).err, ContainsSubstring("'--max-cost'?"));
  CHECK_THAT(leaves({"statsu"}).err,
             ContainsSubstring("unknown command 'statsu' (did you mean 'status'?)"));
  CHECK_THAT(leaves({"config", "sohw"}).err, ContainsSubstring("did you mean 'show'?"));
  CHECK_THAT(leaves({"status", "extra"}).err, ContainsSubstring("unexpected argument 'extra'"));
  CHECK_THAT(leaves({"--frobnicate"}).err, ContainsSubstring("unknown flag '--frobnicate'"));
  CHECK(leaves({"--frobnicate"}).code == 2);
  for (const auto& args : std::vector<std::vector<std::string>>{
           {}, {"todo"}, {"config"}, {"answer", "Q1"}, {"waive"}, {"answer", "Q1", " "}})
    CHECK(leaves(args).code == 2);
}

TEST_CASE("bad values end with 2 and say what is right") {
  CHECK_THAT(leaves({"run", "x", "--model", "qwen"}).err, ContainsSubstring("names no provider"));
  CHECK_THAT(leaves({"run", "x", "--max-time", "soon"}).err, ContainsSubstring("1h30m"));
  CHECK(leaves({"run", "x", "--max-cost", "-3"}).code == 2);
  CHECK(leaves({"run", "x", "--max-cost", "abc"}).code == 2);
  CHECK(leaves({"run", "x", "--approve", "all"}).code == 2);
  CHECK(leaves({"run", "x", "--json", "--plain"}).code == 2);
  CHECK(leaves({"model-server", "--port", "70000"}).code == 2);
}

TEST_CASE("help goes to stdout with code 0, and names examples and exit codes") {
  const auto help = leaves({"--help"});
  CHECK(help.code == 0);
  CHECK(help.err.empty());
  for (const char* part : {"run", "doctor", "Examples:", "muster demo", "Exit codes:", "130"})
    CHECK_THAT(help.out, ContainsSubstring(part));
  const auto run = leaves({"run", "--help"});
  CHECK(run.code == 0);
  CHECK_THAT(run.out, ContainsSubstring("--max-cost USD"));
  CHECK_THAT(run.out, ContainsSubstring("Exit codes:"));
  std::string line;
  for (const char c : help.out + run.out) {
    if (c == '\n') {
      INFO(line);
      CHECK(line.size() <= 110);
      line.clear();
    } else {
      line += c;
    }
  }
}

TEST_CASE("the version") {
  const auto version = leaves({"--version"});
  CHECK(version.code == 0);
  CHECK(version.out == std::string("muster ") + MUSTER_VERSION + "\n");
}

TEST_CASE("durations") {
  CHECK(parse_duration_ms("90") == 90000);
  CHECK(parse_duration_ms("250ms") == 250);
  CHECK(parse_duration_ms("1h30m5s") == 5405000);
  CHECK(parse_duration_ms("2d") == 172800000);
  CHECK(parse_duration_ms("0") == 0);
  for (const char* bad : {"", "m", "-5", "5x", "1.5h", "99999999999d", "1h 5m", "5m3"})
    CHECK_FALSE(parse_duration_ms(bad));
}

TEST_CASE("without a model there are exactly two lines, and the way to the demo") {
  const std::string text(no_model_message());
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.back() == '\n');
  CHECK_THAT(text, ContainsSubstring("MUSTER_MODEL"));
  CHECK_THAT(text, ContainsSubstring("muster demo"));
}

TEST_CASE("diagnostics takes files, a form and a time") {
  const auto all = command<DiagnosticsCommand>(
      {"diagnostics", "a.ts", "b c.ts", "--sarif", "--timeout", "2m", "--trust-workspace"});
  CHECK(all.files == std::vector<std::string>{"a.ts", "b c.ts"});
  CHECK(all.sarif);
  CHECK(all.timeout_ms == 120000);
  CHECK(all.trust_workspace);
  const auto none = command<DiagnosticsCommand>({"diagnostics"});
  CHECK(none.files.empty());
  CHECK_FALSE(none.json);
  CHECK_FALSE(none.trust_workspace);
  CHECK(none.timeout_ms == std::nullopt);
  CHECK(leaves({"diagnostics", "--json", "--sarif"}).code == exit_usage);
  CHECK(leaves({"diagnostics", "--timeout", "soon"}).code == exit_usage);
}
