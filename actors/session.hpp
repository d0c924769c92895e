#pragma once
// One agent at work. Owns its transcript, its slot, its model call and its jobs; tells its mission
// how it ended, exactly once.

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "actors/agent_profile.hpp"
#include "actors/code_tools.hpp"
#include "actors/file_tools.hpp"
#include "actors/grounding.hpp"
#include "actors/language_tools.hpp"
#include "actors/languages.hpp"
#include "actors/pool_work.hpp"
#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/core/prompt_queue.hpp"
#include "runtime/core/saved_session.hpp"
#include "runtime/core/stuck.hpp"
#include "runtime/core/transcript.hpp"
#include "runtime/ports/blocking.hpp"
#include "runtime/ports/model.hpp"
#include "runtime/ports/shell_parser.hpp"
#include "runtime/ports/workspace_files.hpp"

namespace muster {

/// Bounds of one session.
struct SessionLimits {
  int steps = 100;          ///< model calls
  int nudges = 2;           ///< turns without a tool call that are answered with a reminder
  int call_retries = 6;     ///< failed model calls in a row that are tried again
  int malformed_calls = 3;  ///< turns in a row whose calls were all malformed, before it gives up
  std::chrono::milliseconds acquire{300000};  ///< wait for a slot
  std::chrono::milliseconds model_idle{60000};
  std::chrono::milliseconds model_total{600000};
  std::chrono::milliseconds shell{120000};  ///< default deadline of a command
  std::chrono::milliseconds shell_max{600000};
  std::chrono::milliseconds admit{3600000};  ///< longest wait for a lane
  std::chrono::milliseconds human{std::chrono::hours(24 * 7)};
  /// Time at work, waits for a slot and for a person not counted; nullopt = unlimited. Then it ends
  /// with code timeout.
  std::optional<std::chrono::milliseconds> session;
  std::size_t tool_output_bytes =
      24000;  ///< of one result in the transcript; the rest is kept apart
};

/// What to do, and where.
struct SessionSpec {
  std::string session;
  std::string mission;
  IntentId intent = 0;
  std::string task;
  std::string briefing;          ///< the first user message, header included
  std::string root;              ///< absolute path of its tree
  std::set<std::string> leases;  ///< files that it may write without asking
  bool shared_tree = false;      ///< the root is the user's: commands are held against the leases
  TreeEpoch::Ticket epoch;       ///< over: no model call, write or command begins any more
  std::shared_ptr<const SavedSession> saved;  ///< to go on from, instead of the briefing
  std::shared_ptr<const AgentProfile> profile;
  SessionLimits limits;
};

/// Whether a command may run: the policy on a parsed program, the role's right applied. Any thread.
using CommandGuard =
    std::function<Status(const std::string& command, const std::string& root, RunRight right)>;

/// What a session needs of the engine. Ports outlive all actors.
struct SessionDeps {
  scheduler_actor scheduler;
  jobs_actor jobs;
  journal_actor journal;
  ModelPort* model = nullptr;
  Blocking* blocking = nullptr;
  OpenFiles open_files;
  /// The code of a tree, of which agents may see `files`; empty: no tool of that kind works.
  OpenCode open_code;
  CommandGuard guard;
  LanguageAccess languages;
  std::function<std::int64_t()> wall_ms;
  std::vector<std::string> hidden_env;  ///< variables that no command may see
};

/// The state of a session's actor. Its owner is watched: without it the session ends.
///   session.cpp        life: slot, model calls, end
///   session_tools.cpp  what a turn's tool calls come to
///   session_writes.cpp those that look at code by its structure, and those that change files
///   language_tools.cpp those that language servers answer
///   session_stuck.cpp  when it goes round in circles
class Session {
 public:
  Session(compat::Self<session_actor> self, SessionSpec spec, SessionDeps deps,
          mission_actor owner);
  ~Session();
  compat::Behavior<session_actor> make_behavior();

  static constexpr const char* name = "session";
  [[nodiscard]] std::string label() const;

 private:
  void take_up(const SavedSession& saved);
  void on_prompt(const Prompt& prompt);
  // Slot and lane
  void acquire();
  void acquired();
  void give_slot_back();
  void next_turn();
  // The model call
  void call_model();
  void on_model(std::uint64_t call, ModelOutcome outcome);
  void on_reply(ModelReply reply);
  void on_failure(const ModelFailure& failure);
  void retry_call(const Error& error);
  bool use_fallback(const Error& error);
  bool make_room(bool forced);
  void account(const Usage& usage);
  // Tools: each call of a turn is answered once; the answers go into the transcript together, in
  // the order of the calls.
  void take_calls(std::vector<ToolCall> calls);
  void run_tools();
  void run_reading_tools();
  void run_reading_tool(const ToolCall& call);
  void run_one(const ToolCall& call);
  void run_writing_tool(const ToolCall& call);
  void with_leases(const ToolCall& call, std::vector<std::string> files,
                   std::function<void()> then);
  void start_write(const ToolCall& call);
  void write_on_pool(const ToolCall& call, std::function<Result<FileToolOutcome>()> write);
  void written(const ToolCall& call, const Result<FileToolOutcome>& outcome);
  void journal_writes(const ToolCall& call, const std::vector<WriteReceipt>& receipts);
  Result<std::shared_ptr<WorkspaceCode>> code();
  void run_code_query(const ToolCall& call);
  void run_code_change(const ToolCall& call);
  void lease_rewrites(const ToolCall& call, const Result<std::vector<FileRewrite>>& plan);
  // Language servers
  struct LanguageAsking {
    ToolCall call;
    LanguageToolPlan plan;
    DiagnosticsFound found;
    std::size_t next = 0;  // of the plan's questions
    compat::TimePoint until;
  };
  void run_language_tool(const ToolCall& call);
  void ask_language_server(const std::shared_ptr<LanguageAsking>& asking);
  void language_answered(const std::shared_ptr<LanguageAsking>& asking,
                         const Result<LanguageAnswerPtr>& said);
  void run_shell(const ToolCall& call, bool background);
  void start_job(const ToolCall& call, const std::string& command,
                 std::chrono::milliseconds deadline, bool background, JobScope scope);
  void on_job(const JobReceiptPtr& receipt);
  void check_leases(const ToolCall& call, const std::string& text);
  void run_job_query(const ToolCall& call);
  void list_jobs(const ToolCall& call);
  void with_own_job(const ToolCall& call, const std::string& job,
                    std::function<void(const JobInfo&)> then);
  void check_job(const ToolCall& call, const std::string& job, compat::TimePoint until);
  void show_job(const ToolCall& call, const std::string& job, const JobTail& shown);
  void ask_mission(const ToolCall& call);
  void mission_refused(const ToolCall& call, const Error& error);
  void run_final(const ToolCall& call);
  bool read_kept_output(const ToolCall& call);
  std::string keep_output(const std::string& text);
  [[nodiscard]] std::optional<Error> refusal(const ToolCall& call) const;
  void tool_result(const ToolCall& call, const std::string& text);
  void tool_failed(const ToolCall& call, const Error& error);
  void answer_call(const ToolCall& call, std::string text);
  void tools_done();
  bool patience_ends();
  // Going round in circles
  [[nodiscard]] SeenTurn seen_turn() const;
  [[nodiscard]] MissionToolCall stuck_call(const StuckSeen& seen) const;
  void ask_what_follows(const StuckSeen& seen);
  void tell_stuck(StuckKind kind, const Error& error);
  void go_on();
  // Ends
  void nudge(const std::string& said);
  void finish(SessionResult result);
  void fail(const Error& error);
  void stop();
  void close_conversation();
  void tell_end();

  void view(const char* state, const std::string& doing);
  void add_message(const ChatFragment& fragment);
  void journal_message(const ChatFragment& fragment, const std::string& prompt = {});
  void journal_effect(const std::string& row);
  [[nodiscard]] const ModelBinding& model() const { return spec_.profile->models[binding_]; }
  [[nodiscard]] session_actor handle() const;
  /// Blocking work on the pool, then `then` with its result in this actor.
  template <class Work, class Then>
  void on_pool(Work work, Then then) {
    run_on_pool(*deps_.blocking, handle(), std::move(work), std::move(then));
  }
  /// Runs `then` in this actor, called from any thread; dropped when the actor is gone. `then` must
  /// bear that the session has ended.
  [[nodiscard]] std::function<void(std::function<void()>)> resumer() const;

  compat::Self<session_actor> self_;
  SessionSpec spec_;
  SessionDeps deps_;
  mission_actor owner_;
  std::shared_ptr<WorkspaceFiles> files_;
  std::shared_ptr<WorkspaceCode> code_;
  Transcript transcript_;
  PromptQueue prompts_;            // of what its model is told between two turns
  StuckDetector stuck_;            // of its turns since this actor began
  std::vector<ToolCall> pending_;  // tool calls of the last turn, in order; their ids differ
  std::size_t next_call_ = 0;      // the first of them that has not been started
  std::size_t running_ = 0;        // started and not answered
  std::map<std::string, std::string> answers_;  // call id -> result, of this turn
  std::set<std::string> doubtful_;              // ids of edits that may have been made before
  bool in_run_tools_ = false;                   // answers that come at once do not recurse
  int good_ = 0;                                // calls of this turn that were not malformed
  bool broken_ = false;                         // one of this turn was not even JSON
  std::map<std::string, ToolCall> jobs_;        // foreground job -> the call that waits for it
  std::map<std::string, std::uint64_t> seen_output_;  // background job -> bytes at the last check
  compat::Timer poll_;
  compat::Timer owner_gone_;
  compat::Timer work_timer_;  // armed while it holds its slot
  compat::TimePoint at_work_since_;
  std::chrono::nanoseconds worked_{0};                                 // before that
  std::map<std::string, std::shared_ptr<const std::string>> outputs_;  // long outputs, by name
  std::deque<std::string> output_order_;
  std::size_t kept_bytes_ = 0;
  int output_number_ = 0;
  std::shared_ptr<ModelCall> call_;
  std::uint64_t call_number_ = 0;
  std::size_t binding_ = 0;
  std::string ticket_;  // at the scheduler: this actor's, not an earlier one's of this session
  bool holds_slot_ = false;
  bool owes_nudge_ = false;  // taken up after a turn without a call
  bool finished_ = false;
  int steps_ = 0;
  int turn_ = 0;  // replies of the model
  int nudges_ = 0;
  int failures_ = 0;   // of model calls, in a row
  int overflows_ = 0;  // of the model's window, in a row
  int malformed_ = 0;  // turns without a good call, in a row
  int tool_calls_ = 0;
  int job_number_ = 0;
  // The end: told when nothing of it runs any more
  SessionResultPtr end_;
  int writes_ = 0;  // on the pool
  bool jobs_gone_ = false;
  SessionView view_;
};

}  // namespace muster
