#pragma once
// What a role is made of, resolved from config at start: prompt, tools, rights, and the models that
// may play it.

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/core/chat.hpp"
#include "runtime/core/model_types.hpp"

namespace muster {

/// One model that may play a role: where it is, how it is asked, what it costs.
struct ModelBinding {
  ModelEndpoint endpoint;
  std::string lane;  ///< provider/model: the scheduler's key
  ChatParams params;
  std::int64_t context_window = 128000;  ///< tokens
  double input_price = 0;                ///< USD per million tokens
  double output_price = 0;
  bool sends_reasoning = false;  ///< the provider wants reasoning_content back
};

/// Which commands a role may run.
enum class RunRight { none, verification, all };

struct AgentProfile {
  std::string role;   ///< "worker" ...
  std::string agent;  ///< who plays it: "coder" ...
  std::string system_prompt;
  ChatFragment tools;                ///< the JSON array, serialised once
  std::set<std::string> tool_names;  ///< all that it may call, the final ones included
  std::set<std::string> final_tools;
  bool writes = false;
  RunRight runs = RunRight::none;
  std::vector<ModelBinding> models;  ///< first choice first; the rest are fallbacks
};

/// What a conversation is called for people.
[[nodiscard]] inline std::string conversation_title(const std::string& role,
                                                    const std::string& task) {
  return "muster: " + role + (task.empty() ? "" : " · " + task);
}

/// Role -> profile.
using Roster = std::map<std::string, std::shared_ptr<const AgentProfile>>;

}  // namespace muster
