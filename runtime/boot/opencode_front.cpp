#include "runtime/boot/opencode_front.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "adapters/cli/command_line.hpp"
#include "adapters/cli/listings.hpp"
#include "adapters/io/io_loop.hpp"
#include "adapters/io/wall_clock.hpp"
#include "adapters/opencode/commands.hpp"
#include "adapters/opencode/hosted_model.hpp"
#include "adapters/opencode/hosted_tools.hpp"
#include "adapters/opencode/origin_file.hpp"
#include "adapters/opencode/toast_feed.hpp"
#include "adapters/ui/format.hpp"
#include "adapters/ui/status_snapshot.hpp"
#include "config/agents.hpp"
#include "runtime/boot/mission_start.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int protocol = 1;
constexpr auto toast_period = 2s;
constexpr auto state_period = 1s;
constexpr std::size_t max_objective = 300;
constexpr std::size_t columns = 120;
constexpr std::size_t max_text = 20000;

json parsed(const std::string& text) { return json::parse(text, nullptr, false); }

std::string questions_text(const json& data) {
  std::string out = "muster needs you:\n";
  for (const auto& question : data.value("questions", json::array())) {
    auto id = question.value("id", "");
    out += fmt::format("{}: {}\n  answer with: /answer {} your words\n", one_line(id, 60),
                       strip_terminal_escapes(question.value("text", "")), one_line(id, 60));
  }
  return out;
}

std::string paused_text(const json& data) {
  auto why = one_line(data.value("reason", ""), 1000);
  return "muster: the mission holds still" + (why.empty() ? "" : ": " + why) +
         ".\n/task without words goes on with it.\n";
}

/// What every session of a mission knows, also after a compaction.
std::string state_text(const std::string& mission, const std::string& objective) {
  return "Mission " + mission + ": " + one_line(objective, max_objective) + ".";
}

/// What the gate went by: each check of the final verification with its receipt.
std::string evidence_text(const json& outcome) {
  std::string out;
  for (const auto& check : outcome.value("checks", json::array()))
    out += fmt::format("  evidence  {}: {}, exit {}, {:.1f} s, tree {}\n",
                       one_line(check.value("command", ""), 200),
                       one_line(check.value("verdict", ""), 40), check.value("exit_code", 0),
                       static_cast<double>(check.value("duration_ms", std::int64_t{0})) / 1e3,
                       one_line(check.value("tree", ""), 12));
  return out;
}

/// What is said in the session, for the notices that a person must hear there.
std::optional<std::string> words_for(const std::string& type, const json& data) {
  std::string out;
  if (type == "needs_user")
    out = questions_text(data);
  else if (type == "mission_paused")
    out = paused_text(data);
  else if (type == "mission_ended")
    out = ui::summary_text(data) + evidence_text(data);
  else
    return std::nullopt;
  return std::string(bounded_head(out, max_text));
}

}  // namespace

class OpenCodeFront::Core : public std::enable_shared_from_this<Core> {
 public:
  Core(Engine& engine, Notify notify)
      : engine_(engine),
        origin_file_(engine.options().paths.state_dir + "/opencode.json"),
        notify_(std::move(notify)) {
    asked_.origin = origin_file_.read();
    place(asked_.origin);
  }

  void close() {
    std::lock_guard lock(mutex_);
    notify_ = nullptr;
    untaken_.clear();
    if (timer_) timer_->cancel();
    if (state_timer_) state_timer_->cancel();
    timer_.reset();
    state_timer_.reset();
  }

  void handle(const std::string& method, const json& params, rpc::ClientId client,
              rpc::Reply reply) {
    if (method == "opencode.hello") return hello(params, client, std::move(reply));
    if (!knows(client))
      return reply(Error{ErrorCode::invalid_argument, "opencode.hello must come first"});
    if (method == "opencode.said") return said(params, client, reply);
    if (method == "opencode.tool") return tool(params, reply);
    if (method == "opencode.event") {
      engine_.hosted_model().on_event(params);
      return reply(json::object());
    }
    if (method == "opencode.done") return done(params, reply);
    engine_.run_blocking([self = shared_from_this(), params, client, reply = std::move(reply)] {
      self->command(params, client, reply);
    });
  }

  void forget(rpc::ClientId client) {
    {
      std::lock_guard lock(mutex_);
      clients_.erase(client);
      std::erase_if(untaken_, [&](const auto& entry) { return entry.second.client == client; });
      if (host_ != client) return;
      host_ = 0;
    }
    // Sessions live in the process that is gone, or that has let go of them.
    engine_.run_blocking([self = shared_from_this()] { self->engine_.host_link().detach(); });
  }

  void on_notice(const Notice& notice) {
    if (changes_state(notice.type)) state_soon();
    std::lock_guard lock(mutex_);
    if (!notify_ || (!notice.mission.empty() && notice.mission != asked_.origin.mission)) return;
    auto data = parsed(notice.json);
    const bool known = !notice.id.empty() && untaken_.contains(notice.id);
    if (!known) feed_.on_notice(notice.type, data);
    arm();
    if (notice.id.empty() || known) return;
    auto words = words_for(notice.type, data);
    const auto to = receiver();
    if (notice.type == "mission_ended") tell_state(notice.mission, false, to);
    if (!words || !to) return;  // it is told again soon, also to who comes later
    untaken_[notice.id] = {*to, notice.taken};
    notify_(*to, "opencode.say",
            {{"id", notice.mission + "/" + notice.id},
             {"session", asked_.origin.session},
             {"text", *words},
             {"ended", notice.type == "mission_ended"}});
  }

 private:
  struct Client {
    std::int64_t pid = 0;
  };
  /// Where the mission was asked for, and by whom.
  struct Asked {
    opencode::Origin origin;
    rpc::ClientId client = 0;
    std::int64_t pid = 0;
  };
  /// Where a command was typed.
  struct From {
    std::string session;
    std::string model;  ///< that the person talks to there; empty = not known
    rpc::ClientId client = 0;
  };
  struct Untaken {
    rpc::ClientId client = 0;
    std::function<void()> taken;
  };

  bool knows(rpc::ClientId client) {
    std::lock_guard lock(mutex_);
    return clients_.contains(client);
  }

  /// The plugin that asked for the mission, else one of the same process, else any: they share the
  /// sessions. Under the lock.
  [[nodiscard]] std::optional<rpc::ClientId> receiver() const {
    if (clients_.empty() || asked_.origin.session.empty()) return std::nullopt;
    if (clients_.contains(asked_.client)) return asked_.client;
    for (const auto& [id, client] : clients_)
      if (client.pid == asked_.pid) return id;
    return clients_.begin()->first;
  }

  /// So that nobody lets go of an engine that has work, or holds one that has none. Under the lock.
  void tell_state(const std::string& mission, bool at_work, std::optional<rpc::ClientId> but) {
    for (const auto& [id, client] : clients_)
      if (id != but) notify_(id, "opencode.state", {{"mission", mission}, {"at_work", at_work}});
  }

  void hello(const json& params, rpc::ClientId client, rpc::Reply reply) {
    if (params.at("protocol") != protocol)
      return reply(
          Error{ErrorCode::invalid_argument,
                fmt::format("this engine speaks version {} of the plugin's protocol", protocol)});
    {
      std::lock_guard lock(mutex_);
      clients_[client] = {params.at("pid").get<std::int64_t>()};
    }
    if (params.value("host", false) || !engine_.host_link().attached()) host_by(client);
    engine_.run_blocking([self = shared_from_this(), mission = params.value("resume", ""),
                          reply = std::move(reply)] {
      auto note = mission.empty() ? std::string() : self->go_on_after_crash(mission);
      reply(json{{"protocol", protocol},
                 {"version", MUSTER_VERSION},
                 {"workspace", self->engine_.options().paths.workspace},
                 {"mission", self->engine_.current_mission()},
                 {"at_work", self->engine_.mission_at_work()},
                 {"note", note}});
    });
  }

  /// From now on sessions run in this client's OpenCode.
  void host_by(rpc::ClientId client) {
    {
      std::lock_guard lock(mutex_);
      if (host_ == client || !clients_.contains(client)) return;
      host_ = client;
    }
    engine_.host_link().attach([weak = weak_from_this(), client](json params) {
      auto self = weak.lock();
      if (!self) return;
      std::lock_guard lock(self->mutex_);
      if (self->notify_) self->notify_(client, "opencode.do", std::move(params));
    });
  }

  /// Where the sessions of the mission that was asked for go. Not under the lock: the model holds
  /// its own when it sends.
  void place(const opencode::Origin& origin) {
    engine_.hosted_model().place(origin.mission, {origin.session, origin.model});
  }

  void tool(const json& params, const rpc::Reply& reply) {
    auto call = opencode::direct_call(params.at("call").get<std::string>(),
                                      params.at("tool").get<std::string>(),
                                      params.value("arguments", json::object()));
    if (!call) return reply(json{{"text", call.error().text()}});
    engine_.hosted_model().on_tool(params.at("session").get<std::string>(), std::move(*call),
                                   [reply](const Result<std::string>& text) {
                                     if (!text) return reply(text.error());
                                     reply(json{{"text", *text}});
                                   });
  }

  void done(const json& params, const rpc::Reply& reply) {
    auto result = params.contains("error")
                      ? Result<json>(Error{ErrorCode::invalid_request, params.value("error", "")})
                      : Result<json>(params.value("result", json::object()));
    engine_.host_link().answer(params.at("id").get<std::uint64_t>(), std::move(result));
    reply(json::object());
  }

  /// The engine that the plugin saw at work has died; another plugin may have been quicker.
  std::string go_on_after_crash(const std::string& mission) {
    if (engine_.mission_at_work()) return {};
    auto last = engine_.last_mission();
    if (!last) return last.error().text();
    if (last->id != mission || (last->ended && last->end_told)) return {};
    auto resumed = engine_.resume_mission(mission, false);
    return resumed ? std::string() : resumed.error().text();
  }

  void said(const json& params, rpc::ClientId client, const rpc::Reply& reply) {
    auto id = params.at("id").get<std::string>();
    id = id.substr(id.find('/') + 1);
    std::function<void()> taken;
    {
      std::lock_guard lock(mutex_);
      auto found = untaken_.find(id);
      if (found != untaken_.end() && found->second.client == client) {
        taken = std::move(found->second.taken);
        if (params.value("ok", false)) {
          found->second.taken = nullptr;  // kept: it may be told again before the journal knows
        } else {
          untaken_.erase(found);
          taken = nullptr;
        }
      }
    }
    if (taken) taken();
    reply(json::object());
  }

  // ---- commands, on a pool thread
  // -----------------------------------------------------------------

  void command(const json& params, rpc::ClientId client, const rpc::Reply& reply) try {
    auto command = opencode::parse_command(params.at("name").get<std::string>(),
                                           params.value("arguments", ""));
    From from{params.at("session").get<std::string>(), params.value("model", ""), client};
    auto text = command ? std::visit([&](const auto& it) { return run(it, from); }, *command)
                        : Result<std::string>(command.error());
    const bool at_work = engine_.mission_at_work();
    if (at_work && text.ok()) tell_others(client);
    reply(
        json{{"ok", text.ok()},
             {"text", bounded_head(text.ok() ? *text : "muster: " + text.error().text(), max_text)},
             {"mission", at_work ? engine_.current_mission() : ""},
             {"at_work", at_work}});
  } catch (const json::exception& e) {
    reply(Error{ErrorCode::invalid_argument, e.what()});
  }

  void tell_others(rpc::ClientId client) {
    auto mission = engine_.current_mission();
    std::lock_guard lock(mutex_);
    if (notify_) tell_state(mission, true, client);
  }

  Result<std::string> run(const opencode::Start& start, const From& from) {
    const auto& config = engine_.options().config;
    if (!has_models(config))
      return Error{ErrorCode::invalid_argument, std::string(cli::no_model_message())};
    auto begin = mission_start(config, start.kind, start.objective);
    if (start.without_approval) begin.approve_plan = false;
    auto id = Engine::new_mission_id();
    auto before = asked_in({id, from.session, from.model}, from.client);  // before it says anything
    engine_.hosted_model().tell_state(state_text(id, start.objective));
    if (auto started = engine_.start_mission(id, begin); !started) {
      asked_in(before.origin, before.client, before.pid);
      return started.error();
    }
    return fmt::format(
        "Mission {} has started: {}\nWhat it comes to is told here. /muster-status shows where it "
        "stands, /stop ends it.",
        id, start.objective.empty() ? std::string(name_of(start.kind)) : start.objective);
  }

  Result<std::string> run(const opencode::GoOn&, const From& from) {
    if (engine_.mission_at_work()) {
      auto mission = engine_.current_mission();
      asked_in({mission, from.session, from.model}, from.client);
      (void)engine_.control("resume", "{}");  // a pause ends; without one nothing happens
      return "Mission " + mission + " is at work. What it comes to is told here.";
    }
    auto mission = unfinished();
    if (mission.empty())
      return Error{ErrorCode::invalid_argument, "usage: /task what is to be done, in words"};
    asked_in({mission, from.session, from.model}, from.client);
    if (auto resumed = engine_.resume_mission(mission, true); !resumed) return resumed.error();
    return "Mission " + mission + " goes on. What it comes to is told here.";
  }

  Result<std::string> run(const opencode::Stop&, const From&) {
    auto stopped = engine_.control("stop", "{}");
    if (!stopped) return stopped.error();
    return "Mission " + engine_.current_mission() +
           " ends. What has landed stays on its branch (muster diff, muster apply).";
  }

  Result<std::string> run(const opencode::Drop& drop, const From&) {
    auto dropped = engine_.control("todo", json{{"action", "drop"}, {"id", drop.task}}.dump());
    if (!dropped) return dropped.error();
    return "Task " + drop.task + " is dropped.";
  }

  Result<std::string> run(const opencode::ShowStatus&, const From&) {
    auto status = snapshot();
    if (!status) {
      if (auto mission = unfinished(); !mission.empty())
        return "Mission " + mission + " was interrupted; /task without words goes on with it.";
      return std::string("No mission is at work here. /task starts one.");
    }
    auto out = ui::status_text(*status, columns, wall_ms());
    return status->questions.empty() ? out : out + "Here: /answer Q1 your words\n";
  }

  Result<std::string> run(const opencode::ShowAgents&, const From&) {
    auto team = config::load_team(engine_.options().config.team);
    if (!team) return team.error();
    return cli::agents_text(*team);
  }

  Result<std::string> run(const opencode::Answer& answer, const From&) {
    auto id = answer.id;
    if (id.empty()) {
      auto status = snapshot();
      if (!status) return status.error();
      if (status->questions.size() != 1)
        return Error{ErrorCode::invalid_argument,
                     status->questions.empty() ? "no question is open"
                                               : "more than one question is open: /answer Q1 ..."};
      id = status->questions.front().id;
    }
    auto answered = engine_.control("answer", json{{"id", id}, {"text", answer.text}}.dump());
    if (!answered) return answered.error();
    return "Your answer to " + id + " has been passed on.";
  }

  /// The newest mission of the journal if it has not ended.
  std::string unfinished() {
    auto last = engine_.last_mission();
    return last && !last->ended ? last->id : std::string();
  }

  Result<ui::StatusSnapshot> snapshot() {
    auto status = engine_.control("status", "{}");
    if (!status) return status.error();
    return ui::status_from_json(parsed(*status));
  }

  /// From now on what a person must hear of this mission is told there. Returns what was before.
  Asked asked_in(const opencode::Origin& origin, rpc::ClientId client, std::int64_t pid = 0) {
    std::lock_guard in_order(origin_mutex_);
    Asked before;
    {
      std::lock_guard lock(mutex_);
      if (clients_.contains(client)) pid = clients_[client].pid;
      before = std::exchange(asked_, {origin, client, pid});
      feed_ = {};
      untaken_.clear();
    }
    place(origin);
    host_by(client);
    if (auto kept = origin_file_.write(origin); !kept) spdlog::warn("{}", kept.error().text());
    return before;
  }

  // ---- the state that sessions are told
  // ---------------------------------------------------------------------

  static bool changes_state(const std::string& type) {
    return type == "mission_started" || type == "landed" || type == "todo_decided" ||
           type == "plan_submitted" || type == "task_proposed";
  }

  /// At once, and once for many changes: it is needed after a compaction, which is seldom.
  void state_soon() {
    std::lock_guard lock(mutex_);
    if (!notify_ || state_due_) return;
    state_due_ = true;
    auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::max(Clock::duration::zero(), state_at_ + state_period - Clock::now()));
    state_timer_ = engine_.loop().run_after(wait, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->engine_.run_blocking([self] { self->tell_sessions(); });
    });
  }

  void tell_sessions() {
    {
      std::lock_guard lock(mutex_);
      state_due_ = false;
      state_at_ = Clock::now();
      if (!notify_) return;
    }
    if (auto status = snapshot())
      engine_.hosted_model().tell_state(
          state_text(status->mission, status->objective) +
          fmt::format(" Tasks done: {} of {}.", status->todo_done, status->todo_total));
  }

  // ---- toasts
  // ---------------------------------------------------------------------------------------

  /// Under the lock.
  void arm() {
    if (armed_ || !feed_.pending()) return;
    armed_ = true;
    auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::max(Clock::duration::zero(), toasted_at_ + toast_period - Clock::now()));
    timer_ = engine_.loop().run_after(wait, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->engine_.run_blocking([self] { self->toast(); });
    });
  }

  void toast() {
    bool count = false;
    {
      std::lock_guard lock(mutex_);
      count = feed_.wants_count();
    }
    auto status = count ? snapshot() : Result<ui::StatusSnapshot>(ui::StatusSnapshot{});
    std::lock_guard lock(mutex_);
    armed_ = false;
    if (!notify_) return;
    if (count) feed_.on_count(status ? status->todo_done : 0, status ? status->todo_total : 0);
    const auto to = receiver();
    auto next = feed_.next();
    if (to && next) {
      toasted_at_ = Clock::now();
      notify_(*to, "opencode.toast",
              {{"title", "muster"}, {"message", next->message}, {"variant", next->variant}});
    }
    arm();
  }

  Engine& engine_;
  std::mutex origin_mutex_;           // first of the two
  opencode::OriginFile origin_file_;  // guarded by origin_mutex_
  std::mutex mutex_;
  Notify notify_;  // guarded by mutex_, as is what follows
  Asked asked_;
  std::map<rpc::ClientId, Client> clients_;
  rpc::ClientId host_ = 0;                  // in whose OpenCode sessions run
  std::map<std::string, Untaken> untaken_;  // notices that were sent, by their ids
  opencode::ToastFeed feed_;
  Clock::time_point toasted_at_{};
  bool armed_ = false;
  std::shared_ptr<IoTimer> timer_;
  bool state_due_ = false;
  Clock::time_point state_at_{};
  std::shared_ptr<IoTimer> state_timer_;
};

OpenCodeFront::OpenCodeFront(Engine& engine, Notify notify)
    : core_(std::make_shared<Core>(engine, std::move(notify))) {}

OpenCodeFront::~OpenCodeFront() { close(); }

void OpenCodeFront::close() { core_->close(); }

const std::set<std::string>& OpenCodeFront::methods() {
  static const std::set<std::string> names{"opencode.hello", "opencode.command", "opencode.said",
                                           "opencode.tool",  "opencode.event",   "opencode.done"};
  return names;
}

void OpenCodeFront::handle(const std::string& method, const json& params, rpc::ClientId client,
                           rpc::Reply reply) {
  core_->handle(method, params, client, std::move(reply));
}

void OpenCodeFront::on_disconnect(rpc::ClientId client) { core_->forget(client); }

void OpenCodeFront::on_notice(const Notice& notice) { core_->on_notice(notice); }

}  // namespace muster
