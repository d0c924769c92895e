#include "adapters/store/segment.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "adapters/store/database.hpp"
#include "runtime/core/fault_points.hpp"
#include "runtime/core/sha256.hpp"

namespace muster::store {
namespace {

constexpr std::string_view file_magic = "MUSTSEG1";
constexpr std::uint32_t body_magic = 0x3142534d;     // "MSB1"
constexpr std::uint32_t witness_magic = 0x3157534d;  // "MSW1"
constexpr std::size_t header_size = 20;
constexpr std::size_t witness_size = 40;
// A write that power loss cut may be followed by blocks that never got their data: zeros.
constexpr std::size_t zero_run = 16;

template <class T>
void put(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i)));
}

template <class T>
T get(std::string_view in, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(in[at + i])) << (8 * i);
  return static_cast<T>(value);
}

std::uint64_t check_of(std::string_view bytes) {
  Sha256 sha;
  sha.update(bytes);
  auto digest = sha.digest();
  return get<std::uint64_t>({reinterpret_cast<const char*>(digest.data()), 8}, 0);
}

Status write_all(int fd, std::string_view bytes, std::uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    auto wrote = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return system_error(errno, "cannot write the segment", path);
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return ok_status();
}

/// A write that a crash cuts in two: half of the bytes, then the fault. Nothing without one.
Status write_torn(int fd, std::string_view bytes, std::uint64_t offset, const std::string& path) {
  if (!MUSTER_FAULT_ARMED("store.torn_segment_write")) return ok_status();
  auto status = write_all(fd, bytes.substr(0, bytes.size() / 2), offset, path);
  if (status && MUSTER_FAULT_ERROR("store.torn_segment_write"))
    return system_error(ENOSPC, "cannot write the segment", path);
  return status;
}

/// Reads up to `length` bytes; fewer only at the end of the file.
Result<std::string> read_some(int fd, std::uint64_t offset, std::uint64_t length,
                              const std::string& path) {
  std::string out(length, '\0');
  std::size_t have = 0;
  while (have < length) {
    auto got = ::pread(fd, out.data() + have, length - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "cannot read the segment", path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}

bool valid_header(std::string_view header) {
  auto magic = get<std::uint32_t>(header, 0);
  if (magic != body_magic && magic != witness_magic) return false;
  return get<std::uint32_t>(header, 16) ==
         static_cast<std::uint32_t>(check_of(header.substr(0, 16)));
}

bool ends_in_zeros(std::string_view tail) {
  if (tail.size() < zero_run) return false;
  auto last = tail.substr(tail.size() - zero_run);
  return std::all_of(last.begin(), last.end(), [](char c) { return c == '\0'; });
}

}  // namespace

Segment::Segment(int fd, std::string path, std::uint64_t end)
    : fd_(fd), path_(std::move(path)), end_(end) {}

Segment::Segment(Segment&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      end_(other.end_),
      queued_(std::move(other.queued_)),
      dirty_(other.dirty_),
      owes_bodies_(other.owes_bodies_),
      unsynced_(other.unsynced_) {}

Segment& Segment::operator=(Segment&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(end_, other.end_);
  std::swap(queued_, other.queued_);
  std::swap(dirty_, other.dirty_);
  std::swap(owes_bodies_, other.owes_bodies_);
  std::swap(unsynced_, other.unsynced_);
  return *this;
}

Segment::~Segment() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Segment> Segment::open(const std::string& path, bool create) {
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
  if (fd < 0 && errno == ENOENT) return Error{ErrorCode::not_found, "the segment is missing", path};
  if (fd < 0) return system_error(errno, "cannot open the segment", path);
  Segment segment(fd, path, 0);
  struct stat info {};
  if (::fstat(fd, &info) != 0) return system_error(errno, "cannot look at the segment", path);
  segment.end_ = static_cast<std::uint64_t>(info.st_size);
  if (segment.end_ >= file_magic.size()) {
    auto head = read_some(fd, 0, file_magic.size(), path);
    if (!head.ok()) return head.error();
    if (*head != file_magic)
      return Error{ErrorCode::corrupt, "the segment does not begin like one", path};
    return segment;
  }
  // Shorter than its first word: its creation was cut.
  if (auto status = write_all(fd, file_magic, 0, path); !status.ok()) return status.error();
  segment.end_ = file_magic.size();
  segment.dirty_ = true;
  if (auto status = segment.sync(); !status.ok()) return status.error();
  return segment;
}

void Segment::add_frame(std::uint32_t magic, std::uint64_t seq, std::string_view first,
                        std::string_view second) {
  std::string header;
  put(header, magic);
  put(header, static_cast<std::uint32_t>(first.size() + second.size()));
  put(header, seq);
  put(header, static_cast<std::uint32_t>(check_of(header)));
  queued_ += header;
  queued_ += first;
  queued_ += second;
}

std::uint64_t Segment::add_body(std::uint64_t seq, std::string_view first,
                                std::string_view second) {
  auto offset = end_ + queued_.size() + header_size;
  add_frame(body_magic, seq, first, second);
  owes_bodies_ = true;
  return offset;
}

void Segment::add_witness(std::uint64_t seq, const Hash& chain) {
  std::string payload(reinterpret_cast<const char*>(chain.data()), chain.size());
  std::string covered;
  put(covered, seq);
  put(payload, check_of(covered + payload));
  add_frame(witness_magic, seq, payload, {});
}

Status Segment::write() {
  if (queued_.empty()) return ok_status();
  dirty_ = true;
  MUSTER_FAULT_POINT("store.before_segment_write");
  if (MUSTER_FAULT_ERROR("store.segment_write"))
    return system_error(ENOSPC, "cannot write the segment", path_);
  if (auto status = write_torn(fd_, queued_, end_, path_); !status.ok()) return status;
  if (auto status = write_all(fd_, queued_, end_, path_); !status.ok()) return status;
  MUSTER_FAULT_POINT("store.after_segment_write");
  end_ += queued_.size();
  unsynced_ += queued_.size();
  queued_.clear();
  return ok_status();
}

void Segment::drop() { queued_.clear(); }

Status Segment::sync() {
  if (!dirty_) return ok_status();
  if (MUSTER_FAULT_ERROR("store.segment_sync"))
    return system_error(EIO, "cannot sync the segment", path_);
  if (::fdatasync(fd_) != 0) return system_error(errno, "cannot sync the segment", path_);
  dirty_ = owes_bodies_ = false;
  unsynced_ = 0;
  return ok_status();
}

Result<std::uint64_t> Segment::size() const {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return system_error(errno, "cannot look at the segment", path_);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::string> Segment::read(std::uint64_t offset, std::uint64_t length) const {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return system_error(errno, "cannot look at the segment", path_);
  // Before a buffer is made of a length that may be nonsense.
  auto size = static_cast<std::uint64_t>(info.st_size);
  if (length > size || offset > size - length)
    return Error{ErrorCode::corrupt, "the segment is too short", path_};
  return read_some(fd_, offset, length, path_);
}

namespace {

/// Reads a file from front to back in big pieces.
class Window {
 public:
  Window(int fd, const std::string& path) : fd_(fd), path_(path) {}

  /// Up to `length` bytes at `offset`; fewer only at the end of the file.
  Result<std::string_view> at(std::uint64_t offset, std::size_t length) {
    if (offset < begin_ || offset + length > begin_ + bytes_.size()) {
      auto read = read_some(fd_, offset, std::max(length, window_size), path_);
      if (!read.ok()) return read.error();
      bytes_ = std::move(*read);
      begin_ = offset;
    }
    return std::string_view(bytes_).substr(offset - begin_, length);
  }

 private:
  static constexpr std::size_t window_size = 64U << 10U;

  int fd_;
  const std::string& path_;
  std::uint64_t begin_ = 0;
  std::string bytes_;
};

/// The witness in a frame that begins like one; nullopt when it was never written like that.
std::optional<Witness> witness_of(std::string_view frame, std::uint64_t end) {
  if (frame.size() != header_size + witness_size || get<std::uint32_t>(frame, 4) != witness_size)
    return std::nullopt;
  auto covered = std::string(frame.substr(8, 8)) + std::string(frame.substr(header_size, 32));
  if (get<std::uint64_t>(frame, header_size + 32) != check_of(covered)) return std::nullopt;
  Witness witness{get<std::uint64_t>(frame, 8), {}, end};
  std::copy_n(frame.begin() + header_size, 32, witness.chain.begin());
  return witness;
}

}  // namespace

Result<SegmentScan> Segment::scan(std::uint64_t payload) const {
  struct stat info {};
  if (::fstat(fd_, &info) != 0) return system_error(errno, "cannot look at the segment", path_);
  SegmentScan scan;
  scan.size = static_cast<std::uint64_t>(info.st_size);
  bool inside = payload >= file_magic.size() + header_size && payload <= scan.size;
  scan.from = scan.good_end = inside ? payload - header_size : file_magic.size();
  Window window(fd_, path_);
  while (scan.good_end < scan.size) {
    auto frame = window.at(scan.good_end, header_size + witness_size);
    if (!frame.ok()) return frame.error();
    if (frame->size() < header_size) {
      scan.torn = true;
      return scan;
    }
    bool good = valid_header(frame->substr(0, header_size));
    auto end = scan.good_end + header_size + get<std::uint32_t>(*frame, 4);
    if (good && end > scan.size) {
      scan.torn = true;
      return scan;
    }
    if (good && get<std::uint32_t>(*frame, 0) == witness_magic) {
      auto witness = witness_of(*frame, end);
      good = witness.has_value();
      if (good) scan.witness = witness;
    }
    if (!good) {
      auto from = std::max(scan.good_end, scan.size > zero_run ? scan.size - zero_run : 0);
      auto tail = read_some(fd_, from, scan.size - from, path_);
      if (!tail.ok()) return tail.error();
      (ends_in_zeros(*tail) ? scan.torn : scan.corrupt) = true;
      return scan;
    }
    scan.good_end = end;
  }
  return scan;
}

Status Segment::truncate(std::uint64_t end) {
  if (::ftruncate(fd_, static_cast<off_t>(end)) != 0)
    return system_error(errno, "cannot cut the segment", path_);
  end_ = end;
  queued_.clear();
  dirty_ = true;
  return ok_status();
}

}  // namespace muster::store
