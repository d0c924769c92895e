#pragma once
// Real sessions with a stub owner: what a mission needs to run agents, without a mission.

#include <caf/typed_event_based_actor.hpp>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "actors/session.hpp"
#include "adapters/files/local_workspace_files.hpp"

namespace muster::bench {

/// What happened to the sessions so far; written by the crew's actor, awaited by the benchmark.
class Tally {
 public:
  void alive() { add(alive_); }
  void done(const SessionResult& result) {
    {
      std::lock_guard lock(mutex_);
      calls_ += static_cast<std::size_t>(result.model_calls);
      if (result.failure && !failure_) failure_ = *result.failure;
    }
    add(done_);
  }

  [[nodiscard]] bool await_alive(std::size_t count, std::chrono::milliseconds at_most) {
    return await(alive_, count, at_most);
  }
  /// False when it took too long.
  [[nodiscard]] bool await_done(std::size_t count, std::chrono::milliseconds at_most) {
    return await(done_, count, at_most);
  }
  [[nodiscard]] std::size_t done() const { return read(done_); }
  [[nodiscard]] std::size_t calls() const { return read(calls_); }
  [[nodiscard]] std::optional<Error> failure() const {
    std::lock_guard lock(mutex_);
    return failure_;
  }

 private:
  void add(std::size_t& counter) {
    {
      std::lock_guard lock(mutex_);
      ++counter;
    }
    changed_.notify_all();
  }
  bool await(const std::size_t& counter, std::size_t count, std::chrono::milliseconds at_most) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, at_most, [&] { return counter >= count; });
  }
  std::size_t read(const std::size_t& counter) const {
    std::lock_guard lock(mutex_);
    return counter;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t alive_ = 0;
  std::size_t done_ = 0;
  std::size_t calls_ = 0;
  std::optional<Error> failure_;
};

struct CrewPlan {
  std::size_t sessions = 0;    ///< in all
  std::size_t concurrent = 0;  ///< at once; when one ends the next is spawned
  std::function<SessionSpec(std::size_t number)> spec;
  SessionDeps deps;
  std::shared_ptr<Tally> tally;
};

/// Stands in for the mission: keeps its sessions' handles and watches them, as the mission does,
/// answers their mission tools with "ok", and counts.
class Crew {
 public:
  Crew(compat::Self<mission_actor> self, CrewPlan plan) : self_(self), plan_(std::move(plan)) {}

  compat::Behavior<mission_actor> make_behavior() {
    compat::on_down(self_, [](const caf::actor_addr&, const compat::End&) {});
    for (std::size_t i = 0; i < plan_.concurrent; ++i) spawn_next();
    return {
        [](resume_atom, Continuation& next) { next.run(); },
        [this](session_done_atom, const SessionResultPtr& result) { ended(*result); },
        [this](session_view_atom, const SessionView& view) {
          if (view.state == "waiting_slot") plan_.tally->alive();
        },
        [](command_refused_atom, const CommandRefused&) {},
        [](verified_atom, const VerifyResultPtr&) {},
        [](mission_tool_atom, const MissionToolCall&) { return std::string("ok"); },
        [this](control_atom, const ControlRequest& request) {
          if (request.method == "stop") stop_all();
          if (request.method == "more") add(std::stoul(request.params));
          return std::string("{}");
        },
        [](journal_failed_atom, const JournalFailure&) {},
    };
  }

  static constexpr const char* name = "crew";

 private:
  void spawn_next() {
    if (spawned_ == plan_.sessions) return;
    auto spec = plan_.spec(spawned_++);
    auto id = spec.session;
    auto me = compat::handle_of<mission_actor>(self_);
    auto session =
        compat::spawn<Session, session_actor>(self_->system(), std::move(spec), plan_.deps, me);
    compat::monitor(self_, session);
    sessions_[id] = std::move(session);
  }

  /// So many more, at once.
  void add(std::size_t count) {
    plan_.sessions += count;
    for (std::size_t i = 0; i < count; ++i) spawn_next();
  }

  void stop_all() {
    plan_.sessions = spawned_;
    for (const auto& [id, session] : sessions_) compat::send(self_, session, stop_atom_v);
  }

  void ended(const SessionResult& result) {
    sessions_.erase(result.session);
    spawn_next();
    plan_.tally->done(result);
  }

  compat::Self<mission_actor> self_;
  CrewPlan plan_;
  std::size_t spawned_ = 0;
  std::map<std::string, session_actor> sessions_;
};

/// A worker with the two tools that the benchmark's scenarios call.
inline std::shared_ptr<const AgentProfile> worker_profile(const std::string& base_url) {
  auto profile = std::make_shared<AgentProfile>();
  profile->role = "worker";
  profile->system_prompt = "You do one task. End with submit_result.";
  auto tools = tools_fragment(
      {{"todo_read", "Shows the plan.", R"({"type":"object","properties":{}})"},
       {"submit_result", "Ends the task.",
        R"({"type":"object","properties":{"summary":{"type":"string"},)"
        R"("changed_files":{"type":"array","items":{"type":"string"}}},"required":["summary"]})"}});
  profile->tools = *tools;
  profile->tool_names = {"todo_read", "submit_result"};
  profile->final_tools = {"submit_result"};
  ModelBinding binding;
  binding.endpoint.provider = "scripted";
  binding.endpoint.base_url = base_url;
  binding.endpoint.model = "scripted";
  binding.lane = "scripted/scripted";
  binding.params.model = "scripted";
  profile->models = {binding};
  return profile;
}

/// As the engine opens them for a session.
inline Result<std::shared_ptr<WorkspaceFiles>> open_files(const std::string& root) {
  files::LocalFilesOptions options;
  options.root = root;
  auto opened = files::LocalWorkspaceFiles::open(std::move(options));
  if (!opened) return opened.error();
  return std::shared_ptr<WorkspaceFiles>(std::move(*opened));
}

inline std::int64_t wall_ms() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

inline Status allow_all(const std::string&, const std::string&, RunRight) { return ok_status(); }

}  // namespace muster::bench
