#pragma once
// The append-only file beside a mission's journal. It holds the bodies, and witnesses: "this
// sequence, with this chain hash, was acknowledged". A journal that lost its tail disagrees with
// the last witness.
//
// Layout, little endian: "MUSTSEG1", then frames of
//   magic u32 | length u32 | seq u64 | check u32 (of the 16 bytes before) | payload of `length`
//   bytes
// The payload of a body is covered by the digest in its row; that of a witness is chain (32 bytes)
// and check (8).

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/core/result.hpp"

namespace muster::store {

using Hash = std::array<std::uint8_t, 32>;

struct Witness {
  std::uint64_t seq = 0;
  Hash chain{};
  std::uint64_t end = 0;  ///< of its frame in the file
};

/// What a walk over the frames found.
struct SegmentScan {
  std::uint64_t from = 0;          ///< where it began
  std::optional<Witness> witness;  ///< the last one
  std::uint64_t good_end = 0;      ///< end of the last whole frame
  std::uint64_t size = 0;          ///< of the file
  bool torn = false;               ///< an unfinished write follows good_end
  bool corrupt = false;            ///< what follows good_end was never written like that
};

/// An open segment. One thread at a time. Failures leave the file as it was or longer; truncate()
/// mends that.
class Segment {
 public:
  /// Opens; with `create` makes an empty one when there is none.
  static Result<Segment> open(const std::string& path, bool create);
  Segment(Segment&& other) noexcept;
  Segment& operator=(Segment&& other) noexcept;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment();

  /// Queues a body and returns the offset that its payload will have.
  std::uint64_t add_body(std::uint64_t seq, std::string_view first, std::string_view second);
  void add_witness(std::uint64_t seq, const Hash& chain);
  /// Writes what is queued, at the end.
  Status write();
  /// Forgets what is queued.
  void drop();
  /// Makes everything written durable.
  Status sync();
  [[nodiscard]] bool dirty() const { return dirty_; }
  /// Bytes written since the last sync.
  [[nodiscard]] std::uint64_t unsynced() const { return unsynced_; }
  /// Whether a body is queued, or written and not durable.
  [[nodiscard]] bool owes_bodies() const { return owes_bodies_; }

  Result<std::string> read(std::uint64_t offset, std::uint64_t length) const;
  /// Walks all frames, or only those from the one whose payload is at `payload` on.
  Result<SegmentScan> scan(std::uint64_t payload = 0) const;
  /// Cuts the file; what follows is written there.
  Status truncate(std::uint64_t end);
  [[nodiscard]] std::uint64_t end() const { return end_; }
  /// Of the file now, whoever wrote it.
  [[nodiscard]] Result<std::uint64_t> size() const;

 private:
  Segment(int fd, std::string path, std::uint64_t end);
  void add_frame(std::uint32_t magic, std::uint64_t seq, std::string_view first,
                 std::string_view second);

  int fd_ = -1;
  std::string path_;
  std::uint64_t end_ = 0;
  std::string queued_;
  bool dirty_ = false;
  bool owes_bodies_ = false;
  std::uint64_t unsynced_ = 0;
};

}  // namespace muster::store
