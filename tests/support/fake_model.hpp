#pragma once
// A model whose answers the test writes: per session a queue of them, or a function of the request.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports/model.hpp"

namespace muster::test {

inline ToolCall tool_call(std::string name,
                          const nlohmann::json& arguments = nlohmann::json::object(),
                          std::string id = "") {
  static int number = 0;
  if (id.empty()) id = "c" + std::to_string(++number);
  return {std::move(id), std::move(name), arguments.dump()};
}

inline ModelOutcome says(std::string text) {
  ModelReply reply;
  reply.text = std::move(text);
  reply.finish_reason = "stop";
  reply.usage = {10, 0, 5, false};
  return reply;
}

inline ModelOutcome calls(std::vector<ToolCall> tools) {
  ModelReply reply;
  reply.tool_calls = std::move(tools);
  reply.finish_reason = "tool_calls";
  reply.usage = {10, 0, 5, false};
  return reply;
}

inline ModelOutcome calls(const std::string& name,
                          const nlohmann::json& arguments = nlohmann::json::object()) {
  return calls({tool_call(name, arguments)});
}

inline ModelOutcome fails(ErrorCode code,
                          std::optional<std::chrono::milliseconds> retry_after = {}) {
  return ModelFailure{{code, "as the test wants it"}, 0, retry_after};
}

/// One request as it came, read back from its JSON.
struct SeenRequest {
  nlohmann::json body;
  std::string model;

  [[nodiscard]] const nlohmann::json& messages() const { return body.at("messages"); }
  /// First line of the first user message: names agent, task and session.
  [[nodiscard]] std::string header() const {
    for (const auto& message : messages())
      if (message.at("role") == "user") {
        auto text = message.at("content").get<std::string>();
        return text.substr(0, text.find('\n'));
      }
    return {};
  }
  /// Content of the last message of that role.
  [[nodiscard]] std::string last(const std::string& role) const {
    std::string out;
    for (const auto& message : messages())
      if (message.at("role") == role && message.at("content").is_string())
        out = message.at("content");
    return out;
  }
  /// Ids of the calls that no tool message answers, or that several do; empty = a transcript as
  /// providers want it.
  [[nodiscard]] std::string unanswered() const {
    std::vector<std::string> open;
    std::string wrong;
    for (const auto& message : messages()) {
      if (message.at("role") == "tool") {
        auto id = message.at("tool_call_id").get<std::string>();
        if (open.empty() || open.front() != id)
          wrong += "answer out of order: " + id + "; ";
        else
          open.erase(open.begin());
        continue;
      }
      for (const auto& id : open) wrong += "no answer: " + id + "; ";
      open.clear();
      for (const auto& call : message.value("tool_calls", nlohmann::json::array()))
        open.push_back(call.at("id"));
    }
    for (const auto& id : open) wrong += "no answer: " + id + "; ";
    return wrong;
  }
};

/// Single-threaded, for virtual time. Answers on the caller's thread at once, when the test says
/// so, or never.
class FakeModel final : public ModelPort {
 public:
  class Call final : public ModelCall {
   public:
    explicit Call(FakeModel& model) : model_(model) {}
    void cancel() override {
      if (!on_done) return;
      ++model_.cancelled;
      answer(fails(ErrorCode::cancelled));
    }
    void answer(ModelOutcome outcome) {
      if (!on_done) return;
      --model_.in_flight;
      std::exchange(on_done, nullptr)(std::move(outcome));
    }
    SeenRequest request;
    std::function<void(ModelOutcome)> on_done;

   private:
    FakeModel& model_;
  };
  /// nullopt = no answer by itself: the call stays open.
  using Script = std::function<std::optional<ModelOutcome>(const SeenRequest&)>;

  std::shared_ptr<ModelCall> start(ModelRequest request, std::function<void(std::string_view)>,
                                   std::function<void(ModelOutcome)> on_done) override {
    auto call = std::make_shared<Call>(*this);
    call->request = {nlohmann::json::parse(request.body), request.endpoint.model};
    call->on_done = std::move(on_done);
    requests.push_back(call->request);
    open.push_back(call);
    most = std::max(most, ++in_flight);
    try {
      if (throws) throw std::runtime_error("a bug in the model port");
      auto outcome = script ? script(call->request) : next();
      if (outcome) call->answer(std::move(*outcome));
    } catch (...) {
      call->answer(fails(ErrorCode::internal));
      throw;
    }
    return call;
  }

  /// Answers the oldest call that is still open.
  void answer(ModelOutcome outcome) {
    for (auto& call : open)
      if (call->on_done) return call->answer(std::move(outcome));
    throw std::logic_error("no call is open");
  }

  Script script;                                  ///< wins over `queue`
  std::deque<std::optional<ModelOutcome>> queue;  ///< one per call; empty = never answered
  std::vector<SeenRequest> requests;
  std::vector<std::shared_ptr<Call>> open;
  int in_flight = 0;
  int most = 0;
  int cancelled = 0;
  bool throws = false;

 private:
  std::optional<ModelOutcome> next() {
    if (queue.empty()) return std::nullopt;
    auto outcome = std::move(queue.front());
    queue.pop_front();
    return outcome;
  }
};

}  // namespace muster::test
