#pragma once
// A model that is an agent's session in OpenCode. OpenCode keeps the conversation and asks its own
// provider; the engine carries out the tool calls, as it does for every other model
// (docs/adr/0014).

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "adapters/io/io_loop.hpp"
#include "adapters/opencode/host_link.hpp"
#include "runtime/core/hosted_turn.hpp"
#include "runtime/ports/model.hpp"

namespace muster::opencode {

/// Where a mission's sessions belong, and who plays its agents.
struct MissionPlace {
  std::string session;  ///< their parent; empty = they have none
  std::string model;    ///< "provider/model"; empty = OpenCode's default
};

/// Thread-safe. The IoLoop and the link must outlive it.
class HostedModel final : public ModelPort {
 public:
  HostedModel(IoLoop& loop, HostLink& link);
  ~HostedModel() override;
  HostedModel(const HostedModel&) = delete;
  HostedModel& operator=(const HostedModel&) = delete;

  /// Where the next sessions of this mission go. The endpoint's own model, when it has one, wins.
  void place(const std::string& mission, MissionPlace place);

  /// How the mission stands, in words: its sessions are told in their system prompts, each when it
  /// begins and when it has been compacted.
  void tell_state(std::string text);

  std::shared_ptr<ModelCall> start(ModelRequest request,
                                   std::function<void(std::string_view)> on_delta,
                                   std::function<void(ModelOutcome)> on_done) override;
  void close(const std::string& conversation, std::function<void(Usage)> late) override;

  /// Opens its session as soon as no other is beginning.
  void expect(const ModelEndpoint& endpoint, const Conversation& conversation) override;
  /// Its sessions that nobody came for are deleted.
  void expect_none(const std::string& mission) override;

  /// A tool call of a session's model. `answer` is called once, with the result for the model or
  /// with an error (not_found: no session of ours).
  void on_tool(const std::string& session, ToolCall call,
               std::function<void(Result<std::string>)> answer);
  /// What the plugin saw in a session; docs/opencode.md has the types. Unknown ones and those of
  /// other sessions are passed over.
  void on_event(const nlohmann::json& event);

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

/// How OpenCode's word for a failure ({name, message, status?, body?}) counts here. Pure.
[[nodiscard]] ModelFailure host_failure(const nlohmann::json& error);

}  // namespace muster::opencode
