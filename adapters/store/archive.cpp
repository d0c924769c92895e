#include "adapters/store/archive.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/store/database.hpp"
#include "adapters/store/mission_file.hpp"
#include "adapters/store/mission_reader.hpp"
#include "runtime/core/sha256.hpp"

namespace muster::store {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::string_view magic = "MUSTARC1\n";
constexpr int level = 9;
constexpr std::size_t chunk = 1U << 18U;
constexpr std::size_t max_head = 4096;

/// A file that is closed with the object.
class File {
 public:
  File(const std::string& path, int flags) : path_(path) {
    fd_ = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  }
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] bool ok() const { return fd_ >= 0; }
  [[nodiscard]] Error error(const std::string& what) const {
    return system_error(errno, what, path_);
  }

  /// Up to `size` bytes; "" at the end.
  Result<std::string> read(std::size_t size) const {
    std::string out(size, '\0');
    while (true) {
      auto got = ::read(fd_, out.data(), size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return error("cannot read");
      out.resize(static_cast<std::size_t>(got));
      return out;
    }
  }
  Status write(std::string_view bytes) const {
    while (!bytes.empty()) {
      auto wrote = ::write(fd_, bytes.data(), bytes.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return error("cannot write");
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return ok_status();
  }
  Status sync() const { return ::fsync(fd_) == 0 ? ok_status() : Status(error("cannot sync")); }

 private:
  std::string path_;
  int fd_ = -1;
};

Error bad(const std::string& mission, const std::string& what) {
  return {ErrorCode::corrupt, "the archive is damaged: " + what, "mission " + mission};
}

struct Part {
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// Hands a file over in pieces and says what it was.
Result<Part> each_piece(const std::string& path,
                        const std::function<Status(std::string_view)>& take) {
  File file(path, O_RDONLY);
  if (!file.ok()) return file.error("cannot open");
  Part part;
  Sha256 sha;
  while (true) {
    auto piece = file.read(chunk);
    if (!piece.ok()) return piece.error();
    if (piece->empty()) break;
    sha.update(*piece);
    part.bytes += piece->size();
    if (auto status = take(*piece); !status.ok()) return status.error();
  }
  part.sha256 = sha.hex();
  return part;
}

struct FreeCompressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};
struct FreeDecompressor {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

class Compressor {
 public:
  explicit Compressor(const File& out) : out_(out), context_(ZSTD_createCCtx()) {
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }
  Status add(std::string_view bytes) { return run(bytes, ZSTD_e_continue); }
  Status finish() { return run({}, ZSTD_e_end); }

 private:
  Status run(std::string_view bytes, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (true) {
      ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
      auto left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
      if (ZSTD_isError(left))
        return Error{ErrorCode::internal, std::string("zstd: ") + ZSTD_getErrorName(left)};
      if (auto status = out_.write({buffer_.data(), out.pos}); !status.ok()) return status;
      bool done = directive == ZSTD_e_end ? left == 0 : in.pos == in.size;
      if (done) return ok_status();
    }
  }

  const File& out_;
  std::unique_ptr<ZSTD_CCtx, FreeCompressor> context_;
  std::string buffer_ = std::string(ZSTD_CStreamOutSize(), '\0');
};

struct Head {
  MissionSummary summary;
  Part database;
  Part segment;
};

json to_json(const Head& head) {
  return {{"mission", head.summary.mission},
          {"last_seq", head.summary.last_seq},
          {"created_at_ms", head.summary.created_at_ms},
          {"updated_at_ms", head.summary.updated_at_ms},
          {"db_bytes", head.database.bytes},
          {"db_sha256", head.database.sha256},
          {"seg_bytes", head.segment.bytes},
          {"seg_sha256", head.segment.sha256}};
}

/// Reads the head; the file stands behind it afterwards, `rest` has what was read too much.
Result<Head> read_head(const File& file, const std::string& mission, std::string& rest) {
  std::string text;
  while (text.size() < max_head) {
    auto piece = file.read(max_head - text.size());
    if (!piece.ok()) return piece.error();
    if (piece->empty()) break;
    text += *piece;
  }
  auto end = text.find('\n', magic.size());
  if (!text.starts_with(magic) || end == std::string::npos)
    return bad(mission, "it does not begin like one");
  try {
    auto in = json::parse(text.substr(magic.size(), end - magic.size()));
    Head head;
    head.summary = {in.at("mission"), in.at("last_seq"), in.at("created_at_ms"),
                    in.at("updated_at_ms")};
    head.summary.archived = true;
    head.database = {in.at("db_bytes"), in.at("db_sha256")};
    head.segment = {in.at("seg_bytes"), in.at("seg_sha256")};
    if (head.summary.mission != mission) return bad(mission, "it holds another mission");
    rest = text.substr(end + 1);
    return head;
  } catch (const std::exception& e) {
    return bad(mission, e.what());
  }
}

/// Takes the stream apart into its two files again.
class Splitter {
 public:
  Splitter(std::string mission, const Head& head, const std::string& database,
           const std::string& segment)
      : mission_(std::move(mission)),
        parts_{{{head.database, database}, {head.segment, segment}}} {}

  Status open() {
    for (auto& part : parts_)
      if (!part.file.ok()) return part.file.error("cannot write");
    return ok_status();
  }
  Status take(std::string_view bytes) {
    while (!bytes.empty()) {
      if (at_ == parts_.size()) return bad(mission_, "it holds more than it says");
      auto& part = parts_[at_];
      auto piece = bytes.substr(0, part.wanted.bytes - part.got);
      if (auto status = part.file.write(piece); !status.ok()) return status;
      part.sha.update(piece);
      part.got += piece.size();
      bytes.remove_prefix(piece.size());
      if (part.got == part.wanted.bytes) ++at_;
    }
    return ok_status();
  }
  Status finish() {
    for (auto& part : parts_) {
      if (part.got != part.wanted.bytes || part.sha.hex() != part.wanted.sha256)
        return bad(mission_, "its content is not what was archived");
      if (auto status = part.file.sync(); !status.ok()) return status;
    }
    return ok_status();
  }

 private:
  struct Output {
    Output(Part wanted, const std::string& path)
        : wanted(std::move(wanted)), file(path, O_WRONLY | O_CREAT | O_EXCL) {}
    Part wanted;
    File file;
    Sha256 sha;
    std::uint64_t got = 0;
  };
  std::string mission_;
  std::array<Output, 2> parts_;
  std::size_t at_ = 0;
};

Status decompress(const File& file, std::string rest, const std::string& mission,
                  Splitter& splitter) {
  std::unique_ptr<ZSTD_DCtx, FreeDecompressor> context(ZSTD_createDCtx());
  std::string buffer(ZSTD_DStreamOutSize(), '\0');
  std::size_t left = 1;
  for (std::string piece = std::move(rest);;) {
    ZSTD_inBuffer in{piece.data(), piece.size(), 0};
    while (in.pos < in.size) {
      ZSTD_outBuffer out{buffer.data(), buffer.size(), 0};
      left = ZSTD_decompressStream(context.get(), &out, &in);
      if (ZSTD_isError(left)) return bad(mission, ZSTD_getErrorName(left));
      if (auto status = splitter.take({buffer.data(), out.pos}); !status.ok()) return status;
    }
    auto next = file.read(chunk);
    if (!next.ok()) return next.error();
    if (next->empty()) break;
    piece = std::move(*next);
  }
  if (left != 0) return bad(mission, "it ends too early");
  return splitter.finish();
}

Status write_archive(const std::string& path, const MissionPaths& from, Head head) {
  File out(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!out.ok()) return out.error("cannot write");
  auto nothing = [](std::string_view) { return ok_status(); };
  auto database = each_piece(from.database, nothing);
  if (!database.ok()) return database.error();
  auto segment = each_piece(from.segment, nothing);
  if (!segment.ok()) return segment.error();
  head.database = *database;
  head.segment = *segment;
  auto text = std::string(magic) + to_json(head).dump() + "\n";
  if (auto status = out.write(text); !status.ok()) return status;
  Compressor compressor(out);
  auto add = [&compressor](std::string_view bytes) { return compressor.add(bytes); };
  for (const auto& file : {from.database, from.segment})
    if (auto part = each_piece(file, add); !part.ok()) return part.error();
  if (auto status = compressor.finish(); !status.ok()) return status;
  return out.sync();
}

/// Everything in the log goes into the database file itself, so that one file holds all.
Status fold_log(const std::string& path) {
  auto database = Database::open(path, false);
  if (!database.ok()) return database.error();
  return database->run("PRAGMA wal_checkpoint(TRUNCATE)");
}

void remove_all(const MissionPaths& paths) {
  std::error_code ignored;
  // The database first: without it the archive is what counts, and the rest is litter.
  for (const auto& path :
       {paths.database, paths.database + "-wal", paths.database + "-shm", paths.segment})
    fs::remove(path, ignored);
}

}  // namespace

std::string archive_path(const std::string& folder, const std::string& mission) {
  return (fs::path(folder) / "archive" / (mission + ".muz")).string();
}

bool is_archived(const std::string& folder, const std::string& mission) {
  auto paths = mission_paths(folder, mission);
  std::error_code ignored;
  return paths.ok() && !fs::exists(paths->database, ignored) &&
         fs::exists(archive_path(folder, mission), ignored);
}

Status archive_mission(const std::string& folder, const std::string& mission) {
  auto paths = mission_paths(folder, mission);
  if (!paths.ok()) return paths.error();
  auto whole = read_mission(
      folder, mission, {}, [] { return false; }, [](StoredRecord&&) {});
  if (!whole.ok()) return whole;
  auto summary = summarize_mission(folder, mission);
  if (!summary.ok()) return summary.error();
  if (auto status = fold_log(paths->database); !status.ok()) return status;
  std::error_code failed;
  auto path = archive_path(folder, mission);
  fs::create_directories(fs::path(path).parent_path(), failed);
  if (failed) return system_error(failed.value(), "cannot make the folder", path);
  auto fresh = path + ".new";
  auto give_up = [&fresh](const Error& error) -> Status {
    std::error_code ignored;
    fs::remove(fresh, ignored);
    return error;
  };
  if (auto status = write_archive(fresh, *paths, {*summary, {}, {}}); !status.ok())
    return give_up(status.error());
  fs::rename(fresh, path, failed);
  if (failed) return give_up(system_error(failed.value(), "cannot rename", fresh));
  if (auto status = sync_folder(fs::path(path).parent_path()); !status.ok()) return status;
  {
    auto unpacked = Unpacked::open(folder, mission);
    if (!unpacked.ok()) return unpacked.error();
    auto good = read_mission(
        unpacked->folder(), mission, {}, [] { return false; }, [](StoredRecord&&) {});
    if (!good.ok()) return good;
  }
  remove_all(*paths);
  return ok_status();
}

Status unpack_mission(const std::string& folder, const std::string& mission,
                      const std::string& into) {
  auto paths = mission_paths(into, mission);
  if (!paths.ok()) return paths.error();
  File file(archive_path(folder, mission), O_RDONLY);
  if (!file.ok()) return Error{ErrorCode::not_found, "no such mission", mission};
  std::string rest;
  auto head = read_head(file, mission, rest);
  if (!head.ok()) return head.error();
  Splitter splitter(mission, *head, paths->database, paths->segment);
  auto status = splitter.open();
  if (status.ok()) status = decompress(file, std::move(rest), mission, splitter);
  if (!status.ok()) remove_all(*paths);
  return status;
}

Status restore_mission(const std::string& folder, const std::string& mission) {
  auto to = mission_paths(folder, mission);
  if (!to.ok()) return to.error();
  auto unpacked = Unpacked::open(folder, mission);
  if (!unpacked.ok()) return unpacked.error();
  auto from = mission_paths(unpacked->folder(), mission);
  remove_all(*to);  // what an archiving that was cut short has left
  std::error_code failed;
  // The database last: until it is there the archive is what counts.
  fs::rename(from->segment, to->segment, failed);
  if (!failed) fs::rename(from->database, to->database, failed);
  if (failed) return system_error(failed.value(), "cannot bring back", to->database);
  if (auto status = sync_folder(folder); !status.ok()) return status;
  fs::remove(archive_path(folder, mission), failed);
  return ok_status();
}

Result<MissionSummary> summarize_archive(const std::string& folder, const std::string& mission) {
  File file(archive_path(folder, mission), O_RDONLY);
  if (!file.ok()) return Error{ErrorCode::not_found, "no such mission", mission};
  std::string rest;
  auto head = read_head(file, mission, rest);
  if (!head.ok()) return head.error();
  return head->summary;
}

Result<Unpacked> Unpacked::open(const std::string& folder, const std::string& mission) {
  auto pattern = (fs::path(folder) / "archive" / ".open-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr)
    return system_error(errno, "cannot make a folder", pattern);
  Unpacked out(pattern);
  if (auto status = unpack_mission(folder, mission, pattern); !status.ok()) return status.error();
  return out;
}

Unpacked::Unpacked(Unpacked&& other) noexcept : path_(std::exchange(other.path_, {})) {}

Unpacked::~Unpacked() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace muster::store
