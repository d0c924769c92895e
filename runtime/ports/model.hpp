#pragma once
// Port to language models: one streaming chat completion per call.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/model_types.hpp"

namespace muster {

/// What a call goes on with. A host that keeps conversations itself tells them apart by it; a model
/// that is sent everything each time does not need it.
struct Conversation {
  std::string id;  ///< unique in this process: another actor of a session has another one
  std::string mission;
  std::string agent;  ///< the name of the role's agent, "worker"
  std::string title;  ///< for people: "muster: worker · M1.T2"
};

struct ModelRequest {
  ModelEndpoint endpoint;
  Conversation conversation;
  std::string body;  ///< JSON of the chat completion (see core/chat.hpp)
  std::chrono::milliseconds idle_timeout{
      60000};  ///< no byte for so long = stalled (headers count as bytes)
  std::chrono::milliseconds total_timeout{600000};
  std::chrono::milliseconds connect_timeout{10000};
};

class ModelCall {
 public:
  virtual ~ModelCall() = default;
  /// Ends the call; the callback follows with code cancelled, if it had not been called.
  /// Thread-safe, idempotent.
  virtual void cancel() = 0;
};

class ModelPort {
 public:
  virtual ~ModelPort() = default;
  /// Starts one call. `on_done` is called exactly once, from the I/O thread. `on_delta`, when set,
  /// is called there with each piece of visible text. Thread-safe.
  virtual std::shared_ptr<ModelCall> start(ModelRequest request,
                                           std::function<void(std::string_view)> on_delta,
                                           std::function<void(ModelOutcome)> on_done) = 0;
  /// The conversation is over. `late`, when set, may be called once afterwards, from any thread,
  /// with what it cost beyond what its replies said. Thread-safe.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): who needs it keeps it
  virtual void close(const std::string& conversation, std::function<void(Usage)> late) {
    static_cast<void>(conversation), static_cast<void>(late);
  }
  /// A conversation of this mission, agent and title is likely to come next; its id is not known
  /// yet. A host that has to open something for it may do so while nothing waits for it.
  /// Thread-safe.
  virtual void expect(const ModelEndpoint& endpoint, const Conversation& conversation) {
    static_cast<void>(endpoint), static_cast<void>(conversation);
  }
  /// None of the mission's is expected any more. Thread-safe.
  virtual void expect_none(const std::string& mission) { static_cast<void>(mission); }
};

}  // namespace muster
