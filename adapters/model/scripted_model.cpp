#include "adapters/model/scripted_model.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "adapters/model/scenario_scan.hpp"
#include "adapters/model/scenario_template.hpp"
#include "adapters/model/scripted_stochastic.hpp"

namespace muster::scripted {
namespace {

bool contains_or_empty(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

std::size_t output_bytes(const ScriptedReply& reply) {
  auto bytes = reply.text.size() + reply.reasoning.size();
  for (const auto& call : reply.tool_calls) bytes += call.name.size() + call.arguments.size();
  return bytes;
}

/// Cuts a call's arguments in the middle; there is always one to cut.
void spoil_arguments(ScriptedReply& reply) {
  if (reply.tool_calls.empty()) {
    reply.tool_calls.push_back({"call_spoilt", "read", R"({"path": "src/main.cpp"})"});
  }
  auto& arguments = reply.tool_calls.front().arguments;
  arguments.resize(utf8_prefix(arguments, std::max<std::size_t>(arguments.size() / 2, 1)));
}

void apply_fault(ScriptedReply& reply) {
  if (reply.fault.kind == FaultKind::bad_arguments) spoil_arguments(reply);
  if (reply.fault.kind != FaultKind::empty) return;
  reply.text.clear();
  reply.reasoning.clear();
  reply.tool_calls.clear();
}

/// A scenario's names are the engine's; a host may have others.
void name_as_offered(ScriptedReply& reply, const ScriptedRequest& request) {
  if (request.tool_prefix.empty()) return;
  for (auto& call : reply.tool_calls)
    if (request.offers(call.name)) call.name.insert(0, request.tool_prefix);
}

/// What a rule left open.
void complete(ScriptedReply& reply, const ScriptedRequest& request,
              const std::optional<std::string>& finish_reason, RuleThen::UsageKind usage) {
  apply_fault(reply);
  name_as_offered(reply, request);
  reply.finish_reason = finish_reason.value_or(reply.tool_calls.empty() ? "stop" : "tool_calls");
  if (usage != RuleThen::UsageKind::estimated) return;
  reply.usage =
      ScriptedUsage{estimated_tokens(request.body_bytes), estimated_tokens(output_bytes(reply)), 0};
}

Error gap(const Scenario& scenario, const ScriptedRequest& request) {
  const auto shown = [](const std::string& text) { return text.empty() ? "(none)" : text; };
  auto text = request.last_text();
  text.resize(utf8_prefix(text, 200));
  return Error{ErrorCode::not_found,
               "no rule matches agent=" + shown(request.agent) + " task=" + shown(request.task) +
                   " turn=" + std::to_string(request.turn) +
                   " attempt=" + std::to_string(request.attempt) +
                   " last_tool=" + shown(request.last_tool) + "; the last message begins: " + text,
               scenario.source};
}

}  // namespace

/// What one request's matching has found out; the text is decoded when a rule first asks.
struct ScriptedModel::Match {
  std::optional<std::string> text;
  std::vector<std::string> captures;

  bool find(const RE2& pattern, const ScriptedRequest& request) {
    if (!text) text = request.last_text();
    const auto groups = static_cast<std::size_t>(pattern.NumberOfCapturingGroups()) + 1;
    std::vector<re2::StringPiece> found(groups);
    if (!pattern.Match(*text, 0, text->size(), RE2::UNANCHORED, found.data(),
                       static_cast<int>(groups))) {
      return false;
    }
    captures.clear();
    for (const auto& piece : found) captures.emplace_back(piece.data(), piece.size());
    return true;
  }
};

ScriptedModel::ScriptedModel(Scenario scenario)
    : scenario_(std::move(scenario)), counts_(scenario_.rules.size()) {}

void ScriptedModel::reset() {
  counts_.assign(scenario_.rules.size(), {});
  next_call_id_ = 1;
}

bool ScriptedModel::matches(std::size_t index, const ScriptedRequest& request, Match& match) {
  const auto& when = scenario_.rules[index].when;
  if (!contains_or_empty(when.agents, request.agent)) return false;
  if (!contains_or_empty(when.tasks, request.task)) return false;
  if (!when.turn.holds(request.turn) || !when.attempt.holds(request.attempt)) return false;
  if (when.last_tool && *when.last_tool != request.last_tool) return false;
  if (when.task_matches && !RE2::FullMatch(request.task, *when.task_matches)) return false;
  if (when.text_matches && !match.find(*when.text_matches, request)) return false;
  auto& count = counts_[index];
  ++count.met;
  if (!when.nth.holds(static_cast<std::int64_t>(count.met))) return false;
  const auto& times = scenario_.rules[index].times;
  return !times || count.used < static_cast<std::uint64_t>(*times);
}

ScriptedReply ScriptedModel::render_rule(const Rule& rule, const ScriptedRequest& request,
                                         const Match& match) {
  const TemplateValues values{request, match.captures};
  ScriptedReply reply;
  reply.text = render(rule.then.text, values);
  reply.reasoning = render(rule.then.reasoning, values);
  for (const auto& call : rule.then.tool_calls) {
    ReplyToolCall made{{}, render(call.name, values), render(call.arguments, values)};
    if (call.id_kind == ScriptedToolCall::Id::given) made.id = render(call.id, values);
    if (call.id_kind == ScriptedToolCall::Id::generated) {
      made.id = "call_" + std::to_string(next_call_id_++);
    }
    reply.tool_calls.push_back(std::move(made));
  }
  if (rule.then.usage_kind == RuleThen::UsageKind::given) reply.usage = rule.then.usage;
  reply.pace = rule.then.pace;
  reply.fault = rule.then.fault;
  complete(reply, request, rule.then.finish_reason, rule.then.usage_kind);
  return reply;
}

Result<ScriptedReply> ScriptedModel::reply(const ScriptedRequest& request) {
  Match match;
  for (std::size_t i = 0; i < scenario_.rules.size(); ++i) {
    match.captures.clear();
    if (!matches(i, request, match)) continue;
    ++counts_[i].used;
    return render_rule(scenario_.rules[i], request, match);
  }
  if (scenario_.stochastic) {
    if (auto reply = stochastic_reply(*scenario_.stochastic, scenario_.defaults, request)) {
      complete(*reply, request, std::nullopt, RuleThen::UsageKind::estimated);
      return std::move(*reply);
    }
  }
  return gap(scenario_, request);
}

std::int64_t estimated_tokens(std::size_t bytes) noexcept {
  return static_cast<std::int64_t>((bytes + 3) / 4);
}

}  // namespace muster::scripted
