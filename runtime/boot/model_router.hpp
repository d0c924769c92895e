#pragma once
// Which host a model call goes to: by the provider of its endpoint.

#include <memory>
#include <utility>

#include "runtime/ports/model.hpp"

namespace muster {

/// The provider of bindings whose sessions run in OpenCode (roster.cpp).
inline constexpr const char* hosted_provider = "opencode-host";

/// Both outlive it.
class ModelRouter final : public ModelPort {
 public:
  ModelRouter(ModelPort& direct, ModelPort& hosted) : direct_(direct), hosted_(hosted) {}

  std::shared_ptr<ModelCall> start(ModelRequest request,
                                   std::function<void(std::string_view)> on_delta,
                                   std::function<void(ModelOutcome)> on_done) override {
    auto& host = request.endpoint.provider == hosted_provider ? hosted_ : direct_;
    return host.start(std::move(request), std::move(on_delta), std::move(on_done));
  }
  void close(const std::string& conversation, std::function<void(Usage)> late) override {
    hosted_.close(conversation, std::move(late));
  }
  void expect(const ModelEndpoint& endpoint, const Conversation& conversation) override {
    if (endpoint.provider == hosted_provider) hosted_.expect(endpoint, conversation);
  }
  void expect_none(const std::string& mission) override { hosted_.expect_none(mission); }

 private:
  ModelPort& direct_;
  ModelPort& hosted_;
};

}  // namespace muster
