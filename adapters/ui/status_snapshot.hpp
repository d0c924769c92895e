#pragma once
// Where a mission stands, as the `status` request answers it and the views show it.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::ui {

/// Text members come from models and files: they are escaped where they are shown, not here.
struct StatusSnapshot {
  struct Task {
    std::string id;
    std::string title;
    std::string stage;
    int attempt = 0;
    int round = 0;
    std::vector<std::string> files;
    std::string reason;  ///< why failed, skipped, dropped or parked
  };
  struct Agent {
    std::string session;
    std::string role;
    std::string task;
    std::string state;  ///< waiting_slot | waiting_model | tool_running | awaiting_human | retrying
    std::string doing;
    std::int64_t since_ms = 0;  ///< wall clock
    std::int64_t input_tokens = 0;
    std::int64_t output_tokens = 0;
  };
  struct Question {
    std::string id;
    std::string task;
    std::string text;
  };
  struct Lane {
    std::string name;
    std::int64_t in_use = 0;
    std::optional<std::int64_t> limit;            ///< nullopt = unlimited
    std::optional<std::int64_t> paused_until_ms;  ///< wall clock
    std::string breaker = "closed";
    std::int64_t waiting = 0;    ///< agents, for a slot
    std::int64_t held_back = 0;  ///< calls, until the lane goes on
  };
  struct Slots {
    std::int64_t in_use = 0;
    std::optional<std::int64_t> limit;  ///< nullopt = unlimited
    std::int64_t waiting = 0;
  };
  struct Job {
    std::string id;
    std::string command;
    std::string task;
    std::string state;  ///< queued | running | stopping
    std::int64_t running_ms = 0;
    std::string kind;  ///< shell | verification | background | engine
  };

  std::string mission;
  std::string objective;
  std::string phase;
  int iteration = 0;
  std::vector<Task> tasks;
  std::vector<Agent> agents;
  std::int64_t todo_done = 0;
  std::int64_t todo_total = 0;
  std::vector<Question> questions;
  std::int64_t issues_open = 0;
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  double cost_usd = 0;
  std::int64_t elapsed_ms = 0;
  std::vector<std::string> limits_hit;
  Slots slots;
  std::vector<Lane> lanes;
  std::vector<Job> jobs;
};

[[nodiscard]] nlohmann::json to_json(const StatusSnapshot& status);
/// Members that are missing keep their defaults, unknown ones are ignored; a wrong type is an error
/// (malformed).
Result<StatusSnapshot> status_from_json(const nlohmann::json& in);

}  // namespace muster::ui
