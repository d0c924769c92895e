#include "runtime/core/saved_session.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "runtime/core/effect_ledger.hpp"
#include "runtime/core/json_read.hpp"

namespace muster {
namespace {

using nlohmann::json;

/// An edit of a definition, which cannot be told from the file to have been made.
bool has_symbol(const std::string& arguments) {
  const auto parsed = json::parse(arguments, nullptr, false);
  return !json_text(parsed, "symbol").empty();
}

/// What the journal knows of one call's effect.
struct Effect {
  std::string kind;  ///< the effect's class: "N" or "C"
  std::string outcome;
};

class Reader {
 public:
  Result<SavedSession> read(const SessionRecords& records) {
    for (const auto& row : records.effects) effect(json::parse(row, nullptr, false));
    for (const auto& message : records.messages)
      if (auto taken = take(message); !taken) return taken.error();
    for (auto& call : last_calls_) {
      if (answered_.contains(call.id)) continue;
      saved_.open_calls.push_back(open_call(std::move(call)));
    }
    return std::move(saved_);
  }

 private:
  void effect(const json& row) {
    if (!row.is_object()) return;
    auto& known = effects_[{row.value("turn", 0), json_text(row, "call")}];
    known.kind = json_text(row, "class");
    if (known.kind == "N" && row.contains("command")) ++saved_.jobs;
    if (row.contains("exit")) known.outcome = command_outcome(row);
  }

  Status take(const SessionRecords::Message& message) {
    auto parsed = json::parse(message.body, nullptr, false);
    if (!parsed.is_object())
      return Error{ErrorCode::corrupt, "a message of the transcript is no JSON object"};
    auto row = json::parse(message.row, nullptr, false);
    if (row.is_object() && row.contains("prompt")) saved_.prompts.insert(json_text(row, "prompt"));
    auto role = json_text(parsed, "role");
    SavedMessage out{std::make_shared<const std::string>(message.body), std::nullopt};
    saved_.ends_with_text = false;
    if (role == "system") begin();
    if (role == "assistant") assistant(parsed);
    if (role == "tool") out.answers = answered(json_text(parsed, "tool_call_id"));
    saved_.messages.push_back(std::move(out));
    return ok_status();
  }

  /// A session that was begun anew: what was said before is not part of it.
  void begin() {
    saved_.messages.clear();
    saved_.steps = 0;
    last_calls_.clear();
    answered_.clear();
  }

  void assistant(const json& message) {
    ++saved_.steps;
    last_calls_.clear();
    answered_.clear();
    auto calls = message.find("tool_calls");
    if (calls != message.end() && calls->is_array())
      for (const auto& call : *calls)
        if (call.is_object() && call.contains("function") && call["function"].is_object())
          last_calls_.push_back({json_text(call, "id"), json_text(call["function"], "name"),
                                 json_text(call["function"], "arguments")});
    saved_.ends_with_text = last_calls_.empty();
  }

  std::optional<ToolCall> answered(const std::string& id) {
    answered_.insert(id);
    auto call = std::find_if(last_calls_.begin(), last_calls_.end(),
                             [&](const ToolCall& one) { return one.id == id; });
    if (call == last_calls_.end()) return std::nullopt;
    return *call;
  }

  SavedCall open_call(ToolCall call) const {
    auto known = effects_.find({saved_.steps, call.id});
    if (known != effects_.end()) return {std::move(call), outcome_of(known->second), false};
    const bool by_structure = call.name == "edit" && has_symbol(call.arguments);
    if (call.name == "ast_rewrite" || call.name == "rename" || by_structure)
      return {std::move(call),
              "interrupted: the change may or may not have been made; look before you go on",
              false};
    const bool edit = call.name == "edit";
    return {std::move(call), std::nullopt, edit};
  }

  static std::string outcome_of(const Effect& effect) {
    if (effect.kind == "C") return "done";
    if (!effect.outcome.empty())
      return effect.outcome + " (its output was lost in an interruption)";
    return "interrupted: the command was started, its outcome is unknown; it is not run again by "
           "itself. Look at what it did before you decide.";
  }

  SavedSession saved_;
  std::map<std::pair<int, std::string>, Effect> effects_;  ///< by turn and call
  std::vector<ToolCall> last_calls_;
  std::set<std::string> answered_;
};

}  // namespace

Result<SavedSession> restore_session(const SessionRecords& records) {
  return Reader().read(records);
}

}  // namespace muster
