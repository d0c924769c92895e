#include "actors/job.hpp"

#include <exception>
#include <utility>

namespace muster {

ReceiptFacts facts_of(const JobReceipt& job, std::size_t tail_bytes) {
  ReceiptFacts facts;
  facts.command = job.command;
  if (!job.failure && !job.exit.start_error) facts.exit_code = job.exit.exit_code;
  facts.signal = job.exit.signal;
  facts.timed_out = job.exit.timed_out;
  facts.started_at_ms = job.exit.started_at_ms;
  facts.duration_ms = job.exit.duration_ms;
  facts.output_digest = job.exit.output_digest;
  const auto& output = job.exit.output;
  facts.output_tail = output.substr(output.size() > tail_bytes ? output.size() - tail_bytes : 0);
  return facts;
}

void JobProcess::set(const std::shared_ptr<Process>& process) {
  bool kill_now = false;
  {
    std::lock_guard lock(mutex_);
    process_ = process;
    kill_now = killed_;
  }
  if (kill_now && process) process->kill();
}

std::shared_ptr<Process> JobProcess::get() const {
  std::lock_guard lock(mutex_);
  return process_;
}

std::string JobProcess::tail(std::size_t max_bytes) const {
  auto process = get();
  return process ? process->tail(max_bytes) : std::string{};
}

std::uint64_t JobProcess::output_bytes() const {
  auto process = get();
  return process ? process->output_bytes() : 0;
}

void JobProcess::kill() {
  std::shared_ptr<Process> process;
  {
    std::lock_guard lock(mutex_);
    killed_ = true;
    process = process_;
  }
  if (process) process->kill();
}

Job::Job(compat::Self<job_actor> self, JobSpec spec, std::shared_ptr<ProcessPort> port,
         std::shared_ptr<JobProcess> process, job_parent parent)
    : self_(self),
      spec_(std::move(spec)),
      port_(std::move(port)),
      process_(std::move(process)),
      parent_(std::move(parent)) {}

Job::~Job() {
  if (!ended_) process_->kill();
}

compat::Behavior<job_actor> Job::make_behavior() {
  start();
  return {
      [this](kill_atom) { process_->kill(); },
      [this](exited_atom, const JobExitNote& note) { exited(note); },
  };
}

// The port calls back on its own thread: what it says comes here as a message. The parent hears of
// the end as well, directly, so that it knows when a process is gone whose actor is not there any
// more.
void Job::start() {
  auto on_exit = [me = job_actor{self_}, parent = parent_, id = spec_.id](ProcessExit exit) {
    compat::post(me, exited_atom_v, JobExitNote{std::make_shared<ProcessExit>(std::move(exit))});
    compat::post(parent, exited_atom_v, id);
  };
  try {
    process_->set(port_->start(std::move(spec_.process), std::move(on_exit)));
  } catch (const std::exception& e) {
    auto exit = std::make_shared<ProcessExit>();
    exit->start_error = Error{ErrorCode::internal, e.what(), spec_.id};
    compat::post(job_actor{self_}, exited_atom_v, JobExitNote{std::move(exit)});
  }
}

void Job::exited(const JobExitNote& note) {
  ended_ = true;
  auto receipt = std::make_shared<JobReceipt>();
  receipt->job_id = spec_.id;
  receipt->owner = spec_.owner;
  receipt->kind = spec_.kind;
  receipt->command = spec_.command;
  receipt->exit = std::move(*note.exit);
  receipt->failure = receipt->exit.start_error;
  compat::send(self_, parent_, exited_atom_v, JobReceiptPtr(std::move(receipt)));
  compat::quit(self_);
}

}  // namespace muster
