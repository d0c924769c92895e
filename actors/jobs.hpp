#pragma once
// All child processes: one job actor each, a limit on how many run at once, a queue for the rest,
// and receipts for the owners.

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/job.hpp"
#include "actors/receipts.hpp"
#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/ports/process.hpp"

namespace muster {

struct JobsConfig {
  std::size_t max_running = 8;
  std::size_t max_queued = 1000;
  std::size_t max_finished = 256;          ///< that check, tail and list still know
  std::size_t finished_tail = 64U << 10U;  ///< bytes of output kept of each of them
  ReceiptDeskConfig receipts = {};
  /// Called on the jobs actor's thread with what a user should know; may be empty, must not block.
  std::function<void(const Notice&)> notify = {};
};

/// The public interface, and what job actors say.
using jobs_self = jobs_actor::extend<result<void>(exited_atom, JobReceiptPtr),
                                     result<void>(exited_atom, std::string)>;

/// Spawns the jobs actor. Asked to stop (user_shutdown) it kills all jobs and ends when they are
/// gone; when it is killed or crashes, so are they.
jobs_actor spawn_jobs(caf::actor_system& system, std::shared_ptr<ProcessPort> port,
                      JobsConfig config = {});

/// State of the jobs actor; use spawn_jobs().
class Jobs {
 public:
  Jobs(compat::Self<jobs_self> self, std::shared_ptr<ProcessPort> port, JobsConfig config);
  ~Jobs();
  Jobs(const Jobs&) = delete;
  Jobs& operator=(const Jobs&) = delete;
  compat::Behavior<jobs_self> make_behavior();

  static constexpr const char* name = "jobs";

 private:
  using Key = std::uint64_t;

  struct Entry {
    JobSpec spec;
    job_owner owner;
    TreeEpoch::Ticket epoch;
    JobState state = JobState::queued;
    job_actor actor;
    std::shared_ptr<JobProcess> process = std::make_shared<JobProcess>();
    compat::TimePoint started;
    bool process_gone = false;
    std::optional<Error> crash;  ///< of its actor; the process may still be dying
    std::vector<compat::Promise<void>> on_gone;
    std::shared_ptr<const JobReceipt> done;  ///< trimmed
  };
  struct ScopeKill {
    JobFilter filter;
    std::uint64_t count = 0;
    std::set<Key> waiting;
    compat::Promise<std::uint64_t> promise;
  };

  caf::result<JobStarted> start(StartJob& wanted);
  caf::result<void> kill(const std::string& id);
  caf::result<std::uint64_t> kill_scope(const JobFilter& filter);
  caf::result<JobTail> tail(const std::string& id, std::uint64_t max_bytes) const;
  [[nodiscard]] JobList list(const JobFilter& filter) const;
  caf::result<JobInfo> check(const std::string& id) const;
  void rebind(const RebindJobs& wanted);

  void launch(Key key);
  void launch_next();
  bool free_name(const JobSpec& wanted);
  void end(Key key);
  void receipt_came(const JobReceiptPtr& receipt);
  void process_gone(const std::string& id);
  void on_down(const caf::actor_addr& who, const compat::End& how);
  void finish(Key key, const JobReceiptPtr& receipt);
  void finish_without_run(Key key, Error why);
  void remember(Key key, const JobReceipt& receipt);
  void stop_all();

  [[nodiscard]] static bool matches(const JobFilter& filter, const JobSpec& spec);
  [[nodiscard]] JobInfo info(const Entry& entry) const;
  [[nodiscard]] const Entry* find(const std::string& id) const;

  compat::Self<jobs_self> self_;
  std::shared_ptr<ProcessPort> port_;
  JobsConfig config_;
  ReceiptDesk<compat::Self<jobs_self>> desk_;
  Key next_key_ = 1;
  std::map<Key, Entry> entries_;  ///< oldest first
  std::unordered_map<std::string, Key> by_id_;
  std::unordered_map<caf::actor_id, Key> by_actor_;
  std::deque<Key> queue_;
  std::deque<Key> finished_;
  std::vector<ScopeKill> scope_kills_;
  std::size_t running_ = 0;
  bool stopping_ = false;
};

}  // namespace muster
