#pragma once
// What the lanes of a workspace's engine must not forget over a restart, in one small file.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/core/result.hpp"
#include "runtime/ports/blocking.hpp"

namespace muster {

/// The file is replaced as a whole at every change, and made durable, on the pool; changes that
/// come meanwhile are one more write. A write that fails is said and made good by the next.
/// Thread-safe.
class LaneMemory : public std::enable_shared_from_this<LaneMemory> {
 public:
  /// `say` is told, in one sentence, what could not be read or written; from any thread.
  LaneMemory(std::string path, std::shared_ptr<Blocking> blocking,
             std::function<void(const std::string&)> say);

  /// Reads the file. One that is damaged, or of a newer muster, is said and counts as empty: a lane
  /// that is unwell will say so again. Blocks.
  std::map<std::string, std::string> recall();
  /// "" forgets the lane. Does not block.
  void remember(const std::string& lane, const std::string& health);

 private:
  void write_all();
  Status write_now(const std::string& text) const;

  std::string path_;
  std::shared_ptr<Blocking> blocking_;
  std::function<void(const std::string&)> say_;
  std::mutex mutex_;
  std::map<std::string, std::string> lanes_;
  bool writing_ = false;
  bool dirty_ = false;
};

}  // namespace muster
