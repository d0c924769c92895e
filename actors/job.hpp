#pragma once
// One actor per child process: it starts it, is told of its exit, and makes the receipt. When the
// actor ends before the process, for whatever reason, the process is killed.

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/receipt_minter.hpp"
#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/core/receipt.hpp"
#include "runtime/ports/process.hpp"

namespace muster {

/// The facts of a job that ran, without those that only its owner knows (check, tree hashes,
/// fingerprints). `tail_bytes` of its output are kept. A job that never ran keeps exit code -1: its
/// receipt passes nothing.
ReceiptFacts facts_of(const JobReceipt& job, std::size_t tail_bytes);

/// The process of a job, shared between the job's actor and the jobs actor. Thread-safe.
class JobProcess {
 public:
  void set(const std::shared_ptr<Process>& process);
  [[nodiscard]] std::string tail(std::size_t max_bytes) const;
  [[nodiscard]] std::uint64_t output_bytes() const;
  void kill();

 private:
  [[nodiscard]] std::shared_ptr<Process> get() const;

  mutable std::mutex mutex_;
  std::shared_ptr<Process> process_;
  bool killed_ = false;  ///< before it was known
};

/// Who hears from a job's actor: the jobs actor.
using job_parent = caf::typed_actor<
    // The job ended, and this is its receipt.
    result<void>(exited_atom, JobReceiptPtr),
    // The job's process is gone, whether or not its actor still lives.
    result<void>(exited_atom, std::string)>;

using job_actor = caf::typed_actor<
    // End the process; its exit follows.
    result<void>(kill_atom),
    // The process ended.
    result<void>(exited_atom, JobExitNote)>;

/// State of a job's actor; the jobs actor spawns it.
class Job {
 public:
  Job(compat::Self<job_actor> self, JobSpec spec, std::shared_ptr<ProcessPort> port,
      std::shared_ptr<JobProcess> process, job_parent parent);
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  compat::Behavior<job_actor> make_behavior();

  static constexpr const char* name = "job";
  [[nodiscard]] const std::string& label() const { return spec_.id; }

 private:
  void start();
  void exited(const JobExitNote& note);

  compat::Self<job_actor> self_;
  JobSpec spec_;
  std::shared_ptr<ProcessPort> port_;
  std::shared_ptr<JobProcess> process_;
  job_parent parent_;
  bool ended_ = false;
};

}  // namespace muster
