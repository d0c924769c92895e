#include "adapters/cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <map>
#include <sstream>

#include "config/model_name.hpp"
#include "config/suggest.hpp"

namespace muster::cli {
namespace {

constexpr const char* exit_codes =
    "Exit codes:\n"
    "  0    sealed, answered, or done\n"
    "  1    failed\n"
    "  2    wrong usage or configuration\n"
    "  3    waits for you: see muster status, muster answer\n"
    "  4    a limit ended it (cost, time, tokens, iterations)\n"
    "  130  interrupted; muster resume goes on\n";

constexpr const char* examples =
    "Examples:\n"
    "  muster demo\n"
    "  muster run \"add a --json flag to the list command\" --model openrouter/qwen/qwen3-coder\n"
    "  muster fix \"$(make test 2>&1 | tail -50)\"\n"
    "  echo \"port the tests to pytest\" | muster run - --json\n"
    "  muster status            (from a second terminal, in the same folder)\n\n";

/// The largest integer that JSON readers agree on.
constexpr std::int64_t max_integer = 9007199254740991;

/// CLI11 takes "[a, b]" for a list in its own notation, and text would lose its brackets: such
/// arguments go through it with a character in front that no shell passes on by accident.
constexpr char guard = '\x1f';

std::string guarded(const std::string& text) {
  return text.starts_with('[') && text.ends_with(']') ? guard + text : text;
}

void unguard(std::string& text) {
  if (text.starts_with(guard)) text.erase(0, 1);
}

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

/// Refuses text that is no model's name, with the parser's own words.
std::string check_model(const std::string& text) {
  const auto name = config::parse_model_name(text);
  return name.ok() ? "" : name.error().message;
}

std::string check_duration(const std::string& text) {
  return parse_duration_ms(text) ? "" : "'" + text + "' is no duration; write 90s, 15m or 1h30m";
}

/// What CLI11 fills while it parses; turned into a Command afterwards.
struct Raw {
  std::vector<std::string> words;
  std::string mission, output, model, team, approve, isolation, host, max_time, task, id, scenario,
      timeout, kind, place, shell;
  std::vector<std::string> files;
  std::int64_t tokens = 2000;
  double max_cost = 0;
  std::int64_t max_tokens = 0;
  int port = 0;
  bool json = false, plain = false, dry_run = false, now = false, keep = false, fast = false,
       stdio = false, opencode = false, actors = false, project = false, sarif = false,
       junit = false, trust_workspace = false, revoke = false;
  AstCommand ast;

  void each_text(const std::function<void(std::string&)>& visit) {
    for (auto* list : {&words, &files, &ast.where})
      std::for_each(list->begin(), list->end(), visit);
    for (auto* text : {&mission, &output, &task, &id, &scenario, &place, &ast.replacement,
                       &ast.selector, &ast.query, &ast.inside, &ast.has, &ast.without})
      visit(*text);
  }
};

class Builder {
 public:
  Builder() : app_("Runs teams of coding agents until the work passes muster.", "muster") {
    app_.set_version_flag("--version", std::string("muster ") + MUSTER_VERSION,
                          "Print the version");
    app_.allow_extras();
    // Else "fix" in "muster map fix the gate" would be a second command.
    app_.require_subcommand(0, 1);
    app_.get_formatter()->column_width(34);
    add_missions();
    add_control();
    add_results();
    add_code();
    add_tools();
    // Last: subcommands inherit what stands here when they are made.
    app_.footer(help_footer());
  }

  ParseOutcome run(std::vector<std::string> args) {
    std::vector<std::string> reversed;
    std::transform(args.rbegin(), args.rend(), std::back_inserter(reversed), guarded);
    try {
      app_.parse(std::move(reversed));
    } catch (const CLI::ParseError& error) {
      return leave(error);
    }
    raw_.each_text(unguard);
    CLI::App* chosen = deepest(app_);
    if (auto unknown = check_extras(*chosen)) return *unknown;
    if (chosen == &app_) return ParseExit{exit_usage, "", app_.help()};
    const auto make = makers_.find(chosen);
    if (make == makers_.end())
      return ParseExit{exit_usage, "", chosen->help("muster")};  // "muster todo" alone
    line_.command = make->second();
    return check(line_);
  }

  [[nodiscard]] CommandHelp help() const { return help_of(app_); }

 private:
  using Maker = std::function<Command()>;

  [[nodiscard]] CommandHelp help_of(const CLI::App& app) const {
    CommandHelp out{app.get_name(), app.get_description(), app.get_group(), {}, {}};
    for (const CLI::Option* option : app.get_options()) out.options.push_back(help_of(*option));
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
      out.commands.push_back(help_of(*sub));
    return out;
  }

  [[nodiscard]] OptionHelp help_of(const CLI::Option& option) const {
    OptionHelp out;
    for (const auto& name : option.get_lnames()) out.names.push_back("--" + name);
    for (const auto& name : option.get_snames()) out.names.push_back("-" + name);
    if (option.get_items_expected_max() > 0) out.value = option.get_type_name();
    out.text = option.get_description();
    if (auto known = choices_.find(&option); known != choices_.end()) out.choices = known->second;
    return out;
  }

  CLI::App* add(CLI::App& parent, const char* name, const char* text, const char* group,
                Maker maker) {
    CLI::App* sub = parent.add_subcommand(name, text)->group(group)->allow_extras();
    sub->get_formatter()->column_width(34);
    sub->add_option("-w,--workspace", line_.workspace,
                    "Folder to work in; default: the current one")
        ->type_name("DIR");
    sub->add_flag("-v,--verbose", line_.verbose, "Write a debug log to stderr");
    if (maker) makers_[sub] = std::move(maker);
    return sub;
  }

  /// A value that is one of these; the help is kept short: its words name them.
  CLI::Option* choose(CLI::Option* option, const std::vector<std::string>& values) {
    choices_[option] = values;
    return option->check(CLI::IsMember(values).description(""));
  }

  void add_json(CLI::App* sub, const char* text = "JSON on stdout") {
    sub->add_flag("--json", raw_.json, text);
  }

  void add_view(CLI::App* sub) {
    auto* json = sub->add_flag("--json", raw_.json, "JSON Lines on stdout, the result last");
    sub->add_flag("--plain", raw_.plain, "A line per event, also on a terminal")->excludes(json);
  }

  [[nodiscard]] ViewOptions view() const { return {raw_.json, raw_.plain}; }

  template <class T>
  [[nodiscard]] static std::optional<T> given(const CLI::App* sub, const char* name,
                                              const T& value) {
    return sub->get_option(name)->count() > 0 ? std::optional<T>(value) : std::nullopt;
  }

  void add_missions() {
    add_mission("run", "Work on an objective until it is sealed", MissionKind::run, "objective");
    add_mission("plan", "Plan an objective; change nothing", MissionKind::plan, "objective");
    add_mission("review", "Review the workspace's changes", MissionKind::review, "focus");
    add_mission("fix", "Find and mend the cause of an error", MissionKind::fix, "error");
    add_mission("search", "Find something and say where it is", MissionKind::search, "pattern");
    auto* demo =
        add(app_, "demo", "Watch a whole mission; no model, no network", "Missions", [this] {
          return DemoCommand{raw_.keep, raw_.fast, view()};
        });
    demo->add_flag("--keep", raw_.keep, "Leave the demo's repository behind");
    demo->add_flag("--fast", raw_.fast, "Without pauses for the eye");
    add_view(demo);
  }

  void add_mission(const char* name, const char* text, MissionKind kind, const char* argument) {
    CLI::App* sub = add(app_, name, text, "Missions", nullptr);
    makers_[sub] = [this, sub, kind] { return mission(sub, kind); };
    auto* words = sub->add_option(argument, raw_.words, "In words; - reads it from stdin");
    words->type_name("TEXT");
    if (kind != MissionKind::review) words->required();
    sub->add_option("--model", raw_.model, "provider/model for all roles")
        ->type_name("P/M")
        ->check(check_model);
    choose(sub->add_option("--team", raw_.team, "squad or classic"), {"squad", "classic"})
        ->type_name("TEAM");
    choose(sub->add_option("--approve", raw_.approve, "plan: wait for your approval of the plan"),
           {"none", "plan"})
        ->type_name("WHAT");
    choose(sub->add_option("--isolation", raw_.isolation, "worktree (default) or shared"),
           {"worktree", "shared"})
        ->type_name("HOW");
    choose(sub->add_option("--host", raw_.host,
                           "direct (default) or opencode: where the sessions run"),
           {"direct", "opencode"})
        ->type_name("HOST");
    sub->add_option("--max-cost", raw_.max_cost, "Budget in USD")
        ->check(CLI::Range(0.0, 1e9).description(""))
        ->type_name("USD");
    sub->add_option("--max-time", raw_.max_time, "Budget in time: 90s, 15m, 1h30m")
        ->check(check_duration)
        ->type_name("TIME");
    sub->add_option("--max-tokens", raw_.max_tokens, "Budget in tokens, input and output")
        ->check(CLI::Range(std::int64_t{0}, max_integer).description(""))
        ->type_name("N");
    sub->add_flag("--dry-run", raw_.dry_run, "Show what would be done; call no model");
    add_view(sub);
    sub->footer(exit_codes);
  }

  Command mission(const CLI::App* sub, MissionKind kind) {
    MissionCommand out;
    out.kind = kind;
    out.objective_from_stdin = raw_.words.size() == 1 && raw_.words[0] == "-";
    if (!out.objective_from_stdin) out.objective = join(raw_.words);
    out.model = given(sub, "--model", raw_.model);
    out.team = given(sub, "--team", raw_.team);
    out.approve = given(sub, "--approve", raw_.approve);
    out.isolation = given(sub, "--isolation", raw_.isolation);
    out.host = given(sub, "--host", raw_.host);
    out.max_cost_usd = given(sub, "--max-cost", raw_.max_cost);
    if (sub->get_option("--max-time")->count() > 0)
      out.max_time_ms = parse_duration_ms(raw_.max_time);
    out.max_tokens = given(sub, "--max-tokens", raw_.max_tokens);
    out.dry_run = raw_.dry_run;
    out.view = view();
    return out;
  }

  void add_control() {
    const char* group = "A running mission";
    auto* status = add(app_, "status", "Where it stands", group, [this] {
      return StatusCommand{raw_.json, raw_.actors};
    });
    add_json(status);
    status->add_flag("--actors", raw_.actors, "What the engine's own actors do");
    add_json(add(app_, "ps", "Agents and jobs that are at work", group,
                 [this] { return PsCommand{raw_.json}; }));
    add_view(add(app_, "attach", "Watch it", group, [this] { return AttachCommand{view()}; }));
    add(app_, "stop", "End it; what has landed stays (Ctrl-C in its own terminal pauses)", group,
        [this] { return StopCommand{raw_.now}; })
        ->add_flag("--now", raw_.now, "Kill what runs");
    auto* resume = add(app_, "resume", "Go on with a paused or interrupted mission", group, [this] {
      return ResumeCommand{raw_.mission, view()};
    });
    resume->add_option("mission", raw_.mission, "Default: the latest")->type_name("ID");
    add_view(resume);
    auto* answer = add(app_, "answer", "Answer a question of muster status", group, [this] {
      return AnswerCommand{raw_.id, join(raw_.words)};
    });
    answer->add_option("id", raw_.id, "The question's id")->required()->type_name("ID");
    answer->add_option("text", raw_.words, "Your answer")->required()->type_name("TEXT");
    auto* tell = add(app_, "tell", "Tell the agents something", group, [this] {
      return TellCommand{raw_.task, join(raw_.words)};
    });
    tell->add_option("--task", raw_.task, "Only this task's agent")->type_name("M1.T2");
    tell->add_option("text", raw_.words, "What they should know")->required()->type_name("TEXT");
    add_todo(group);
    add(app_, "waive", "Accept that a check fails; the seal will say so", group,
        [this] { return WaiveCommand{raw_.id}; })
        ->add_option("check", raw_.id, "The check's name")
        ->required()
        ->type_name("CHECK");
  }

  void add_todo(const char* group) {
    auto* todo = add(app_, "todo", "Finish or remove a task by hand", group, nullptr);
    for (const bool accept : {true, false}) {
      add(*todo, accept ? "accept" : "drop", accept ? "Count a task as done" : "Remove a task", "",
          [this, accept] {
            return TodoCommand{accept, raw_.id};
          })
          ->group("Commands")
          ->add_option("id", raw_.id, "The task, e.g. M1.T2")
          ->required()
          ->type_name("ID");
    }
  }

  void add_results() {
    using Action = ResultCommand::Action;
    const char* group = "Results";
    const std::array<std::tuple<const char*, const char*, Action>, 4> actions{
        {{"diff", "What a mission changed", Action::diff},
         {"apply", "Bring a mission's changes into your tree", Action::apply},
         {"undo", "Take back what apply did", Action::undo},
         {"discard", "Forget a mission's changes", Action::discard}}};
    for (const auto& [name, text, action] : actions)
      add(app_, name, text, group,
          [this, action = action] {
            return ResultCommand{action, raw_.mission};
          })
          ->add_option("mission", raw_.mission, "Default: the latest")
          ->type_name("ID");
    auto* logs = add(app_, "logs", "What happened", group, [this] {
      return LogsCommand{raw_.task, raw_.mission, raw_.json};
    });
    logs->add_option("--task", raw_.task, "Only this task")->type_name("M1.T2");
    logs->add_option("mission", raw_.mission, "Default: the latest")->type_name("ID");
    add_json(logs);
    auto* report = add(app_, "report", "What a mission did, with its evidence", group, [this] {
      using Form = ReportCommand::Form;
      const bool page = raw_.output.ends_with(".html") || raw_.output.ends_with(".htm");
      const auto form = raw_.json    ? Form::json
                        : raw_.sarif ? Form::sarif
                        : raw_.junit ? Form::junit
                        : page       ? Form::html
                                     : Form::text;
      return ReportCommand{raw_.mission, form, raw_.output};
    });
    report->add_option("mission,--mission", raw_.mission, "Default: the latest")->type_name("ID");
    report->add_option("-o,--output", raw_.output, "Write it there; FILE.html: a page to look at")
        ->type_name("FILE");
    auto* as_json = report->add_flag("--json", raw_.json, "JSON on stdout");
    auto* as_sarif = report->add_flag("--sarif", raw_.sarif, "The checks that it ran, as SARIF");
    report->add_flag("--junit", raw_.junit, "The checks that it ran, as JUnit's XML")
        ->excludes(as_json)
        ->excludes(as_sarif);
    as_sarif->excludes(as_json);
    auto* cost = add(app_, "cost", "Tokens and money of a mission", group, [this] {
      return CostCommand{raw_.mission, raw_.json};
    });
    cost->add_option("mission", raw_.mission, "Default: the latest")->type_name("ID");
    add_json(cost);
    add_json(add(app_, "missions", "All missions of this workspace", group,
                 [this] { return MissionsCommand{raw_.json}; }));
  }

  void add_code() {
    using Action = AstCommand::Action;
    auto* ast =
        add(app_, "ast", "Code by its structure: search, rewrite, check syntax", "Code", nullptr);
    auto* search = add_ast(*ast, "search", "Find code of a form", Action::search);
    auto* query =
        search->add_option("--query", raw_.ast.query,
                           "A tree-sitter query in place of the pattern; all words are paths");
    query->type_name("QUERY");
    add_pattern(search);
    auto* rewrite = add_ast(*ast, "rewrite", "Write code of a form anew", Action::rewrite);
    rewrite->add_option("--to", raw_.ast.replacement, "What stands in its place: 'g($A)'")
        ->required()
        ->type_name("CODE");
    rewrite->add_flag("--write", raw_.ast.write, "Change the files; default: show the difference");
    add_pattern(rewrite);
    auto* check = add_ast(*ast, "check", "Find syntax errors", Action::check);
    check->add_flag("--summary", raw_.ast.summary, "A row for each language");
    auto* outline = add(app_, "outline", "What files define, and where", "Code", [this] {
      return OutlineCommand{raw_.words, raw_.json};
    });
    outline->add_option("files", raw_.words, "Files and folders")->required()->type_name("FILE");
    add_json(outline);
    add_index();
  }

  void add_index() {
    auto* symbols = add(app_, "symbols", "Where something is defined", "Code", [this] {
      return SymbolsCommand{raw_.id, raw_.kind, raw_.place, raw_.json};
    });
    symbols->add_option("name", raw_.id, "A name, or the end of a path: 'Engine::run', 'parse_*'")
        ->type_name("NAME");
    choose(symbols->add_option("--kind", raw_.kind, "Only these"),
           {"function", "method", "class", "struct", "enum", "interface", "type", "module",
            "constant", "macro", "heading"})
        ->type_name("KIND");
    symbols->add_option("--in", raw_.place, "Only in this file or folder")->type_name("PATH");
    add_json(symbols);
    auto* refs = add(app_, "refs", "Where a name is used", "Code", [this] {
      return RefsCommand{raw_.id, raw_.json};
    });
    refs->add_option("name", raw_.id, "The name, without what it lies in")
        ->required()
        ->type_name("NAME");
    add_json(refs);
    auto* map = add(app_, "map", "The symbols that matter most", "Code", [this] {
      return MapCommand{join(raw_.words), raw_.tokens, raw_.files, raw_.json};
    });
    map->add_option("text", raw_.words, "A task in words: what it names weighs more")
        ->type_name("TEXT");
    map->add_option("--tokens", raw_.tokens, "Its length; default: 2000")
        ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}).description(""))
        ->type_name("N");
    map->add_option("--file", raw_.files, "A file that it is about; may be repeated")
        ->allow_extra_args(false)
        ->type_name("FILE");
    add_json(map);
    add_json(add(app_, "index", "Read what changed into the code index", "Code",
                 [this] { return IndexCommand{raw_.json}; }));
  }

  CLI::App* add_ast(CLI::App& parent, const char* name, const char* text,
                    AstCommand::Action action) {
    auto* sub = add(parent, name, text, "", [this, action] {
      auto out = raw_.ast;
      out.action = action;
      out.paths = raw_.words;
      out.json = raw_.json;
      if (action != AstCommand::Action::check && out.query.empty() && !out.paths.empty()) {
        out.pattern = out.paths.front();
        out.paths.erase(out.paths.begin());
      }
      return out;
    });
    sub->group("Commands");
    const bool check = action == AstCommand::Action::check;
    sub->add_option(check ? "paths" : "pattern", raw_.words,
                    check ? "Files and folders; default: the workspace"
                          : "The pattern, then files and folders; default: the workspace")
        ->type_name("TEXT");
    sub->add_option("-l,--lang", raw_.ast.language, "cpp, typescript, python, ...")
        ->type_name("LANG");
    add_json(sub);
    return sub;
  }

  void add_pattern(CLI::App* sub) {
    sub->add_option("--selector", raw_.ast.selector,
                    "The kind of node within the pattern that is meant")
        ->type_name("KIND");
    sub->add_option("--inside", raw_.ast.inside, "Only within code of this form")
        ->type_name("PATTERN");
    sub->add_option("--has", raw_.ast.has, "Only with code of this form in it")
        ->type_name("PATTERN");
    sub->add_option("--not", raw_.ast.without, "Only without code of this form in it")
        ->type_name("PATTERN");
    sub->add_option("--where", raw_.ast.where, "Only where a hole's text matches: 'NAME=REGEX'")
        ->type_name("HOLE=REGEX")
        ->allow_extra_args(false);
    sub->footer(
        "Holes of a pattern: $A one node, $$$ARGS any number of nodes, $_ one node of any kind.\n"
        "  muster ast search 'console.log($$$)' --lang typescript src\n"
        "  muster ast rewrite 'assert.equal($A, $B)' --to 'assert.strictEqual($A, $B)' -l js\n");
  }

  void add_tools() {
    const char* group = "Set-up";
    auto* agents =
        add(app_, "agents", "The agents, their rights and what they cost", group, [this] {
          return AgentsCommand{raw_.team, raw_.host == "opencode", raw_.json};
        });
    choose(agents->add_option("--team", raw_.team, "squad or classic"), {"squad", "classic"})
        ->type_name("TEAM");
    choose(
        agents->add_option("--host", raw_.host, "opencode: as its plugin registers them, in JSON"),
        {"direct", "opencode"})
        ->type_name("HOST");
    add_json(agents);
    add_json(add(app_, "doctor", "Check this machine and the configuration", group,
                 [this] { return DoctorCommand{raw_.json}; }));
    add_diagnostics();
    add_config(group);
    add(app_, "trust", "Let the project's configuration say what only yours may", group, [this] {
      return TrustCommand{raw_.revoke};
    })->add_flag("--revoke", raw_.revoke, "Take it back");
    add_install(group);
    add_completion(group);
    auto* server = add(app_, "model-server", "A scripted model on 127.0.0.1", group, [this] {
      return ModelServerCommand{raw_.scenario, raw_.port};
    });
    server->add_option("--scenario", raw_.scenario, "What it plays; default: the demo")
        ->type_name("FILE");
    server->add_option("--port", raw_.port, "Default: a free one, which is printed")
        ->check(CLI::Range(0, 65535).description(""))
        ->type_name("N");
    auto* serve =
        add(app_, "serve", "Hold an engine for other programs (control protocol)", group, [this] {
          return ServeCommand{raw_.opencode, raw_.stdio};
        });
    serve->add_flag("--stdio", raw_.stdio, "Connect stdin and stdout with it");
    serve->add_flag("--opencode", raw_.opencode, "Sessions run in the OpenCode that is connected");
  }

  void add_diagnostics() {
    CLI::App* sub = add(app_, "diagnostics", "Ask the language servers what is wrong with files",
                        "Code", nullptr);
    makers_[sub] = [this, sub] {
      DiagnosticsCommand out{raw_.words, raw_.json, raw_.sarif, raw_.trust_workspace, std::nullopt};
      if (sub->get_option("--timeout")->count() > 0)
        out.timeout_ms = parse_duration_ms(raw_.timeout);
      return out;
    };
    sub->add_option("files", raw_.words, "Default: those that changed against HEAD")
        ->type_name("FILE");
    add_json(sub);
    sub->add_flag("--sarif", raw_.sarif, "SARIF 2.1.0 on stdout")
        ->excludes(sub->get_option("--json"));
    sub->add_option("--timeout", raw_.timeout, "For a file: 90s, 2m; default: the configuration's")
        ->check(check_duration)
        ->type_name("TIME");
    sub->add_flag("--trust-workspace", raw_.trust_workspace,
                  "Use servers in node_modules/.bin, run the project's code");
    sub->footer(
        "Exit codes:\n"
        "  0    no errors\n"
        "  1    errors were found\n"
        "  2    wrong usage or configuration\n"
        "  3    no errors were found, but something could not be checked\n");
  }

  void add_install(const char* group) {
    for (const bool install : {true, false}) {
      auto* command = add(
          app_, install ? "install" : "uninstall",
          install ? "Bring muster into another program: opencode" : "Take muster out of it again",
          group, nullptr);
      add(*command, "opencode",
          install ? "Register the plugin in OpenCode's configuration"
                  : "Remove the plugin from OpenCode's configuration",
          "",
          [this, install] {
            return InstallCommand{install, raw_.project};
          })
          ->group("Commands")
          ->add_flag("--project", raw_.project, "This project's opencode.json, not the user's");
    }
  }

  void add_completion(const char* group) {
    auto* completion = add(app_, "completion", "Words for the Tab key: bash, zsh, fish", group,
                           [this] { return CompletionCommand{raw_.shell}; });
    choose(completion->add_option("shell", raw_.shell, "bash, zsh or fish"),
           {"bash", "zsh", "fish"})
        ->type_name("SHELL")
        ->required();
    completion->footer(
        "  bash   muster completion bash >~/.local/share/bash-completion/completions/muster\n"
        "  zsh    muster completion zsh >_muster      (into a folder of $fpath)\n"
        "  fish   muster completion fish >~/.config/fish/completions/muster.fish\n");
    add(app_, "man", "The manual page: muster man | man -l -", group,
        [] { return CompletionCommand{"man"}; });
  }

  void add_config(const char* group) {
    using Action = ConfigCommand::Action;
    auto* config = add(app_, "config", "The configuration", group, nullptr);
    const std::array<std::tuple<const char*, const char*, Action>, 4> actions{
        {{"show", "Every value and where it comes from", Action::show},
         {"edit", "Open your own file in $VISUAL or $EDITOR, and check it", Action::edit},
         {"validate", "Check the files", Action::validate},
         {"schema", "Print the JSON Schema", Action::schema}}};
    for (const auto& [name, text, action] : actions) {
      auto* sub = add(*config, name, text, "", [this, action = action] {
        return ConfigCommand{action, raw_.json};
      });
      sub->group("Commands");
      if (action == Action::show || action == Action::validate) add_json(sub);
    }
  }

  static CLI::App* deepest(CLI::App& app) {
    CLI::App* at = &app;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
    return at;
  }

  static std::string name_of(const CLI::App& app) {
    const CLI::App* parent = app.get_parent();
    return parent == nullptr ? app.get_name() : name_of(*parent) + " " + app.get_name();
  }

  static ParseExit usage(const CLI::App& app, const std::string& message) {
    return {exit_usage, "", "muster: " + message + "\nTry '" + name_of(app) + " --help'.\n"};
  }

  ParseOutcome leave(const CLI::ParseError& error) {
    CLI::App* chosen = deepest(app_);
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      std::ostringstream out;
      std::ostringstream err;
      app_.exit(error, out, err);
      return ParseExit{0, out.str(), err.str()};
    }
    // A mistyped flag is often the reason why something else is missing.
    if (auto unknown = check_extras(*chosen)) return *unknown;
    return usage(*chosen, error.what());
  }

  /// What nobody understood, in the app or above it, as an error with a suggestion.
  static std::optional<ParseExit> check_extras(const CLI::App& chosen) {
    for (const CLI::App* app = &chosen; app != nullptr; app = app->get_parent()) {
      for (std::string extra : app->remaining()) {
        unguard(extra);
        if (extra == "--") continue;
        const bool flag = extra.size() > 1 && extra[0] == '-';
        const std::string name = flag ? extra.substr(0, extra.find('=')) : extra;
        const auto known = flag ? flags_of(*app) : commands_of(*app);
        const char* what = flag             ? "unknown flag"
                           : !known.empty() ? "unknown command"
                                            : "unexpected argument";
        return usage(*app,
                     std::string(what) + " '" + name + "'" + config::did_you_mean(name, known));
      }
    }
    return std::nullopt;
  }

  static std::vector<std::string> flags_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options())
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
  }

  static std::vector<std::string> commands_of(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(sub->get_name());
    return names;
  }

  /// What CLI11 cannot check.
  static ParseOutcome check(const CommandLine& line) {
    const auto blank = [](const std::string& text) {
      return text.find_first_not_of(" \t\r\n") == std::string::npos;
    };
    const auto refuse = [](const std::string& message) {
      return ParseExit{exit_usage, "", "muster: " + message + "\n"};
    };
    if (const auto* mission = std::get_if<MissionCommand>(&line.command)) {
      const bool optional = mission->kind == MissionKind::review;
      if (!optional && !mission->objective_from_stdin && blank(mission->objective))
        return refuse("the objective is empty");
    }
    if (const auto* answer = std::get_if<AnswerCommand>(&line.command))
      if (blank(answer->text)) return refuse("the answer is empty");
    if (const auto* tell = std::get_if<TellCommand>(&line.command))
      if (blank(tell->text)) return refuse("there is nothing to tell");
    return line;
  }

  CLI::App app_;
  Raw raw_;
  CommandLine line_;
  std::map<const CLI::App*, Maker> makers_;
  std::map<const CLI::Option*, std::vector<std::string>> choices_;
};

}  // namespace

ParseOutcome parse(const std::vector<std::string>& args) { return Builder().run(args); }

CommandHelp help_tree() { return Builder().help(); }

std::string help_footer() { return std::string(examples) + exit_codes; }

std::string_view no_model_message() {
  return "No model is set: use --model provider/model (e.g. ollama/qwen3-coder), MUSTER_MODEL, or "
         "\"model\" in ~/.config/muster/config.json.\n"
         "To watch a mission without one: muster demo\n";
}

}  // namespace muster::cli
