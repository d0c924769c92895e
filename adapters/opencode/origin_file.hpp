#pragma once
// Where the mission of a workspace was asked for: kept, so that the end of a mission reaches that
// session also after a crash of the engine.

#include <string>

#include "runtime/core/result.hpp"

namespace muster::opencode {

struct Origin {
  std::string mission;
  std::string session;  ///< OpenCode's id; empty: the mission was not asked for in OpenCode
  std::string model;    ///< "provider/model" that its user talked to there; empty = not known
};

/// One small file, replaced as a whole. Blocks; one thread at a time.
class OriginFile {
 public:
  explicit OriginFile(std::string path) : path_(std::move(path)) {}
  /// What was written last; empty when there is nothing that can be read.
  [[nodiscard]] Origin read() const;
  Status write(const Origin& origin) const;

 private:
  std::string path_;
};

}  // namespace muster::opencode
