#pragma once
// Port to language models: one streaming chat completion per call.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/model_types.hpp"

namespace muster {

struct ModelRequest {
  ModelEndpoint endpoint;
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
};

}  // namespace muster
