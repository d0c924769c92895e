#include <nlohmann/json.hpp>

#include "actors/session.hpp"
#include "runtime/core/ladder.hpp"

// A session that goes round in circles: its detector sees it, its mission says which rung of the
// ladder it is (core/ladder.hpp), and it goes on with a word of the engine, or ends.

namespace muster {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto request_deadline = 30s;
constexpr auto owner_patience = 5s;  // until the death of a mission is heard of

/// Making them again is how one waits.
bool is_waiting_tool(const std::string& name) {
  return name == "check_background" || name == "list_background" || name == "ask_user";
}

}  // namespace

SeenTurn Session::seen_turn() const {
  SeenTurn turn;
  for (const auto& call : pending_) {
    auto answer = answers_.find(call.id);
    auto result = answer == answers_.end() ? std::string() : answer->second;
    bool reads = is_reading_tool(call.name) || is_code_tool(call.name) ||
                 is_language_reading_tool(call.name) || call.name == "todo_read";
    turn.calls.push_back({call.name, call.arguments, result, result.starts_with("error ("), reads,
                          is_waiting_tool(call.name)});
  }
  return turn;
}

MissionToolCall Session::stuck_call(const StuckSeen& seen) const {
  json what{{"kind", name_of(seen.kind)}, {"detail", seen.detail}, {"progressed", seen.progressed}};
  return {spec_.session, spec_.profile->role, spec_.task, "stuck",
          what.dump(-1, ' ', false, json::error_handler_t::replace)};
}

/// Nothing of it runs meanwhile: the mission's word comes before the next turn.
void Session::ask_what_follows(const StuckSeen& seen) {
  view("stuck", seen.detail);
  auto id = "stuck-" + std::to_string(turn_);
  compat::request(
      self_, owner_, request_deadline,
      [this, id](const std::string& text) {
        if (!text.empty()) prompts_.offer({id, text, true});
        go_on();
      },
      [this](const Error& error) {
        if (error.code != ErrorCode::unavailable) return fail(error);
        owner_gone_ = compat::run_delayed(self_, owner_patience, [this] { go_on(); });
      },
      mission_tool_atom_v, stuck_call(seen));
}

/// A call that failed in a way that people should know of; what follows is the session's own
/// matter.
void Session::tell_stuck(StuckKind kind, const Error& error) {
  compat::post(owner_, mission_tool_atom_v, stuck_call({kind, error.text(), false}));
}

void Session::go_on() {
  if (finished_) return;
  if (holds_slot_) return next_turn();
  acquire();
}

}  // namespace muster
