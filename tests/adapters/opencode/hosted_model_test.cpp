#include "adapters/opencode/hosted_model.hpp"

#include <catch2/catch_test_macros.hpp>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>

#include "adapters/opencode/hosted_prompt.hpp"

using namespace muster;
using namespace muster::opencode;
using namespace std::chrono_literals;
using nlohmann::json;

namespace {

constexpr auto patience = 20s;

/// A plugin that keeps what it is asked.
class FakePlugin {
 public:
  explicit FakePlugin(HostLink& link) : link_(link) {
    link.attach([this](json params) {
      std::lock_guard lock(mutex_);
      asked_.push_back(std::move(params));
      came_.notify_all();
    });
  }

  /// The next ask, which must be this.
  json next(const std::string& what) {
    std::unique_lock lock(mutex_);
    REQUIRE(came_.wait_for(lock, patience, [&] { return !asked_.empty(); }));
    auto out = std::move(asked_.front());
    asked_.pop_front();
    INFO(out.dump());
    REQUIRE(out["do"] == what);
    return out;
  }
  void answer(const json& ask, json result = json::object()) {
    REQUIRE(link_.answer(ask["id"].get<std::uint64_t>(), std::move(result)));
  }

 private:
  HostLink& link_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<json> asked_;
};

struct Fixture {
  IoLoop loop;
  HostLink link{loop};
  HostedModel model{loop, link};
  FakePlugin plugin{link};
  json messages = json::array({{{"role", "system"}, {"content", "You are a worker."}},
                               {{"role", "user"}, {"content", "change it"}}});

  std::future<ModelOutcome> call(std::chrono::milliseconds idle = 60s) {
    ModelRequest request;
    request.conversation = {"S1@7", "M", "worker", "muster: worker · M1.T1"};
    request.body = json{{"messages", messages}}.dump();
    request.idle_timeout = idle;
    auto promise = std::make_shared<std::promise<ModelOutcome>>();
    auto future = promise->get_future();
    (void)model.start(std::move(request), {},
                      [promise](ModelOutcome outcome) { promise->set_value(std::move(outcome)); });
    return future;
  }
  /// The same, up to the prompt that follows it.
  std::future<ModelOutcome> begin() {
    auto future = call();
    prompt = plugin.next("open");
    plugin.answer(prompt, {{"session", "ses_1"}});
    return future;
  }
  static ModelOutcome get(std::future<ModelOutcome>& future) {
    REQUIRE(future.wait_for(patience) == std::future_status::ready);
    return future.get();
  }
  void tell(json event) {
    event["session"] = "ses_1";
    model.on_event(event);
  }
  json prompt;
};

}  // namespace

TEST_CASE(
    "a conversation is a session: opened, prompted, its tool calls answered by what follows") {
  Fixture it;
  it.model.place("M", {"ses_parent", "scripted/m1"});
  auto first = it.call();
  const auto open = it.plugin.next("open");
  CHECK(open["title"] == "muster: worker · M1.T1");
  CHECK(open["parent"] == "ses_parent");
  CHECK(open["agent"] == "muster-worker");
  CHECK(open["model"] == "scripted/m1");
  CHECK(open["text"] == "change it");
  CHECK(open["context"].get<std::string>().find("muster: worker · M1.T1") != std::string::npos);
  it.plugin.answer(open, {{"session", "ses_1"}});

  std::promise<Result<std::string>> answered;
  it.model.on_tool("ses_1", {"c1", "edit", R"({"path":"a"})"},
                   [&](Result<std::string> text) { answered.set_value(std::move(text)); });
  const auto reply = std::get<ModelReply>(Fixture::get(first));
  REQUIRE(reply.tool_calls.size() == 1);
  CHECK(reply.tool_calls[0].name == "edit");

  it.messages.push_back({{"role", "assistant"}, {"content", ""}});
  it.messages.push_back({{"role", "tool"}, {"tool_call_id", "c1"}, {"content", "edited"}});
  it.messages.push_back({{"role", "user"}, {"content", "and mind the comma"}});
  auto second = it.call();
  const auto result = answered.get_future().get();
  REQUIRE(result.ok());
  CHECK(*result == "edited\n\nand mind the comma\n");
  it.tell({{"type", "step"},
           {"message", "m1"},
           {"finish", "tool-calls"},
           {"tokens", {{"input", 100}, {"output", 5}, {"cache", {{"read", 20}}}}},
           {"cost", 0.01}});
  it.tell({{"type", "idle"}, {"message", "m2"}, {"prompt", open["prompt"]}, {"text", "done"}});
  const auto end = std::get<ModelReply>(Fixture::get(second));
  CHECK(end.text == "done");
  CHECK(end.usage.input_tokens == 120);
  CHECK(end.usage.cached_input_tokens == 20);
  CHECK(end.usage.cost_usd == 0.01);
}

TEST_CASE("OpenCode's own retry is taken over: aborted, and the wait is the lane's") {
  Fixture it;
  auto call = it.begin();
  it.tell({{"type", "retry"}, {"message", "Too Many Requests"}, {"next", 4102444800000}});
  const auto failure = std::get<ModelFailure>(Fixture::get(call));
  CHECK(failure.error.code == ErrorCode::rate_limited);
  CHECK(failure.retry_after > 1h);
  it.plugin.answer(it.plugin.next("abort"));
  auto again = it.call();
  CHECK(it.plugin.next("prompt")["text"] == "<muster-notice>Go on.</muster-notice>");
}

TEST_CASE("a session that says nothing is aborted; one whose idleness got lost is found") {
  Fixture it;
  auto future = it.call(600ms);
  auto prompt = it.plugin.next("open");
  it.plugin.answer(prompt, {{"session", "ses_1"}});
  SECTION("silent") {
    auto look = it.plugin.next("look");
    it.plugin.answer(look);
    CHECK(std::get<ModelFailure>(Fixture::get(future)).error.code == ErrorCode::stalled);
  }
  SECTION("lost") {
    auto look = it.plugin.next("look");
    it.plugin.answer(look, {{"type", "idle"},
                            {"session", "ses_1"},
                            {"message", "m1"},
                            {"prompt", prompt["prompt"]},
                            {"text", "found"}});
    CHECK(std::get<ModelReply>(Fixture::get(future)).text == "found");
  }
}

TEST_CASE("after a lost connection the conversation goes on in a new session, with all of it") {
  Fixture it;
  auto future = it.begin();
  it.link.detach();
  CHECK(std::get<ModelFailure>(Fixture::get(future)).error.code == ErrorCode::network);
  auto nobody = it.call();
  CHECK(std::get<ModelFailure>(Fixture::get(nobody)).error.code == ErrorCode::network);

  FakePlugin next(it.link);
  it.messages.push_back(
      {{"role", "assistant"},
       {"content", "let me see"},
       {"tool_calls", {{{"id", "c1"}, {"function", {{"name", "read"}, {"arguments", "{}"}}}}}}});
  it.messages.push_back({{"role", "tool"}, {"tool_call_id", "c1"}, {"content", "1 line"}});
  auto again = it.call();
  const auto text = next.next("open")["text"].get<std::string>();
  CHECK(text.starts_with("change it\n"));
  CHECK(text.find("You called read {}") != std::string::npos);
  CHECK(text.find("Its result: 1 line") != std::string::npos);
}

TEST_CASE("the last call of a session is answered, and what it cost comes late") {
  Fixture it;
  auto future = it.begin();
  std::promise<Result<std::string>> answered;
  it.model.on_tool("ses_1", {"c1", "submit_result", "{}"},
                   [&](Result<std::string> text) { answered.set_value(std::move(text)); });
  (void)Fixture::get(future);
  std::promise<Usage> late;
  it.model.close("S1@7", [&](const Usage& usage) { late.set_value(usage); });
  it.plugin.answer(it.plugin.next("close"));
  CHECK(answered.get_future().get().ok());
  it.tell({{"type", "step"},
           {"message", "m1"},
           {"finish", "tool-calls"},
           {"tokens", {{"input", 9}, {"output", 1}}}});
  CHECK(late.get_future().get().input_tokens == 9);
  it.tell({{"type", "idle"},
           {"message", "m2"},
           {"prompt", it.prompt["prompt"]},
           {"error", {{"name", "MessageAbortedError"}}}});
  std::promise<Result<std::string>> refused;
  it.model.on_tool("ses_1", {"c2", "read", "{}"},
                   [&](Result<std::string> text) { refused.set_value(std::move(text)); });
  CHECK(refused.get_future().get().error().code == ErrorCode::not_found);
}

TEST_CASE("the end of a session gives way to the beginning of others") {
  Fixture it;
  auto first = it.begin();
  std::promise<std::string> answered;
  it.model.on_tool("ses_1", {"c1", "submit_result", "{}"},
                   [&](const Result<std::string>& text) { answered.set_value(*text); });
  (void)Fixture::get(first);
  ModelRequest other;
  other.conversation = {"S2@8", "M", "reviewer", "muster: reviewer · M1.T1"};
  other.body = json{{"messages", it.messages}}.dump();
  auto call = it.model.start(std::move(other), {}, [](auto&&) {});
  const auto open = it.plugin.next("open");
  it.model.close("S1@7", {});
  it.plugin.answer(it.plugin.next("close"));
  auto end = answered.get_future();
  CHECK(end.wait_for(0s) == std::future_status::timeout);
  it.plugin.answer(open, {{"session", "ses_2"}});
  it.model.on_event({{"session", "ses_2"}, {"type", "alive"}});
  CHECK(end.get() == "taken. Your work here is done.");  // by itself, when nothing begins any more
  call->cancel();
}

TEST_CASE("a session that is expected is open before it is needed, and deleted when it is not") {
  Fixture it;
  it.model.place("M", {"ses_parent", "scripted/m1"});
  it.model.expect({}, {{}, "M", "worker", "muster: worker · M1.T1"});
  it.model.expect({}, {{}, "M", "worker", "muster: worker · M1.T2"});
  it.model.expect({}, {{}, "M", "worker", "muster: worker · M1.T2"});
  std::map<std::string, std::string> titles;
  for (const char* session : {"ses_1", "ses_2"}) {
    const auto open = it.plugin.next("open");
    CHECK(open["text"] == "");
    CHECK(open["parent"] == "ses_parent");
    const auto title = open["title"].get<std::string>();
    titles[title.substr(title.size() - 2)] = session;
    it.plugin.answer(open, {{"session", session}});
  }
  REQUIRE(titles.size() == 2);
  auto call = it.call();
  const auto prompt = it.plugin.next("prompt");
  CHECK(prompt["session"] == titles["T1"]);
  CHECK(prompt["agent"] == "muster-worker");
  CHECK(prompt["text"] == "change it");
  it.model.on_event({{"session", titles["T1"]},
                     {"type", "idle"},
                     {"message", "m1"},
                     {"prompt", prompt["prompt"]},
                     {"text", "done"}});
  CHECK(std::get<ModelReply>(Fixture::get(call)).text == "done");
  it.model.expect_none("M");
  CHECK(it.plugin.next("remove")["session"] == titles["T2"]);
}

TEST_CASE("an expected session that somebody deleted is no loss: the next call opens another") {
  Fixture it;
  it.model.expect({}, {{}, "M", "worker", "muster: worker · M1.T1"});
  it.plugin.answer(it.plugin.next("open"), {{"session", "ses_9"}});
  auto first = it.call();
  const auto prompt = it.plugin.next("prompt");
  REQUIRE(it.link.answer(prompt["id"].get<std::uint64_t>(),
                         Error{ErrorCode::not_found, "no such session"}));
  CHECK(std::holds_alternative<ModelFailure>(Fixture::get(first)));
  it.plugin.answer(it.plugin.next("abort"));
  auto second = it.call();
  const auto open = it.plugin.next("open");
  CHECK(open["text"] == "change it");
  it.plugin.answer(open, {{"session", "ses_1"}});
  it.tell({{"type", "idle"}, {"message", "m1"}, {"prompt", open["prompt"]}, {"text", "done"}});
  CHECK(std::get<ModelReply>(Fixture::get(second)).text == "done");
}

TEST_CASE("an expected session that comes too late is deleted") {
  Fixture it;
  it.model.expect({}, {{}, "M", "worker", "muster: worker · M1.T1"});
  const auto expected = it.plugin.next("open");
  auto call = it.call();
  const auto own = it.plugin.next("open");
  CHECK(own["text"] == "change it");
  it.plugin.answer(expected, {{"session", "ses_9"}});
  CHECK(it.plugin.next("remove")["session"] == "ses_9");
  it.plugin.answer(own, {{"session", "ses_1"}});
  it.tell({{"type", "idle"}, {"message", "m1"}, {"prompt", own["prompt"]}, {"text", "done"}});
  CHECK(std::get<ModelReply>(Fixture::get(call)).text == "done");
}

TEST_CASE("a call that is cancelled aborts its session") {
  Fixture it;
  ModelRequest request;
  request.conversation = {"S1@7", "M", "worker", "t"};
  request.body = json{{"messages", it.messages}}.dump();
  std::promise<ModelOutcome> done;
  auto call = it.model.start(std::move(request), {},
                             [&](ModelOutcome outcome) { done.set_value(std::move(outcome)); });
  const auto open = it.plugin.next("open");
  SECTION("that is open") {
    it.plugin.answer(open, {{"session", "ses_1"}});
    call->cancel();
    call->cancel();
  }
  SECTION("that is being opened") {
    call->cancel();
    it.plugin.answer(open, {{"session", "ses_1"}});
  }
  CHECK(it.plugin.next("abort")["session"] == "ses_1");
  CHECK(std::get<ModelFailure>(done.get_future().get()).error.code == ErrorCode::cancelled);
}

TEST_CASE("a session that is closed while it is being opened is aborted") {
  Fixture it;
  auto future = it.call();
  const auto open = it.plugin.next("open");
  it.model.close("S1@7", {});
  it.plugin.answer(open, {{"session", "ses_1"}});
  CHECK(it.plugin.next("abort")["session"] == "ses_1");
}

TEST_CASE("how the mission stands goes into new sessions, and to those that are there") {
  Fixture it;
  it.model.tell_state("1 of 8");  // nobody is there to be told
  auto future = it.begin();
  CHECK(it.prompt["state"] == "1 of 8");
  it.model.tell_state("1 of 8");
  it.model.tell_state("2 of 8");
  CHECK(it.plugin.next("state")["state"] == "2 of 8");
}

TEST_CASE("an ask of a permission is refused by policy") {
  Fixture it;
  auto future = it.begin();
  it.tell({{"type", "permission"}, {"permission", "per_1"}});
  const auto ask = it.plugin.next("permission");
  CHECK(ask["response"] == "reject");
  CHECK(ask["permission"] == "per_1");
}

TEST_CASE("OpenCode's words for failures") {
  auto code = [](json error) { return host_failure(error).error.code; };
  CHECK(code({{"name", "MessageAbortedError"}}) == ErrorCode::cancelled);
  CHECK(code({{"name", "ContextOverflowError"}, {"message", "too long"}}) ==
        ErrorCode::context_overflow);
  CHECK(code({{"name", "ProviderAuthError"}}) == ErrorCode::unauthenticated);
  CHECK(code({{"name", "APIError"}, {"status", 429}, {"message", "slow down"}}) ==
        ErrorCode::rate_limited);
  CHECK(code({{"name", "APIError"}, {"status", 401}}) == ErrorCode::unauthenticated);
  CHECK(code({{"name", "APIError"}, {"status", 400}, {"message", "no"}}) ==
        ErrorCode::invalid_request);
  CHECK(code({{"name", "APIError"}, {"message", "Cannot connect"}}) == ErrorCode::network);
  CHECK(code({{"name", "UnknownError"}, {"message", "?"}}) == ErrorCode::overloaded);
}
