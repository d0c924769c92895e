#include "adapters/store/lane_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/store/database.hpp"

namespace muster {
namespace {

using nlohmann::json;

constexpr int file_version = 1;
constexpr std::size_t max_lanes = 1000;

std::string text_of(const std::map<std::string, std::string>& lanes) {
  return json{{"v", file_version}, {"lanes", lanes}}.dump(-1, ' ', false,
                                                          json::error_handler_t::replace);
}

}  // namespace

LaneMemory::LaneMemory(std::string path, std::shared_ptr<Blocking> blocking,
                       std::function<void(const std::string&)> say)
    : path_(std::move(path)), blocking_(std::move(blocking)), say_(std::move(say)) {}

std::map<std::string, std::string> LaneMemory::recall() {
  std::lock_guard lock(mutex_);
  std::ifstream in(path_, std::ios::binary);
  if (!in) return lanes_;
  try {
    auto read = json::parse(std::string((std::istreambuf_iterator<char>(in)), {}));
    if (read.at("v") != file_version) throw std::invalid_argument("written by another version");
    if (lanes_.empty()) lanes_ = read.at("lanes").get<std::map<std::string, std::string>>();
  } catch (const std::exception& e) {
    say_(path_ + " cannot be read (" + e.what() + "): no lane counts as paused or broken");
  }
  return lanes_;
}

void LaneMemory::remember(const std::string& lane, const std::string& health) {
  {
    std::lock_guard lock(mutex_);
    if (health.empty()) {
      if (lanes_.erase(lane) == 0) return;
    } else if (lanes_.size() < max_lanes || lanes_.contains(lane)) {
      lanes_[lane] = health;
    }
    dirty_ = true;
    if (std::exchange(writing_, true)) return;
  }
  blocking_->run([me = shared_from_this()] { me->write_all(); });
}

void LaneMemory::write_all() {
  std::unique_lock lock(mutex_);
  while (std::exchange(dirty_, false)) {
    auto text = text_of(lanes_);
    lock.unlock();
    if (auto status = write_now(text); !status.ok()) say_(status.error().text());
    lock.lock();
  }
  writing_ = false;
}

Status LaneMemory::write_now(const std::string& text) const {
  auto fresh = path_ + ".new";
  int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return store::system_error(errno, "cannot write what the lanes remember", path_);
  auto wrote = ::write(fd, text.data(), text.size());
  bool whole = wrote == static_cast<ssize_t>(text.size()) && ::fdatasync(fd) == 0;
  int failed = whole ? 0 : (wrote >= 0 && errno == 0 ? EIO : errno);
  ::close(fd);
  if (whole && ::rename(fresh.c_str(), path_.c_str()) != 0) failed = errno;
  if (failed == 0) return ok_status();
  ::unlink(fresh.c_str());
  return store::system_error(failed, "cannot write what the lanes remember", path_);
}

}  // namespace muster
