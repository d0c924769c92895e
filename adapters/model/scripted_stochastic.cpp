#include "adapters/model/scripted_stochastic.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace muster::scripted {
namespace {

using nlohmann::json;

/// splitmix64: small, and the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    auto z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  bool chance(double probability) {
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;
  }
  int up_to(int limit) {
    return limit <= 0 ? 0 : static_cast<int>(next() % (static_cast<std::uint64_t>(limit) + 1));
  }

 private:
  std::uint64_t state_;
};

/// FNV-1a over what identifies a turn.
std::uint64_t seed_of(std::uint64_t seed, const ScriptedRequest& request) {
  auto hash = 0xcbf29ce484222325ULL ^ seed;
  const auto mix = [&hash](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash = (hash ^ 0xff) * 0x100000001b3ULL;
  };
  mix(request.agent);
  mix(request.task);
  mix(std::to_string(request.attempt));
  mix(std::to_string(request.turn));
  return hash;
}

std::string file_name(const std::string& task, int number) {
  std::string name;
  for (const char c : task) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    name += plain ? c : '_';
  }
  return "stochastic/" + (name.empty() ? "task" : name) + "_" + std::to_string(number) + ".txt";
}

std::string file_content(const std::string& task, bool good, Random& random) {
  constexpr std::array words{"parse", "store", "route", "check",
                             "merge", "index", "cache", "write"};
  auto content = "Work of " + task + "\n";
  const int lines = 3 + random.up_to(12);
  for (int i = 0; i < lines; ++i) {
    content += std::to_string(i + 1) + " " + words[random.next() % words.size()] + " " +
               words[random.next() % words.size()] + "\n";
  }
  if (!good) content += std::string(kDefectMarker) + "\n";
  return content;
}

ReplyToolCall call(const ScriptedRequest& request, int index, std::string name, const json& body) {
  auto id =
      "call_" + request.session + "_" + std::to_string(request.turn) + "_" + std::to_string(index);
  return {std::move(id), std::move(name),
          body.dump(-1, ' ', false, json::error_handler_t::replace)};
}

json plan_task(const Stochastic& mode, const std::string& milestone, int number, Random& random) {
  const auto id = milestone + ".T" + std::to_string(number);
  json files = json::array();
  json checks = json::array();
  for (int i = 1; i <= mode.files_per_task; ++i) {
    files.push_back(file_name(id, i));
    checks.push_back({{"check", "exists"}, {"path", file_name(id, i)}});
  }
  json depends = json::array();
  if (number > 1 && random.chance(0.3)) {
    depends.push_back(milestone + ".T" + std::to_string(1 + random.up_to(number - 2)));
  }
  return {{"id", id},
          {"title", "Write part " + std::to_string(number)},
          {"description", "Write the files of part " + std::to_string(number) + "."},
          {"files", files},
          {"depends_on", depends},
          {"acceptance", json::array({"the files exist"})},
          {"verification", checks},
          {"test_exempt_reason", "text files without behaviour"}};
}

/// The one that the engine asks for ("Use ids of milestone M2"); M1 when it names none.
std::string milestone_of(const ScriptedRequest& request) {
  constexpr std::string_view mark = "milestone M";
  const auto at = request.first_content.rfind(mark);
  std::string out = "M";
  auto digit = at == std::string_view::npos ? at : at + mark.size();
  while (digit < request.first_content.size() && out.size() < 7) {
    const char c = request.first_content[digit++];
    if (c < '0' || c > '9') break;
    out += c;
  }
  return out.size() > 1 ? out : "M1";
}

/// A plan; one that went wrong has a task that waits for itself.
json plan(const Stochastic& mode, const std::string& milestone, bool good, Random& random) {
  json tasks = json::array();
  for (int i = 1; i <= mode.tasks; ++i) tasks.push_back(plan_task(mode, milestone, i, random));
  if (!good) tasks.front()["depends_on"].push_back(tasks.front()["id"]);
  json out{{"summary", "A plan of " + std::to_string(mode.tasks) + " parts."}};
  out["tasks"] = std::move(tasks);
  return out;
}

void work(const Stochastic& mode, const ScriptedRequest& request, bool good, Random& random,
          ScriptedReply& reply) {
  json files = json::array();
  for (int i = 1; i <= mode.files_per_task; ++i) files.push_back(file_name(request.task, i));
  if (request.last_tool == "write") {
    const json result{{"summary", "Wrote the files of " + request.task}, {"changed_files", files}};
    reply.tool_calls.push_back(call(request, 1, "submit_result", result));
    return;
  }
  reply.text = "I write the files of " + request.task + ".";
  int index = 0;
  for (const auto& file : files) {
    const json body{{"path", file}, {"content", file_content(request.task, good, random)}};
    reply.tool_calls.push_back(call(request, ++index, "write", body));
  }
}

void review(const ScriptedRequest& request, bool good, ScriptedReply& reply) {
  // In the request's JSON a line of a diff begins behind an escaped line break.
  const auto added = "\\n+" + std::string(kDefectMarker);
  const bool defect = request.body.find(added) != std::string_view::npos;
  json findings = json::array();
  if (defect || !good) {
    findings.push_back({{"file", file_name(request.task, 1)},
                        {"line", 1},
                        {"message", defect ? "the file is marked as defective" : "not convincing"},
                        {"severity", "error"}});
  }
  const bool approve = findings.empty();
  const json verdict{{"verdict", approve ? "approve" : "reject"},
                     {"findings", findings},
                     {"summary", approve ? "All is well." : "See the findings."}};
  reply.tool_calls.push_back(call(request, 1, "submit_verdict", verdict));
}

/// The final tool that the first message asks for: the one that it names last.
std::string_view asked_for(const ScriptedRequest& request) {
  constexpr std::array<std::string_view, 6> names{"submit_plan",    "submit_result",
                                                  "submit_verdict", "submit_triage",
                                                  "request_seal",   "call answer"};
  std::string_view found;
  std::size_t last = 0;
  for (const auto name : names) {
    const auto at = request.first_content.rfind(name);
    if (at == std::string_view::npos || at < last) continue;
    last = at;
    found = name == "call answer" ? "answer" : name;
  }
  return request.tools.empty() || request.offers(found) ? found : std::string_view();
}

/// Which part is played: by what is asked for, else by the final tool on offer, else by the agent's
/// name.
std::string_view part_of(const ScriptedRequest& request) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> parts{{
      {"planner", "submit_plan"},
      {"worker", "submit_result"},
      {"coder", "submit_result"},
      {"fixer", "submit_result"},
      {"reviewer", "submit_verdict"},
      {"master_reviewer", "submit_verdict"},
      {"commander", "submit_triage"},
      {"orchestrator", "submit_triage"},
      {"", "request_seal"},
      {"", "answer"},
      {"searcher", "answer"},
  }};
  if (const auto asked = asked_for(request); !asked.empty()) return asked;
  for (const auto& [agent, tool] : parts) {
    if (request.offers(tool)) return tool;
  }
  for (const auto& [agent, tool] : parts) {
    if (!agent.empty() && agent == request.agent) return tool;
  }
  return {};
}

Pace pace_of(const StochasticRole& role, const Pace& defaults, Random& random) {
  auto pace = defaults;
  pace.latency_ms = role.latency_ms.value_or(pace.latency_ms);
  pace.latency_ms += random.up_to(role.latency_jitter_ms.value_or(0));
  return pace;
}

}  // namespace

std::optional<ScriptedReply> stochastic_reply(const Stochastic& mode, const Pace& defaults,
                                              const ScriptedRequest& request) {
  const auto part = part_of(request);
  if (part.empty()) return std::nullopt;
  const auto found = mode.roles.find(request.agent);
  const auto role = found == mode.roles.end() ? StochasticRole{} : found->second;
  Random random(seed_of(mode.seed, request));
  const bool good = random.chance(role.success);
  ScriptedReply reply;
  reply.pace = pace_of(role, defaults, random);
  if (part == "submit_plan") {
    reply.tool_calls.push_back(
        call(request, 1, "submit_plan", plan(mode, milestone_of(request), good, random)));
  } else if (part == "submit_result") {
    work(mode, request, good, random, reply);
  } else if (part == "submit_verdict") {
    review(request, good, reply);
  } else if (part == "submit_triage") {
    const json triage{{"kind", "large"}, {"reason", "several files"}};
    reply.tool_calls.push_back(call(request, 1, "submit_triage", triage));
  } else if (part == "request_seal") {
    const json seal{{"summary", "All parts are done."}};
    reply.tool_calls.push_back(call(request, 1, "request_seal", seal));
  } else {
    const json answer{{"text", "It is so."}};
    reply.tool_calls.push_back(call(request, 1, "answer", answer));
  }
  return reply;
}

}  // namespace muster::scripted
