#pragma once
// Which missions are put into the archive.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "runtime/ports/store.hpp"

namespace muster {

struct ArchivePolicy {
  std::optional<std::int64_t> keep = 20;        ///< newest missions that stay as they are
  std::optional<std::int64_t> after_days = 30;  ///< since the last record; nullopt = never
};

/// Archives the finished missions that are older than either bound allows. One that is not
/// finished, cannot be read, or is `current` stays; what fails is said. `stop` is asked between two
/// missions. Returns how many were archived. Blocks, long.
std::size_t archive_old_missions(Store& store, const ArchivePolicy& policy,
                                 const std::string& current, std::int64_t now_ms,
                                 const std::function<void(const std::string&)>& say,
                                 const std::function<bool()>& stop);

}  // namespace muster
