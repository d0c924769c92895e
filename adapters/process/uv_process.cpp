#include "adapters/process/uv_process.hpp"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <random>
#include <unordered_map>
#include <utility>

#include "adapters/process/job_cgroup.hpp"
#include "adapters/process/spawn.hpp"
#include "adapters/process/uv_job.hpp"

namespace muster {
namespace {

constexpr int kStartsPerTurn = 4;  // a start takes the loop about a millisecond

std::string unique_prefix() {
  std::random_device random;
  return std::to_string(::getpid()) + "-" + std::to_string(random()) + "-";
}

Error stopped_error() { return Error{ErrorCode::cancelled, "no processes are started any more"}; }

}  // namespace

/// The jobs of one port. Everything on the loop thread, but for start, stop and the members that
/// say otherwise.
class UvProcessPort::Jobs : public std::enable_shared_from_this<Jobs> {
 public:
  Jobs(IoLoop& loop, Options options)
      : loop_(loop),
        options_(std::move(options)),
        environment_(child_environment({}, {})),
        prefix_(unique_prefix()) {
    std::string why = "control groups are switched off";
    if (options_.cgroups) cgroups_ = JobCgroups::make(why);
    if (!cgroups_ && options_.say) options_.say("jobs have no control group: " + why);
  }

  std::shared_ptr<Process> start(ProcessSpec spec, std::function<void(ProcessExit)> on_exit) {
    auto job = std::make_shared<UvJob>(loop_, std::move(spec), std::move(on_exit));
    const bool accepted = loop_.post([self = shared_from_this(), job] { self->enqueue(job); });
    if (!accepted) job->refuse(stopped_error());
    return job;
  }

  void stop() {
    std::chrono::milliseconds longest{0};
    if (!loop_.call([&] { longest = end_all(); })) return;
    {
      std::unique_lock lock(mutex_);
      idle_changed_.wait_for(lock, longest + options_.stop_slack, [this] { return idle_; });
    }
    loop_.call([this] { abandon_all(); });
  }

 private:
  void enqueue(const std::shared_ptr<UvJob>& job) {
    if (stopped_) {
      job->refuse(stopped_error());
      return;
    }
    pending_.push_back(job);
    if (std::exchange(launching_, true)) return;
    launch_some();
  }

  void launch_some() {
    for (int i = 0; i < kStartsPerTurn && !pending_.empty(); ++i) {
      const auto job = std::move(pending_.front());
      pending_.pop_front();
      launch(job);
    }
    launching_ = !pending_.empty();
    if (launching_) loop_.post([self = shared_from_this()] { self->launch_some(); });
  }

  void launch(const std::shared_ptr<UvJob>& job) {
    const auto on_gone = [weak = weak_from_this(), raw = job.get()] {
      if (const auto self = weak.lock()) self->gone(raw);
    };
    const auto mark = prefix_ + std::to_string(++count_);
    if (!job->launch(options_.helper_binary, environment_, mark, cgroups_, on_gone)) return;
    active_.emplace(job.get(), job);
    set_idle(false);
  }

  void gone(UvJob* job) {
    active_.erase(job);
    set_idle(active_.empty());
  }

  /// Returns the longest grace among those that run.
  std::chrono::milliseconds end_all() {
    stopped_ = true;
    for (const auto& job : std::exchange(pending_, {})) job->refuse(stopped_error());
    std::chrono::milliseconds longest{0};
    for (const auto& [raw, job] : active_) {
      longest = std::max(longest, job->grace());
      job->kill();
    }
    return longest;
  }

  void abandon_all() {
    for (const auto& [raw, job] : std::exchange(active_, {})) job->abandon();
  }

  void set_idle(bool idle) {
    {
      const std::lock_guard lock(mutex_);
      idle_ = idle;
    }
    if (idle) idle_changed_.notify_all();
  }

  IoLoop& loop_;
  const Options options_;
  const std::vector<std::string> environment_;
  const std::string prefix_;
  std::shared_ptr<const JobCgroups> cgroups_;
  std::uint64_t count_ = 0;
  bool stopped_ = false;
  bool launching_ = false;
  std::deque<std::shared_ptr<UvJob>> pending_;
  std::unordered_map<UvJob*, std::shared_ptr<UvJob>> active_;
  std::mutex mutex_;
  std::condition_variable idle_changed_;
  bool idle_ = true;  ///< guarded by mutex_
};

UvProcessPort::UvProcessPort(IoLoop& loop, Options options)
    : jobs_(std::make_shared<Jobs>(loop, std::move(options))) {}

UvProcessPort::UvProcessPort(IoLoop& loop, std::string helper_binary)
    : UvProcessPort(loop, Options{.helper_binary = std::move(helper_binary)}) {}

UvProcessPort::~UvProcessPort() { stop(); }

std::shared_ptr<Process> UvProcessPort::start(ProcessSpec spec,
                                              std::function<void(ProcessExit)> on_exit) {
  return jobs_->start(std::move(spec), std::move(on_exit));
}

void UvProcessPort::stop() { jobs_->stop(); }

}  // namespace muster
