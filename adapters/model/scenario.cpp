#include "adapters/model/scenario.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "adapters/model/scenario_reader.hpp"
#include "adapters/model/scenario_template.hpp"

namespace muster::scripted {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxScenarioBytes = 16 * 1024 * 1024;
constexpr std::int64_t kMaxMs = 24 * 60 * 60 * 1000;
constexpr std::int64_t kMaxCount = 1'000'000'000;

constexpr std::array<std::pair<FaultKind, std::string_view>, 11> kFaultNames{{
    {FaultKind::none, "none"},
    {FaultKind::status, "status"},
    {FaultKind::hang_before_headers, "hang_before_headers"},
    {FaultKind::hang_mid_stream, "hang_mid_stream"},
    {FaultKind::drop_before_headers, "drop_before_headers"},
    {FaultKind::drop_mid_stream, "drop_mid_stream"},
    {FaultKind::malformed_json, "malformed_json"},
    {FaultKind::bad_arguments, "bad_arguments"},
    {FaultKind::empty, "empty"},
    {FaultKind::html, "html"},
    {FaultKind::no_finish, "no_finish"},
}};

int small(const Node& node, std::int64_t min, std::int64_t max) {
  return static_cast<int>(node.integer(min, max));
}

std::shared_ptr<const re2::RE2> read_pattern(const Node& node) {
  RE2::Options options;
  options.set_log_errors(false);
  auto pattern = std::make_shared<RE2>(node.string(), options);
  if (!pattern->ok()) node.fail("not a regular expression (RE2): " + pattern->error());
  return pattern;
}

IntCondition read_int_condition(const Node& node) {
  IntCondition condition;
  if (node.json().is_number()) {
    condition.any.push_back(node.integer(0, kMaxCount));
  } else if (node.json().is_array()) {
    for (const auto& item : node.items()) condition.any.push_back(item.integer(0, kMaxCount));
    if (condition.any.empty()) node.fail("an empty list never matches");
  } else if (node.json().is_object()) {
    ObjectReader object(node);
    if (const auto min = object.find("min")) condition.min = min->integer(0, kMaxCount);
    if (const auto max = object.find("max")) condition.max = max->integer(0, kMaxCount);
    object.finish();
  } else {
    node.fail("must be a number, a list of numbers, or {\"min\":..., \"max\":...}");
  }
  return condition;
}

RuleWhen read_when(const Node& node) {
  RuleWhen when;
  ObjectReader object(node);
  if (const auto at = object.find("agent")) when.agents = at->strings();
  if (const auto at = object.find("task")) when.tasks = at->strings();
  if (const auto at = object.find("task_matches")) when.task_matches = read_pattern(*at);
  if (const auto at = object.find("turn")) when.turn = read_int_condition(*at);
  if (const auto at = object.find("attempt")) when.attempt = read_int_condition(*at);
  if (const auto at = object.find("last_tool")) when.last_tool = at->string();
  if (const auto at = object.find("text_matches")) when.text_matches = read_pattern(*at);
  if (const auto at = object.find("nth")) when.nth = read_int_condition(*at);
  object.finish();
  return when;
}

/// How many groups a rule's templates may name.
struct TemplateScope {
  int captures = 0;
};

Template read_template(const Node& node, const TemplateScope& scope) {
  auto made = compile_template(node.string(), false, scope.captures);
  if (!made) node.fail(made.error().message);
  return *made;
}

ScriptedToolCall read_tool_call(const Node& node, const TemplateScope& scope) {
  ScriptedToolCall call;
  ObjectReader object(node);
  call.name = read_template(object.require("name"), scope);
  const auto arguments = object.find("arguments");
  const auto raw = object.find("raw_arguments");
  if (arguments && raw) node.fail("give arguments or raw_arguments, not both");
  if (raw) {
    call.arguments = read_template(*raw, scope);
  } else {
    const auto text = arguments ? arguments->json().dump() : "{}";
    auto made = compile_template(text, true, scope.captures);
    if (!made) arguments->fail(made.error().message);
    call.arguments = *made;
  }
  if (const auto id = object.find("id")) {
    call.id_kind = id->is_null() ? ScriptedToolCall::Id::omitted : ScriptedToolCall::Id::given;
    if (!id->is_null()) call.id = read_template(*id, scope);
  }
  object.finish();
  return call;
}

ScriptedUsage read_usage(const Node& node) {
  ScriptedUsage usage;
  ObjectReader object(node);
  usage.prompt_tokens = object.require("prompt_tokens").integer(0, kMaxCount);
  usage.completion_tokens = object.require("completion_tokens").integer(0, kMaxCount);
  if (const auto at = object.find("cached_tokens")) usage.cached_tokens = at->integer(0, kMaxCount);
  object.finish();
  return usage;
}

FaultKind read_fault_kind(const Node& node) {
  for (const auto& [kind, name] : kFaultNames) {
    if (kind != FaultKind::none && name == node.string()) return kind;
  }
  std::string names;
  for (const auto& [kind, name] : kFaultNames) {
    if (kind == FaultKind::none) continue;
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  node.fail("unknown fault '" + node.string() + "' (known: " + names + ")");
}

/// {"kind":...} or just the kind's name.
Fault read_fault(const Node& node) {
  Fault fault;
  if (node.json().is_string()) {
    fault.kind = read_fault_kind(node);
    if (fault.kind == FaultKind::status) node.fail("a status fault needs its status");
    return fault;
  }
  ObjectReader object(node);
  fault.kind = read_fault_kind(object.require("kind"));
  const bool page = fault.kind == FaultKind::html;
  if (fault.kind == FaultKind::status || page) {
    const auto status = page ? object.find("status") : object.require("status");
    if (status) fault.status = small(*status, 200, 599);
    if (const auto at = object.find("body")) {
      fault.body = at->json().is_string() ? at->string() : at->json().dump();
    }
    if (const auto at = object.find("headers")) {
      if (!at->json().is_object()) at->fail("must be an object of strings");
      ObjectReader headers(*at);
      for (const auto& [name, value] : at->json().items()) {
        fault.headers.emplace_back(name, headers.require(name.c_str()).string());
      }
    }
  }
  object.finish();
  return fault;
}

void read_pace(ObjectReader& object, Pace& pace) {
  if (const auto at = object.find("latency_ms")) pace.latency_ms = small(*at, 0, kMaxMs);
  if (const auto at = object.find("token_delay_ms")) pace.token_delay_ms = small(*at, 0, kMaxMs);
  if (const auto at = object.find("chunk_chars")) pace.chunk_chars = small(*at, 1, kMaxCount);
}

RuleThen read_then(const Node& node, const TemplateScope& scope, const Pace& defaults) {
  RuleThen then;
  then.pace = defaults;
  ObjectReader object(node);
  if (const auto at = object.find("text")) then.text = read_template(*at, scope);
  if (const auto at = object.find("reasoning")) then.reasoning = read_template(*at, scope);
  if (const auto at = object.find("tool_calls")) {
    for (const auto& call : at->items()) then.tool_calls.push_back(read_tool_call(call, scope));
  }
  if (const auto at = object.find("usage")) {
    then.usage_kind = at->is_null() ? RuleThen::UsageKind::omitted : RuleThen::UsageKind::given;
    if (!at->is_null()) then.usage = read_usage(*at);
  }
  if (const auto at = object.find("finish_reason")) then.finish_reason = at->string();
  if (const auto at = object.find("fault")) then.fault = read_fault(*at);
  read_pace(object, then.pace);
  object.finish();
  if (node.json().empty()) node.fail("says nothing: give text, tool_calls or a fault");
  return then;
}

Rule read_rule(const Node& node, const Pace& defaults) {
  Rule rule;
  ObjectReader object(node);
  object.find("note");
  if (const auto at = object.find("when")) rule.when = read_when(*at);
  TemplateScope scope;
  if (rule.when.text_matches) scope.captures = rule.when.text_matches->NumberOfCapturingGroups();
  rule.then = read_then(object.require("then"), scope, defaults);
  const auto once = object.find("once");
  const auto times = object.find("times");
  if (once && times) node.fail("give once or times, not both");
  if (once && once->boolean()) rule.times = 1;
  if (times) rule.times = times->integer(1, kMaxCount);
  object.finish();
  return rule;
}

StochasticRole read_role(const Node& node) {
  StochasticRole role;
  ObjectReader object(node);
  if (const auto at = object.find("success")) role.success = at->number(0, 1);
  if (const auto at = object.find("latency_ms")) role.latency_ms = small(*at, 0, kMaxMs);
  if (const auto at = object.find("latency_jitter_ms")) {
    role.latency_jitter_ms = small(*at, 0, kMaxMs);
  }
  object.finish();
  return role;
}

Stochastic read_stochastic(const Node& node) {
  Stochastic mode;
  ObjectReader object(node);
  object.find("note");
  if (const auto at = object.find("seed")) {
    mode.seed = static_cast<std::uint64_t>(at->integer(0, INT64_MAX));
  }
  if (const auto at = object.find("tasks")) mode.tasks = small(*at, 1, 1000);
  if (const auto at = object.find("files_per_task")) mode.files_per_task = small(*at, 1, 3);
  if (const auto at = object.find("roles")) {
    if (!at->json().is_object()) at->fail("must be an object: role -> {\"success\": ...}");
    ObjectReader roles(*at);
    for (const auto& [name, value] : at->json().items()) {
      mode.roles[name] = read_role(roles.require(name.c_str()));
    }
  }
  object.finish();
  return mode;
}

Scenario read_scenario(const Node& root, std::string_view text) {
  Scenario scenario;
  ObjectReader object(root);
  object.find("note");
  if (const auto at = object.find("name")) scenario.name = at->string();
  if (const auto at = object.find("defaults")) {
    ObjectReader defaults(*at);
    read_pace(defaults, scenario.defaults);
    defaults.finish();
  }
  if (const auto at = object.find("rules")) {
    for (const auto& rule : at->items()) {
      scenario.rules.push_back(read_rule(rule, scenario.defaults));
      scenario.rules.back().line = line_of(text, offset_of(text, rule.path()));
    }
  }
  if (const auto at = object.find("stochastic")) scenario.stochastic = read_stochastic(*at);
  object.finish();
  if (scenario.rules.empty() && !scenario.stochastic) {
    root.fail("has neither rules nor stochastic: it would answer nothing");
  }
  return scenario;
}

Error located(std::string_view text, const std::string& source, std::size_t offset,
              std::string message) {
  return Error{ErrorCode::invalid_argument, std::move(message),
               source + ":" + std::to_string(line_of(text, offset))};
}

/// nlohmann's "[json.exception...] parse error at line 3, column 5: syntax error ..." without its
/// head.
std::string plain_reason(std::string_view what) {
  const auto column = what.find("column ");
  const auto colon = column == std::string_view::npos ? column : what.find(": ", column);
  return "not valid JSON: " +
         std::string(colon == std::string_view::npos ? what : what.substr(colon + 2));
}

}  // namespace

std::string_view to_string(FaultKind kind) noexcept {
  for (const auto& [known, name] : kFaultNames) {
    if (known == kind) return name;
  }
  return "none";
}

bool IntCondition::holds(std::int64_t value) const noexcept {
  if (!any.empty() && std::find(any.begin(), any.end(), value) == any.end()) return false;
  return (!min || value >= *min) && (!max || value <= *max);
}

Result<Scenario> parse_scenario(std::string_view text, std::string source) {
  try {
    const auto root = json::parse(text);
    auto scenario = read_scenario(Node(root, {}), text);
    scenario.source = std::move(source);
    return scenario;
  } catch (const json::parse_error& error) {
    return located(text, source, error.byte > 0 ? error.byte - 1 : 0, plain_reason(error.what()));
  } catch (const ReadError& error) {
    return located(text, source, offset_of(text, error.path),
                   path_text(error.path) + ": " + error.message);
  } catch (const json::exception& error) {
    return Error{ErrorCode::invalid_argument, error.what(), source};
  }
}

Result<Scenario> load_scenario(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return Error{ErrorCode::not_found, "cannot open the scenario", path};
  const auto size = static_cast<std::int64_t>(file.tellg());
  if (size > kMaxScenarioBytes) return Error{ErrorCode::limit_reached, "is over 16 MiB", path};
  std::string text(static_cast<std::size_t>(std::max<std::int64_t>(size, 0)), '\0');
  file.seekg(0);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (size < 0 || !file) return Error{ErrorCode::io_error, "cannot read the scenario", path};
  return parse_scenario(text, path);
}

}  // namespace muster::scripted
