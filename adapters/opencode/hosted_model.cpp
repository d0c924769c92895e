#include "adapters/opencode/hosted_model.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/io/wall_clock.hpp"
#include "adapters/opencode/hosted_prompt.hpp"
#include "runtime/core/chat_failure.hpp"

namespace muster::opencode {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// How often a session that should be at work is looked at: an event may have been lost.
constexpr auto look_period = 5s;
/// So long the end of a session gives way to the beginning of others, and at most so long.
constexpr auto end_gives_way = 250ms;
constexpr auto end_waits_at_most = 1s;
/// A session that is expected is opened when OpenCode has been left alone so long.
constexpr auto before_expected = 200ms;
constexpr std::size_t most_expected = 256;

ModelFailure failure(ErrorCode code, std::string message) {
  return {{code, std::move(message)}, 0, {}};
}

std::int64_t count_of(const json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return 0;
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(found->get<double>()));
}

HostStep step_of(const json& event) {
  HostStep step{event.value("message", ""), event.value("finish", ""), {}};
  const auto tokens = event.value("tokens", json::object());
  const auto cache = tokens.value("cache", json::object());
  step.usage.cached_input_tokens = count_of(cache, "read");
  step.usage.input_tokens =
      count_of(tokens, "input") + count_of(cache, "read") + count_of(cache, "write");
  step.usage.output_tokens = count_of(tokens, "output") + count_of(tokens, "reasoning");
  step.usage.cost_usd = event.value("cost", 0.0);
  return step;
}

HostIdle idle_of(const json& event) {
  HostIdle idle;
  idle.prompt = event.value("prompt", std::uint64_t{0});
  idle.message = event.value("message", "");
  idle.text = event.value("text", "");
  if (event.contains("error") && event["error"].is_object())
    idle.failure = host_failure(event["error"]);
  return idle;
}

}  // namespace

ModelFailure host_failure(const json& error) {
  const auto name = error.value("name", "");
  const auto message = error.value("message", "");
  if (name == "MessageAbortedError") return failure(ErrorCode::cancelled, "aborted in OpenCode");
  if (name == "ContextOverflowError") return failure(ErrorCode::context_overflow, message);
  if (name == "ProviderAuthError") return failure(ErrorCode::unauthenticated, message);
  const auto status = static_cast<int>(count_of(error, "status"));
  auto body = error.value("body", "");
  if (body.empty()) body = message;
  if (status != 0) return model::classify_failure({status, body});
  if (name == "APIError") return failure(ErrorCode::network, message);
  return model::classify_error_object({{"error", {{"message", message}}}}, 200);
}

class HostedModel::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(IoLoop& loop, HostLink& link) : loop_(loop), link_(link) {}

  void place(const std::string& mission, MissionPlace place) {
    std::lock_guard lock(mutex_);
    placed_ = mission;
    place_ = std::move(place);
    std::erase_if(talks_, [](const auto& entry) { return entry.second.closed; });
  }

  void tell_state(std::string text) {
    std::lock_guard lock(mutex_);
    if (text == state_) return;
    state_ = std::move(text);
    if (!talks_.empty()) link_.ask("state", {{"state", state_}}, [](auto&&) {});
  }

  std::uint64_t start(const ModelRequest& request, std::function<void(ModelOutcome)> on_done) {
    auto messages = json::parse(request.body, nullptr, false).value("messages", json::array());
    std::lock_guard lock(mutex_);
    auto& talk = talks_[request.conversation.id];
    if (talk.about.id.empty()) {
      talk.about = request.conversation;
      talk.model = request.endpoint.model;
    }
    const auto number = ++last_wait_;
    talk.waiting = {number, std::move(on_done), request.idle_timeout,
                    Clock::now() + request.total_timeout};
    talk.heard_at = Clock::now();
    watch(talk);
    go_on(talk, messages);
    settle(talk);
    return number;
  }

  void cancel(const std::string& conversation, std::uint64_t number) {
    std::lock_guard lock(mutex_);
    auto* talk = find(conversation);
    if (talk == nullptr || talk->waiting.number != number) return;
    end(*talk, failure(ErrorCode::cancelled, "cancelled"));
  }

  void close(const std::string& conversation, std::function<void(Usage)> late) {
    std::lock_guard lock(mutex_);
    auto* talk = find(conversation);
    if (talk == nullptr) return;
    talk->late = std::move(late);
    talk->closed = true;
    if (talk->session.empty()) {
      if (!talk->opening) talks_.erase(conversation);
      return;
    }
    if (talk->turn.over()) return drop(*talk);
    // Its last call is answered, so that what it cost is known; the plugin lets it make no other.
    const bool asked_last = !talk->asked.empty();
    link_.ask(asked_last ? "close" : "abort", {{"session", talk->session}}, [](auto&&) {});
    if (!asked_last) return drop(*talk);
    talk->closed_at = Clock::now();
    others_at_work(*talk) ? let_go_later(*talk, end_gives_way) : let_go(*talk);
  }

  void expect(const Conversation& conversation) {
    std::lock_guard lock(mutex_);
    if (expected_.size() >= most_expected) return;
    const auto [at, fresh] = expected_.try_emplace({conversation.mission, conversation.title});
    if (fresh) open_expected_later(at->first);
  }

  void expect_none(const std::string& mission) {
    std::lock_guard lock(mutex_);
    std::erase_if(expected_, [&](auto& entry) {
      if (entry.first.first != mission) return false;
      remove(entry.second);
      return true;
    });
  }

  void on_tool(const std::string& session, ToolCall call,
               std::function<void(Result<std::string>)> answer) {
    std::lock_guard lock(mutex_);
    auto* talk = of_session(session);
    if (talk == nullptr || talk->closed || talk->turn.over()) {
      later([answer = std::move(answer)] {
        answer(Error{ErrorCode::not_found, "this session does not work for a mission (any more)"});
      });
      return;
    }
    talk->heard_at = Clock::now();
    talk->asked.push_back({call.id, std::move(answer)});
    talk->turn.called(std::move(call));
    settle(*talk);
  }

  void on_event(const json& event) {
    std::lock_guard lock(mutex_);
    auto* talk = of_session(event.value("session", ""));
    if (talk == nullptr) return;
    talk->heard_at = Clock::now();
    const auto type = event.value("type", "");
    if (type == "idle") on_idle(*talk, idle_of(event));
    if (type == "step") on_step(*talk, step_of(event));
    if (type == "retry") on_retry(*talk, event);
    if (type == "heard") talk->turn.heard(event.value("text", ""));
    if (type == "permission")
      link_.ask("permission",
                {{"session", talk->session},
                 {"permission", event.value("permission", "")},
                 {"response", "reject"}},
                [](auto&&) {});
    if (type == "error" && event.contains("error")) fail(*talk, host_failure(event["error"]));
  }

  void lost() {
    std::lock_guard lock(mutex_);
    expected_.clear();
    for (auto at = talks_.begin(); at != talks_.end();) {
      auto& talk = (at++)->second;
      // Who opens its eyes again finds no session of ours: what was said goes into a new one.
      talk.session.clear();
      talk.known = 0;
      talk.asked.clear();
      end(talk, failure(ErrorCode::network, "the connection to OpenCode ended"));
      if (talk.closed) drop(talk);
    }
  }

 private:
  struct Asked {
    std::string call;
    std::function<void(Result<std::string>)> answer;
  };
  struct Waiting {
    std::uint64_t number = 0;  // 0: nobody waits
    std::function<void(ModelOutcome)> on_done;
    std::chrono::milliseconds idle{0};
    Clock::time_point until;
  };
  /// One conversation.
  struct Talk {
    Conversation about;
    std::string model;
    std::string session;  // OpenCode's id; empty until it is open
    bool opening = false;
    bool closed = false;
    std::size_t known = 0;  // messages of the transcript that the session has
    HostedTurn turn;
    std::vector<Asked> asked;  // tool calls that wait for their results
    Waiting waiting;
    Clock::time_point heard_at;
    Clock::time_point prompted_at;
    Clock::time_point closed_at;
    std::shared_ptr<IoTimer> timer;
    std::function<void(Usage)> late;
  };

  using Name = std::pair<std::string, std::string>;  // mission and title
  /// A session without a conversation yet.
  struct Expected {
    std::string session;  // empty until it is open
    std::shared_ptr<IoTimer> timer;
  };

  /// Calls out on the loop: the lock is held here.
  void later(std::function<void()> call) { loop_.post(std::move(call)); }

  Talk* find(const std::string& conversation) {
    auto found = talks_.find(conversation);
    return found == talks_.end() ? nullptr : &found->second;
  }
  Talk* of_session(const std::string& session) {
    if (session.empty()) return nullptr;
    for (auto& [id, talk] : talks_)
      if (talk.session == session) return &talk;
    return nullptr;
  }

  // ---- to OpenCode
  // ------------------------------------------------------------------------------------

  /// Passes on what the transcript has and the session has not.
  void go_on(Talk& talk, const json& messages) {
    if (talk.session.empty()) {
      talk.known = messages.size();
      return open(talk, first_prompt(messages));
    }
    const auto words = words_since(messages, std::min(talk.known, messages.size()));
    talk.known = messages.size();
    if (talk.turn.over()) return prompt(talk, follow_up(words));
    answer(talk, words);
  }

  /// Results go to the calls that wait for them; what is said besides goes along with the last one.
  void answer(Talk& talk, const NewWords& words) {
    std::vector<std::pair<std::function<void(Result<std::string>)>, std::string>> answers;
    for (const auto& result : words.results) {
      auto asked = std::find_if(talk.asked.begin(), talk.asked.end(),
                                [&](const Asked& it) { return it.call == result.call; });
      if (asked == talk.asked.end()) continue;
      answers.emplace_back(std::move(asked->answer), result.text);
      talk.asked.erase(asked);
    }
    if (!answers.empty() && !words.said.empty())
      answers.back().second += "\n\n" + follow_up({{}, words.said});
    for (auto& [reply, text] : answers)
      later([reply = std::move(reply), text = std::move(text)] { reply(text); });
  }

  [[nodiscard]] bool others_at_work(const Talk& talk) const {
    return std::any_of(talks_.begin(), talks_.end(), [&](const auto& entry) {
      return &entry.second != &talk && !entry.second.closed;
    });
  }

  /// A session is opening, or its model has not been asked yet as far as is known here.
  [[nodiscard]] bool any_beginning() const {
    return std::any_of(talks_.begin(), talks_.end(), [](const auto& entry) {
      const Talk& it = entry.second;
      return !it.closed && (it.opening || it.heard_at == it.prompted_at);
    });
  }

  void let_go(Talk& talk) { answer_all(talk, "taken. Your work here is done."); }

  /// To end, a session makes half a step more and is aborted, which takes OpenCode's one thread
  /// from the sessions that come next: the reviewers of what eight workers hand in together.
  void let_go_later(Talk& talk, std::chrono::milliseconds wait) {
    if (talk.timer) talk.timer->cancel();
    talk.timer = loop_.run_after(wait, [weak = weak_from_this(), id = talk.about.id] {
      if (auto self = weak.lock()) self->let_go_when_quiet(id);
    });
  }

  void let_go_when_quiet(const std::string& conversation) {
    std::lock_guard lock(mutex_);
    auto* talk = find(conversation);
    if (talk == nullptr || !talk->closed) return;
    if (any_beginning() && Clock::now() - talk->closed_at < end_waits_at_most)
      return let_go_later(*talk, end_gives_way / 4);
    let_go(*talk);
  }

  void answer_all(Talk& talk, const std::string& text) {
    for (auto& asked : std::exchange(talk.asked, {}))
      later([reply = std::move(asked.answer), text] { reply(text); });
  }

  /// Opens a session and prompts it with one ask: the plugin answers when it is open, and prompts
  /// it without another word from here.
  void open(Talk& talk, const std::string& text) {
    if (talk.model.empty()) talk.model = place_of(talk.about.mission).model;
    auto ask = words(talk, text);
    ask.update(session_of(talk.about.mission, talk.about.title));
    if (auto expected = expected_.extract({talk.about.mission, talk.about.title})) {
      talk.session = expected.mapped().session;
      if (expected.mapped().timer) expected.mapped().timer->cancel();
    }
    if (!talk.session.empty()) return prompt_with(talk, std::move(ask));
    talk.opening = true;
    link_.ask("open", std::move(ask),
              [weak = weak_from_this(), id = talk.about.id](const Result<json>& opened) {
                if (auto self = weak.lock()) self->opened(id, opened);
              });
  }

  [[nodiscard]] MissionPlace place_of(const std::string& mission) const {
    return mission == placed_ ? place_ : MissionPlace{};
  }

  [[nodiscard]] json session_of(const std::string& mission, const std::string& title) const {
    return {{"title", title},
            {"parent", place_of(mission).session},
            {"context", "This session works for mission " + mission + " as \"" + title + "\"."},
            {"state", state_}};
  }

  // What is expected

  void open_expected_later(const Name& name) {
    auto& it = expected_.at(name);
    it.timer = loop_.run_after(before_expected, [weak = weak_from_this(), name] {
      if (auto self = weak.lock()) self->open_expected(name);
    });
  }

  void open_expected(const Name& name) {
    std::lock_guard lock(mutex_);
    if (!expected_.contains(name)) return;
    if (any_beginning()) return open_expected_later(name);
    auto ask = session_of(name.first, name.second);
    ask["text"] = "";
    link_.ask("open", std::move(ask), [weak = weak_from_this(), name](const Result<json>& opened) {
      if (auto self = weak.lock()) self->opened_expected(name, opened);
    });
  }

  /// Somebody may have come for it meanwhile, and opened one of their own.
  void opened_expected(const Name& name, const Result<json>& result) {
    std::lock_guard lock(mutex_);
    Expected opened{result ? (*result).value("session", "") : std::string(), nullptr};
    auto found = expected_.find(name);
    if (found == expected_.end() || !found->second.session.empty()) return remove(opened);
    if (opened.session.empty()) {
      expected_.erase(found);
      return;
    }
    found->second.session = opened.session;
  }

  void remove(const Expected& expected) {
    if (expected.timer) expected.timer->cancel();
    if (!expected.session.empty())
      link_.ask("remove", {{"session", expected.session}}, [](auto&&) {});
  }

  void opened(const std::string& conversation, const Result<json>& result) {
    std::lock_guard lock(mutex_);
    auto* talk = find(conversation);
    const auto session = result ? (*result).value("session", "") : std::string();
    const bool wanted = talk != nullptr && !talk->closed && talk->opening && !talk->turn.over();
    if (!wanted && !session.empty())
      link_.ask("abort", {{"session", session}}, [](auto&&) {});  // cancelled or closed meanwhile
    if (talk == nullptr) return;
    talk->opening = false;
    if (talk->closed) return drop(*talk);
    if (!result) return fail(*talk, {result.error(), 0, {}});
    if (wanted)
      talk->session = session;
    else
      talk->known = 0;  // the next call begins anew
    settle(*talk);
  }

  /// What a session is prompted with: from now on its turn counts.
  json words(Talk& talk, const std::string& text) {
    const auto number = ++last_prompt_;
    talk.turn.prompted(number);
    talk.prompted_at = talk.heard_at = Clock::now();
    answer_all(talk, "this turn has ended");
    return {{"agent", "muster-" + talk.about.agent},
            {"model", talk.model},
            {"prompt", number},
            {"text", text}};
  }

  void prompt(Talk& talk, const std::string& text) { prompt_with(talk, words(talk, text)); }

  void prompt_with(const Talk& talk, json ask) {
    ask["session"] = talk.session;
    link_.ask("prompt", std::move(ask),
              [weak = weak_from_this(), id = talk.about.id](const Result<json>& done) {
                auto self = weak.lock();
                if (self && !done) self->prompt_failed(id, done.error());
              });
  }

  void prompt_failed(const std::string& conversation, const Error& error) {
    std::lock_guard lock(mutex_);
    if (auto* talk = find(conversation)) fail(*talk, {error, 0, {}});
    // A person may have deleted it: what comes next is said in a new one.
    if (auto* talk = find(conversation)) {
      talk->session.clear();
      talk->known = 0;
    }
  }

  // ---- from OpenCode
  // ----------------------------------------------------------------------------------

  void on_idle(Talk& talk, const HostIdle& idle) {
    talk.turn.idle(idle);
    if (talk.closed && talk.turn.over()) return drop(talk);
    settle(talk);
  }

  void on_step(Talk& talk, const HostStep& step) {
    if (!talk.turn.stepped(step)) link_.ask("abort", {{"session", talk.session}}, [](auto&&) {});
    if (talk.closed) return tell_late(talk);
    settle(talk);
  }

  /// Its own retries would multiply ours, and know nothing of the other sessions of the lane: the
  /// scheduler waits for all of them.
  void on_retry(Talk& talk, const json& event) {
    auto why =
        model::classify_error_object({{"error", {{"message", event.value("message", "")}}}}, 200);
    const auto wait = count_of(event, "next") - wall_ms();
    why.retry_after = std::chrono::milliseconds(std::max<std::int64_t>(0, wait));
    fail(talk, std::move(why));
  }

  /// Ends the turn from our side.
  void fail(Talk& talk, ModelFailure why) {
    if (talk.closed) return drop(talk);
    end(talk, std::move(why));
  }

  void end(Talk& talk, ModelFailure why) {
    if (!talk.session.empty() && !talk.turn.over())
      link_.ask("abort", {{"session", talk.session}}, [](auto&&) {});
    talk.turn.failed(std::move(why));
    settle(talk);
  }

  /// Tells who waits, when there is something to tell.
  void settle(Talk& talk) {
    if (talk.waiting.number == 0 || talk.opening) return;
    auto outcome = talk.turn.take();
    if (!outcome) return;
    auto waiting = std::exchange(talk.waiting, {});
    if (talk.timer) talk.timer->cancel();
    auto shared = std::make_shared<ModelOutcome>(std::move(*outcome));
    later([done = std::move(waiting.on_done), shared] { done(std::move(*shared)); });
  }

  void tell_late(Talk& talk) {
    auto usage = talk.turn.take_usage();
    if (talk.late && (usage.input_tokens > 0 || usage.output_tokens > 0))
      later([late = talk.late, usage] { late(usage); });
  }

  void drop(Talk& talk) {
    tell_late(talk);
    if (talk.timer) talk.timer->cancel();
    answer_all(talk, "this session has ended");
    talks_.erase(std::string(talk.about.id));
  }

  // ---- time
  // -------------------------------------------------------------------------------------------

  void watch(Talk& talk) {
    if (talk.timer) talk.timer->cancel();
    const auto period = std::min<std::chrono::milliseconds>(look_period, talk.waiting.idle / 2);
    talk.timer = loop_.run_after(
        period, [weak = weak_from_this(), id = talk.about.id, number = talk.waiting.number] {
          if (auto self = weak.lock()) self->look(id, number);
        });
  }

  void look(const std::string& conversation, std::uint64_t number) {
    std::lock_guard lock(mutex_);
    auto* talk = find(conversation);
    if (talk == nullptr || talk->waiting.number != number) return;
    const auto now = Clock::now();
    if (now - talk->heard_at > talk->waiting.idle)
      return end(*talk, failure(ErrorCode::stalled, "OpenCode has said nothing for too long"));
    if (now > talk->waiting.until)
      return end(*talk, failure(ErrorCode::timeout, "the turn took too long"));
    if (!talk->session.empty())
      link_.ask("look", {{"session", talk->session}},
                [weak = weak_from_this(), session = talk->session](const Result<json>& seen) {
                  auto self = weak.lock();
                  if (self && seen && (*seen).value("type", "") == "idle") self->found(*seen);
                });
    watch(*talk);
  }

  /// A session that is idle although no event said so.
  void found(const json& idle) {
    std::lock_guard lock(mutex_);
    auto* talk = of_session(idle.value("session", ""));
    if (talk != nullptr) on_idle(*talk, idle_of(idle));
  }

  IoLoop& loop_;
  HostLink& link_;
  std::mutex mutex_;
  std::map<std::string, Talk> talks_;  // guarded by mutex_, as is what follows; by conversation
  std::map<Name, Expected> expected_;
  std::string placed_;  // the mission that was asked for in OpenCode: a workspace has one at a time
  MissionPlace place_;
  std::string state_;  // of the mission, in words
  std::uint64_t last_prompt_ = 0;
  std::uint64_t last_wait_ = 0;
};

namespace {

class HostedCall final : public ModelCall {
 public:
  explicit HostedCall(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  void cancel() override { cancel_(); }

 private:
  std::function<void()> cancel_;
};

}  // namespace

HostedModel::HostedModel(IoLoop& loop, HostLink& link) : core_(std::make_shared<Core>(loop, link)) {
  link.on_lost([weak = std::weak_ptr<Core>(core_)] {
    if (auto core = weak.lock()) core->lost();
  });
}

HostedModel::~HostedModel() = default;

void HostedModel::place(const std::string& mission, MissionPlace place) {
  core_->place(mission, std::move(place));
}

void HostedModel::tell_state(std::string text) { core_->tell_state(std::move(text)); }

std::shared_ptr<ModelCall> HostedModel::start(ModelRequest request,
                                              std::function<void(std::string_view)>,
                                              std::function<void(ModelOutcome)> on_done) {
  const auto number = core_->start(request, std::move(on_done));
  return std::make_shared<HostedCall>(
      [weak = std::weak_ptr<Core>(core_), id = request.conversation.id, number] {
        if (auto core = weak.lock()) core->cancel(id, number);
      });
}

void HostedModel::close(const std::string& conversation, std::function<void(Usage)> late) {
  core_->close(conversation, std::move(late));
}

void HostedModel::expect(const ModelEndpoint&, const Conversation& conversation) {
  core_->expect(conversation);
}

void HostedModel::expect_none(const std::string& mission) { core_->expect_none(mission); }

void HostedModel::on_tool(const std::string& session, ToolCall call,
                          std::function<void(Result<std::string>)> answer) {
  core_->on_tool(session, std::move(call), std::move(answer));
}

void HostedModel::on_event(const json& event) { core_->on_event(event); }

}  // namespace muster::opencode
