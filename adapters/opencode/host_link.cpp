#include "adapters/opencode/host_link.hpp"

#include <nlohmann/json.hpp>
#include <utility>

namespace muster::opencode {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

/// The plugin asks its own process: only a machine that is very busy needs seconds.
constexpr auto deadline = 30s;

Error nobody() { return {ErrorCode::network, "no OpenCode is connected"}; }

}  // namespace

HostLink::HostLink(IoLoop& loop) : loop_(loop) {}

HostLink::~HostLink() {
  // On the loop's thread, so that no timer runs meanwhile.
  loop_.call([this] { *alive_ = false; });
}

void HostLink::attach(Send send) {
  fail_all(nobody());
  std::lock_guard lock(mutex_);
  send_ = std::move(send);
  came_.notify_all();
}

bool HostLink::wait_attached(std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  return came_.wait_for(lock, patience, [this] { return send_ != nullptr; });
}

void HostLink::detach() {
  std::function<void()> lost;
  {
    std::lock_guard lock(mutex_);
    if (!send_) return;
    send_ = nullptr;
    lost = lost_;
  }
  if (lost) lost();
  fail_all(nobody());
}

bool HostLink::attached() const {
  std::lock_guard lock(mutex_);
  return send_ != nullptr;
}

void HostLink::on_lost(std::function<void()> lost) {
  std::lock_guard lock(mutex_);
  lost_ = std::move(lost);
}

void HostLink::ask(const std::string& what, json params, Done done) {
  std::unique_lock lock(mutex_);
  const auto id = ++last_;
  if (!send_) {
    lock.unlock();
    loop_.post([done = std::move(done)] { done(nobody()); });
    return;
  }
  auto late = [this, id, what, alive = alive_] {
    if (*alive) answer(id, Error{ErrorCode::timeout, "OpenCode did not answer in time", what});
  };
  asked_[id] = {std::move(done), loop_.run_after(deadline, std::move(late))};
  params["id"] = id;
  params["do"] = what;
  auto send = send_;
  lock.unlock();
  send(std::move(params));
}

bool HostLink::answer(std::uint64_t id, Result<json> result) {
  Asked asked;
  {
    std::lock_guard lock(mutex_);
    auto found = asked_.find(id);
    if (found == asked_.end()) return false;
    asked = std::move(found->second);
    asked_.erase(found);
  }
  asked.timer->cancel();
  asked.done(std::move(result));
  return true;
}

void HostLink::fail_all(const Error& error) {
  std::map<std::uint64_t, Asked> asked;
  {
    std::lock_guard lock(mutex_);
    asked = std::exchange(asked_, {});
  }
  for (auto& [id, one] : asked) {
    one.timer->cancel();
    one.done(error);
  }
}

}  // namespace muster::opencode
