#include "adapters/model/model_server_stats.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace muster::scripted {
namespace {

/// Names beyond this many share one row: a client chooses them.
constexpr std::size_t kMaxRows = 20000;
constexpr const char* kOthers = "(others)";

nlohmann::json table_json(const auto& table) {
  auto out = nlohmann::json::object();
  for (const auto& [name, counts] : table) out[name] = counts.json();
  return out;
}

}  // namespace

void ServerStats::Counts::enter() {
  ++calls;
  max_in_flight = std::max(max_in_flight, ++in_flight);
}

void ServerStats::Counts::add(const ScriptedUsage& usage) {
  prompt_tokens += usage.prompt_tokens;
  cached_tokens += usage.cached_tokens;
  completion_tokens += usage.completion_tokens;
}

nlohmann::json ServerStats::Counts::json() const {
  return {
      {"calls", calls},
      {"in_flight", in_flight},
      {"max_in_flight", max_in_flight},
      {"tokens",
       {{"prompt", prompt_tokens}, {"cached", cached_tokens}, {"completion", completion_tokens}}}};
}

ServerStats::Counts& ServerStats::row(Table& table, const std::string& name) {
  const auto found = table.find(name);
  if (found != table.end()) return found->second;
  return table[table.size() < kMaxRows ? name : kOthers];
}

ServerStats::Ticket ServerStats::begin(const ScriptedRequest& request, std::int64_t now_ms) {
  if (all_.calls == 0) first_call_ms_ = now_ms;
  last_call_ms_ = now_ms;
  all_.enter();
  const Ticket ticket{&row(agents_, request.agent), &row(tasks_, request.task)};
  ticket.agent->enter();
  ticket.task->enter();
  return ticket;
}

void ServerStats::tokens(const Ticket& ticket, const ScriptedUsage& usage) {
  all_.add(usage);
  ticket.agent->add(usage);
  ticket.task->add(usage);
}

void ServerStats::fault(FaultKind kind) { ++faults_[std::string(to_string(kind))]; }

void ServerStats::error(int status) { ++errors_[status]; }

void ServerStats::client_left() { ++clients_left_; }

void ServerStats::end(const Ticket& ticket) {
  --all_.in_flight;
  --ticket.agent->in_flight;
  --ticket.task->in_flight;
}

void ServerStats::reset() {
  const auto renew = [](Counts& counts) {
    Counts fresh;
    fresh.in_flight = counts.in_flight;
    fresh.max_in_flight = counts.in_flight;
    counts = fresh;
  };
  const auto renew_table = [&](Table& table) {
    std::erase_if(table, [](const auto& entry) { return entry.second.in_flight == 0; });
    for (auto& [name, counts] : table) renew(counts);
  };
  renew(all_);
  renew_table(agents_);
  renew_table(tasks_);
  errors_.clear();
  faults_.clear();
  clients_left_ = 0;
  first_call_ms_ = 0;
  last_call_ms_ = 0;
}

nlohmann::json ServerStats::json(const ScriptedModel& model) const {
  auto out = all_.json();
  out["scenario"] = model.scenario().name;
  out["agents"] = table_json(agents_);
  out["tasks"] = table_json(tasks_);
  auto& errors = out["errors"] = nlohmann::json::object();
  for (const auto& [status, count] : errors_) errors[std::to_string(status)] = count;
  out["faults"] = faults_;
  out["clients_left"] = clients_left_;
  out["first_call_ms"] = first_call_ms_;
  out["last_call_ms"] = last_call_ms_;
  auto& rules = out["rules"] = nlohmann::json::array();
  for (std::size_t i = 0; i < model.counts().size(); ++i) {
    const auto& count = model.counts()[i];
    rules.push_back(
        {{"line", model.scenario().rules[i].line}, {"met", count.met}, {"used", count.used}});
  }
  return out;
}

}  // namespace muster::scripted
