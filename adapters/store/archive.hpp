#pragma once
// Finished missions in one compressed file each: `archive/<mission>.muz` in the journal's folder.
//
// Layout: "MUSTARC1\n", one line of JSON (what the mission is called, its last sequence, its times,
// the sizes and SHA-256 of both files), then one zstd frame of the database and the segment, one
// after the other, with zstd's own checksum.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"
#include "runtime/ports/store.hpp"

namespace muster::store {

[[nodiscard]] std::string archive_path(const std::string& folder, const std::string& mission);
[[nodiscard]] bool is_archived(const std::string& folder, const std::string& mission);

/// Verifies the whole journal, compresses it, reads the archive back and compares, and only then
/// takes the originals away. Nobody may have the mission open. Blocks.
Status archive_mission(const std::string& folder, const std::string& mission);
/// The inverse: the mission's files are where they were, and the archive is gone. Blocks.
Status restore_mission(const std::string& folder, const std::string& mission);
/// A copy of the files in `into`; the archive stays. Verified against the digests in the archive.
/// Blocks.
Status unpack_mission(const std::string& folder, const std::string& mission,
                      const std::string& into);
/// What the archive's head says; corrupt when it is none. Blocks.
Result<MissionSummary> summarize_archive(const std::string& folder, const std::string& mission);

/// An archived mission's files for as long as the object lives, in a folder of their own.
class Unpacked {
 public:
  static Result<Unpacked> open(const std::string& folder, const std::string& mission);
  ~Unpacked();
  Unpacked(Unpacked&& other) noexcept;
  Unpacked& operator=(Unpacked&&) = delete;
  [[nodiscard]] const std::string& folder() const { return path_; }

 private:
  explicit Unpacked(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace muster::store
