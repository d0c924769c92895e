#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "adapters/io/fd_watcher.hpp"
#include "adapters/process/keeper.hpp"

namespace muster {

struct KeeperLink::Watch {
  std::optional<FdWatcher> fd;
  std::function<void()> on_gone;

  void read() {
    char byte = 0;
    const auto count = ::read(fd->fd(), &byte, 1);
    if (count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR))) return;
    fd.reset();
    std::exchange(on_gone, nullptr)();
  }
};

KeeperLink::KeeperLink(IoLoop& loop, UniqueFd fd, std::function<void()> on_gone)
    : loop_(loop), watch_(std::make_shared<Watch>()) {
  watch_->on_gone = std::move(on_gone);
  if (!fd) return;  // no keeper: nothing to watch
  loop_.call([this, &fd] {
    watch_->fd.emplace(loop_, std::move(fd), [watch = watch_.get()] { watch->read(); });
  });
}

KeeperLink::~KeeperLink() {
  loop_.call([this] { watch_->fd.reset(); });
}

}  // namespace muster
