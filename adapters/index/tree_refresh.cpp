#include "adapters/index/tree_refresh.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <system_error>
#include <thread>
#include <unordered_set>

#include "adapters/index/extract.hpp"
#include "adapters/io/unique_fd.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster::index {
namespace {

constexpr std::size_t kMaxSkipped = 100;
constexpr std::size_t kMaxListing = 512U << 20U;  // bytes
constexpr std::size_t kHead = 8000;               // where git, too, looks for what makes it binary
constexpr std::size_t kFilesPerThread = 4;        // less is not worth a thread
constexpr std::int64_t kUnread = -1;
// A file system's clock goes in ticks: a file that changed twice within one looks the same.
constexpr std::int64_t kTick = 20'000'000;  // ns

std::int64_t ns_of(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return ns_of(now);
}

void take_stat(KnownFile& file, const struct stat& info) {
  file.size = info.st_size;
  file.mtime_ns = ns_of(info.st_mtim);
  file.ctime_ns = ns_of(info.st_ctim);
  file.inode = static_cast<std::int64_t>(info.st_ino);
}

bool same_stat(const KnownFile& file, const struct stat& info) {
  return file.mtime_ns == ns_of(info.st_mtim) && file.ctime_ns == ns_of(info.st_ctim) &&
         file.size == info.st_size && file.inode == static_cast<std::int64_t>(info.st_ino);
}

/// What a name says; the rest is asked of the first line.
enum class NameSays { language, first_line, nothing };
NameSays name_says(std::string_view path, const Language*& language) {
  language = language_of(path);
  if (language) return NameSays::language;
  const auto dot = base_name(path).rfind('.');
  const bool suffixed = dot != std::string_view::npos && dot > 0;
  return suffixed ? NameSays::nothing : NameSays::first_line;
}

/// Contents on their way into the database. Thread-safe. Bounded: who brings one more than fits
/// writes them all.
class ContentSink {
 public:
  ContentSink(const RefreshPlace& place, std::size_t batch_bytes)
      : place_(place), batch_bytes_(batch_bytes) {}

  /// Whether it is kept already; after a failure yes, so that nobody goes on.
  bool has(const std::string& key) {
    const std::lock_guard lock(mutex_);
    if (!status_ || keys_.contains(key)) return true;
    auto found = place_.database->has_content(key);
    if (!found) status_ = found.error();
    return !found || *found;
  }
  void add(NewContent content) {
    const std::lock_guard lock(mutex_);
    bytes_ += content.bytes();
    keys_.insert(content.key);
    waiting_.push_back(std::move(content));
    if (bytes_ >= batch_bytes_) write();
  }
  Status finish() {
    const std::lock_guard lock(mutex_);
    write();
    return status_;
  }

 private:
  void write() {
    const std::lock_guard writing(*place_.writing);
    if (status_) status_ = place_.database->add(waiting_);
    waiting_.clear();
    keys_.clear();
    bytes_ = 0;
  }

  const RefreshPlace& place_;
  std::size_t batch_bytes_;
  std::mutex mutex_;
  std::vector<NewContent> waiting_;
  std::unordered_set<std::string> keys_;  // of those
  std::size_t bytes_ = 0;
  Status status_ = ok_status();
};

/// A file that must be read.
struct Job {
  FileChange change;
  std::uint64_t lines = 0;
  bool parsed = false;
  bool gone = false;
};

/// Reads and parses files. One a thread.
class Reader {
 public:
  Reader(const RefreshOptions& options, int root, ContentSink& sink)
      : options_(options),
        root_(root),
        sink_(sink),
        parser_({options.max_file_bytes, options.max_parse}) {}

  void read(Job& job) {
    auto& file = job.change.file;
    std::string text;
    if (const auto number = load(file, text); number == ENOENT || number == ENOTDIR) {
      job.gone = true;
    } else if (number != 0) {
      file.skipped = std::string("cannot be read: ") + std::strerror(number);
    } else {
      parse(job, std::move(text));
    }
  }

 private:
  /// errno, or 0. What is not to be parsed is said in the file.
  int load(KnownFile& file, std::string& out) {
    const UniqueFd fd(::openat(root_, file.path.c_str(),
                               O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0) return errno;
    const auto now = now_ns();
    take_stat(file, info);
    if (std::max(file.mtime_ns, file.ctime_ns) > now - kTick) file.mtime_ns = kUnread;
    if (!S_ISREG(info.st_mode)) return 0;
    const auto size = static_cast<std::size_t>(info.st_size);
    if (size > options_.max_file_bytes) {
      file.skipped = "is larger than " + std::to_string(options_.max_file_bytes >> 10U) + " KB";
      return 0;
    }
    return read_into(fd.get(), size, out);
  }

  int read_into(int fd, std::size_t size, std::string& out) const {
    out.resize(size);
    std::size_t got = 0;
    while (got < size) {
      const auto count = ::read(fd, out.data() + got, size - got);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return errno;
      if (count == 0) break;
      got += static_cast<std::size_t>(count);
    }
    out.resize(got);
    return 0;
  }

  void parse(Job& job, std::string text) {
    auto& file = job.change.file;
    const auto* language = language_of(file.path, text);
    file.language = language ? std::string(language->name) : "";
    if (!language || !has_facts(*language) || !file.skipped.empty()) return;
    if (text.find('\0') < kHead) {
      file.skipped = "is binary";
      return;
    }
    auto key = content_key(text, language->name);
    if (!sink_.has(key)) {
      auto tree = parser_.parse(*language, std::move(text));
      if (!tree) {
        file.skipped = tree.error().message;
        return;
      }
      keep(job, key, extractor_.facts_of(*tree));
    }
    job.change.key = std::move(key);
  }

  void keep(Job& job, const std::string& key, const FileFacts& facts) {
    job.parsed = true;
    job.lines = facts.lines;
    sink_.add({key, facts.lines, facts.symbols.size(), pack(facts)});
  }

  const RefreshOptions& options_;
  int root_;
  ContentSink& sink_;
  treesitter::SourceParser parser_;
  Extractor extractor_;
};

class Refresh {
 public:
  Refresh(const RefreshOptions& options, const RefreshPlace& place, std::vector<KnownFile>& known)
      : options_(options), place_(place), known_(known) {}

  Result<IndexReport> run() {
    const auto start = std::chrono::steady_clock::now();
    const files::Ripgrep ripgrep({.binary = options_.ripgrep, .max_output = kMaxListing});
    auto list = ripgrep.files(place_.root);
    if (!list) return list.error();
    if (list->truncated)
      return Error{ErrorCode::limit_reached, "there are too many files for the code index"};
    auto policy = files::FilePolicy::compile(options_.patterns);
    if (!policy) return policy.error();
    std::erase_if(list->paths,
                  [&](const std::string& path) { return policy->refusal(path).has_value(); });
    compare(list->paths);
    if (auto read = read_jobs(); !read) return read.error();
    if (auto written = write(); !written) return written.error();
    known_ = merged();
    auto report = this->report();
    report.took_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::steady_clock::now() - start)
                         .count();
    return report;
  }

 private:
  /// Both lists are sorted.
  void compare(const std::vector<std::string>& paths) {
    std::size_t at = 0;
    for (const auto& path : paths) {
      for (; at < known_.size() && known_[at].path < path; ++at) removed_.push_back(at);
      const bool is_known = at < known_.size() && known_[at].path == path;
      look_at(path, is_known ? &known_[at] : nullptr);
      if (is_known) ++at;
    }
    for (; at < known_.size(); ++at) removed_.push_back(at);
  }

  void look_at(const std::string& path, const KnownFile* known) {
    const Language* language = nullptr;
    const auto says = name_says(path, language);
    const bool unread = says == NameSays::nothing || (language && !has_facts(*language));
    if (unread && known) return;
    Job job;
    job.change.file.path = path;
    if (unread) {
      job.change.file.language = language ? std::string(language->name) : "";
      return plain_.push_back(std::move(job.change));
    }
    struct stat info {};
    const bool there = ::fstatat(place_.root, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
    if (there && known && same_stat(*known, info)) return;
    jobs_.push_back(std::move(job));
  }

  Status read_jobs() {
    if (jobs_.empty()) return ok_status();
    ContentSink sink(place_, options_.batch_bytes);
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      Reader reader(options_, place_.root, sink);
      for (auto i = next++; i < jobs_.size(); i = next++) reader.read(jobs_[i]);
    };
    const std::size_t cores = options_.threads > 0
                                  ? options_.threads
                                  : std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
    std::vector<std::thread> threads;
    try {
      for (auto count = std::min(cores, jobs_.size() / kFilesPerThread); count > 1; --count)
        threads.emplace_back(work);
    } catch (const std::system_error&) {
      // As many as there may be; this one does the rest.
    }
    work();
    for (auto& thread : threads) thread.join();
    return sink.finish();
  }

  Status write() {
    std::vector<std::string> removed;
    for (const auto index : removed_) removed.push_back(known_[index].path);
    for (auto& job : jobs_) {
      report_.parsed += job.parsed ? 1U : 0U;
      report_.lines += job.lines;
      if (job.gone)
        removed.push_back(job.change.file.path);
      else
        plain_.push_back(std::move(job.change));
    }
    report_.removed = removed_.size();
    gone_.assign(removed.begin(), removed.end());
    std::sort(gone_.begin(), gone_.end());
    if (removed.empty() && plain_.empty()) return ok_status();
    const std::lock_guard writing(*place_.writing);
    return place_.database->change(place_.tree, removed, plain_, options_.sweep);
  }

  [[nodiscard]] std::vector<KnownFile> merged() {
    if (plain_.empty() && gone_.empty()) return std::move(known_);
    std::sort(plain_.begin(), plain_.end(),
              [](const FileChange& a, const FileChange& b) { return a.file.path < b.file.path; });
    std::vector<KnownFile> out;
    out.reserve(known_.size() + plain_.size());
    std::size_t at = 0;
    for (auto& file : known_) {
      for (; at < plain_.size() && plain_[at].file.path < file.path; ++at)
        out.push_back(std::move(plain_[at].file));
      if (at < plain_.size() && plain_[at].file.path == file.path)
        out.push_back(std::move(plain_[at++].file));
      else if (!std::binary_search(gone_.begin(), gone_.end(), file.path))
        out.push_back(std::move(file));
    }
    for (; at < plain_.size(); ++at) out.push_back(std::move(plain_[at].file));
    return out;
  }

  [[nodiscard]] IndexReport report() {
    auto out = std::move(report_);
    for (const auto& file : known_) {
      if (!file.language.empty()) ++out.files;
      out.symbols += static_cast<std::size_t>(file.symbols);
      if (!file.skipped.empty() && out.skipped.size() < kMaxSkipped)
        out.skipped.push_back(file.path + ": " + file.skipped);
    }
    return out;
  }

  const RefreshOptions& options_;
  const RefreshPlace& place_;
  std::vector<KnownFile>& known_;
  std::vector<std::size_t> removed_;  // of known_
  std::vector<Job> jobs_;
  std::vector<FileChange> plain_;  // what is written; at first only what need not be read
  std::vector<std::string> gone_;
  IndexReport report_;
};

}  // namespace

Result<IndexReport> refresh_tree(const RefreshOptions& options, const RefreshPlace& place,
                                 std::vector<KnownFile>& known) {
  return Refresh(options, place, known).run();
}

}  // namespace muster::index
