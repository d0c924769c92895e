#pragma once
// The command line as a value. Parsing never exits, prints, or looks at the environment.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "adapters/cli/completion.hpp"
#include "config/load.hpp"
#include "runtime/core/events.hpp"

namespace muster::cli {

/// The exit codes that every command uses.
enum ExitCode : int {
  exit_sealed = 0,  ///< sealed, answered, or the command did what it says
  exit_failed = 1,
  exit_usage = 2,  ///< wrong usage or configuration
  exit_needs_user = 3,
  exit_unchecked = 3,  ///< of `diagnostics`: no error, but something could not be checked
  exit_limit = 4,
  exit_interrupted = 130,
};

/// How a mission is shown. Neither: live on a terminal, a line per event elsewhere.
struct ViewOptions {
  bool json = false;
  bool plain = false;
};

/// run | plan | review | fix | search. What is nullopt was not given.
struct MissionCommand {
  MissionKind kind = MissionKind::run;
  std::string objective;
  bool objective_from_stdin = false;  ///< it was "-"
  std::optional<std::string> model;   ///< "provider/model", well-formed
  std::optional<std::string> team;
  std::optional<std::string> approve;
  std::optional<std::string> isolation;
  std::optional<std::string> host;
  std::optional<double> max_cost_usd;
  std::optional<std::int64_t> max_time_ms;
  std::optional<std::int64_t> max_tokens;
  bool dry_run = false;
  ViewOptions view;
};
struct StatusCommand {
  bool json = false;
  bool actors = false;  ///< of the engine itself: what its actors do
};
struct StopCommand {
  bool now = false;  ///< kill instead of letting steps end
};
struct ResumeCommand {
  std::string mission;  ///< empty = the latest
  ViewOptions view;
};
struct AnswerCommand {
  std::string id;
  std::string text;
};
struct TellCommand {
  std::string task;  ///< empty = the mission
  std::string text;
};
struct AttachCommand {
  ViewOptions view;
};
/// diff | apply | undo | discard.
struct ResultCommand {
  enum class Action { diff, apply, undo, discard };
  Action action = Action::diff;
  std::string mission;  ///< empty = the latest
};
struct LogsCommand {
  std::string task;     ///< empty = all
  std::string mission;  ///< empty = the latest
  bool json = false;
};
struct ReportCommand {
  enum class Form { text, json, sarif, junit, html };
  std::string mission;  ///< empty = the latest
  Form form = Form::text;
  std::string output;  ///< a file; empty = stdout
};
struct CompletionCommand {
  std::string form;  ///< bash | zsh | fish | man
};
struct CostCommand {
  std::string mission;  ///< empty = the latest
  bool json = false;
};
struct PsCommand {
  bool json = false;
};
struct TodoCommand {
  bool accept = false;  ///< else drop
  std::string id;
};
struct WaiveCommand {
  std::string check;
};
struct MissionsCommand {
  bool json = false;
};
struct DemoCommand {
  bool keep = false;  ///< leave the demo's repository behind
  bool fast = false;  ///< no pauses for the eye
  ViewOptions view;
};
struct AgentsCommand {
  std::string team;  ///< empty = the configured one
  bool for_opencode =
      false;  ///< agents and tools of all teams, as OpenCode's configuration has them
  bool json = false;
};
/// ast search | rewrite | check: code by its structure.
struct AstCommand {
  enum class Action { search, rewrite, check };
  Action action = Action::search;
  std::string pattern;
  std::string replacement;
  std::string language;  ///< empty = every language that the pattern is valid in
  std::string selector, query, inside, has, without;
  std::vector<std::string> where;  ///< "NAME=REGEX"
  std::vector<std::string> paths;  ///< empty = the workspace
  bool write = false;              ///< rewrite the files instead of showing the difference
  bool summary = false;            ///< a row per language instead of the places
  bool json = false;
};
/// outline FILE...
struct OutlineCommand {
  std::vector<std::string> files;
  bool json = false;
};
/// symbols [NAME]
struct SymbolsCommand {
  std::string name;  ///< empty = all; see SymbolQuery
  std::string kind;
  std::string place;  ///< a file or folder; empty = the workspace
  bool json = false;
};
/// refs NAME
struct RefsCommand {
  std::string name;
  bool json = false;
};
/// map [TEXT]
struct MapCommand {
  std::string text;
  std::int64_t tokens = 2000;
  std::vector<std::string> files;
  bool json = false;
};
/// index
struct IndexCommand {
  bool json = false;
};
struct DoctorCommand {
  bool json = false;
};
struct DiagnosticsCommand {
  std::vector<std::string> files;  ///< empty = those that changed against HEAD
  bool json = false;
  bool sarif = false;
  bool trust_workspace = false;            ///< for this run
  std::optional<std::int64_t> timeout_ms;  ///< for a file
};
struct ConfigCommand {
  enum class Action { show, edit, validate, schema };
  Action action = Action::show;
  bool json = false;
};
struct TrustCommand {
  bool revoke = false;
};
struct ModelServerCommand {
  std::string scenario;  ///< empty = the demo's
  int port = 0;          ///< 0 = any free one, printed
};
struct ServeCommand {
  bool opencode =
      false;  ///< started by OpenCode's plugin: where sessions run, unless it is configured
  bool stdio =
      false;  ///< connect stdin and stdout with the workspace's engine; else be that engine
};
/// install | uninstall. There is one host to install into: OpenCode.
struct InstallCommand {
  bool install = true;
  bool project = false;  ///< the project's configuration instead of the user's
};

using Command =
    std::variant<MissionCommand, StatusCommand, StopCommand, ResumeCommand, AnswerCommand,
                 TellCommand, AttachCommand, ResultCommand, LogsCommand, ReportCommand,
                 TrustCommand, CompletionCommand, CostCommand, PsCommand, TodoCommand, WaiveCommand,
                 MissionsCommand, DemoCommand, AgentsCommand, AstCommand, OutlineCommand,
                 SymbolsCommand, RefsCommand, MapCommand, IndexCommand, DiagnosticsCommand,
                 DoctorCommand, ConfigCommand, ModelServerCommand, ServeCommand, InstallCommand>;

struct CommandLine {
  Command command;
  std::string workspace;  ///< as given; empty = the current folder
  bool verbose = false;   ///< debug log to stderr
};

/// The program is to print this and end: help, version, or a usage error.
struct ParseExit {
  int code = 0;
  std::string out;  ///< for stdout
  std::string err;  ///< for stderr
};

using ParseOutcome = std::variant<CommandLine, ParseExit>;

/// Parses the arguments (without the program's name). A wrong flag or command ends with code 2 and
/// names the likely one.
[[nodiscard]] ParseOutcome parse(const std::vector<std::string>& args);

/// All commands and flags, as `--help` knows them.
[[nodiscard]] CommandHelp help_tree();
/// What stands below the help of the program itself.
[[nodiscard]] std::string help_footer();

/// The configuration layer that the flags make.
[[nodiscard]] std::vector<config::FlagValue> flag_values(const CommandLine& line);

/// "90s", "15m", "1h30m", "250ms", or plain seconds; as milliseconds. Nullopt for anything else.
[[nodiscard]] std::optional<std::int64_t> parse_duration_ms(std::string_view text);

/// The two lines for a user without a model.
[[nodiscard]] std::string_view no_model_message();

}  // namespace muster::cli
