#pragma once
// The Store on disk: a SQLite file and a segment per mission, one writer thread, group commit.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "adapters/store/mission_file.hpp"
#include "runtime/ports/store.hpp"

namespace muster {

struct SqliteStoreConfig {
  std::string folder;                          ///< made when missing, for its owner alone
  std::size_t max_open = 64;                   ///< missions whose files stay open
  std::chrono::milliseconds settle_after{50};  ///< of quiet: then the last witnesses are synced
  store::LogBounds log = {};
  /// Told on the writer thread, in one sentence, when unacknowledged work was cut; may be empty,
  /// must not throw.
  std::function<void(const std::string&)> say = {};
};

/// An acknowledged batch survives kill -9 and power loss. All batches that wait when a round begins
/// share its syncs: per mission one of the segment (when there are bodies) and one of the
/// database's log. Thread-safe; the destructor finishes what is queued.
class SqliteStore final : public Store {
 public:
  /// Makes the folder and starts the writer.
  static Result<std::unique_ptr<SqliteStore>> open(SqliteStoreConfig config);
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  void append(std::string mission, std::vector<NewRecord> records,
              std::function<void(Result<std::uint64_t>)> on_durable) override;
  Result<std::vector<StoredRecord>> load(const std::string& mission) override;
  Status read(const std::string& mission, const JournalQuery& query,
              const RecordVisitor& visit) override;
  Result<std::vector<StoredRecord>> load_keyed(const std::string& mission, const std::string& kind,
                                               const std::string& key) override;
  Result<std::vector<MissionSummary>> missions() override;
  Status reopen(const std::string& mission) override;
  Status archive(const std::string& mission) override;

 private:
  struct Batch {
    std::vector<NewRecord> records;
    std::function<void(Result<std::uint64_t>)> on_durable;
  };
  struct Open {
    std::unique_ptr<store::MissionFile> file;  ///< null after a failure
    std::optional<Error> failure;
    std::optional<std::uint64_t> acknowledged;  ///< last sequence, once anything was
    std::uint64_t used = 0;                     ///< round of the last use
  };
  using Round = std::map<std::string, std::vector<Batch>>;

  explicit SqliteStore(SqliteStoreConfig config);
  void work();
  void write(const std::string& mission, std::vector<Batch>& batches);
  Result<std::vector<std::uint64_t>> write_all(Open& open, std::vector<Batch>& batches);
  Status ensure_open(const std::string& mission, Open& open);
  static void refuse_unfit(std::vector<Batch>& batches);
  void fail(const std::string& mission, Open& open, const Error& error,
            std::vector<Batch>& batches);
  void close(const std::string& mission, Open& open);
  bool is_live(const std::string& mission);
  std::uint64_t openings();
  void settle(bool quiet);
  void settle(const std::string& mission, Open& open);
  void tend_log(const std::string& mission, Open& open, bool quiet);
  void close_idle();
  Status in_writer(const std::string& mission, const std::function<Status()>& work);
  Status restore(const std::string& mission);
  void reopen_now(const std::string& mission, const std::function<void(Status)>& done);

  SqliteStoreConfig config_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Round queue_;
  std::deque<std::function<void()>> errands_;  ///< run by the writer between rounds
  bool stopping_ = false;
  std::mutex live_mutex_;
  std::set<std::string> live_;  ///< missions that the writer has open
  std::uint64_t openings_ = 0;  ///< of missions, by the writer
  // Writer thread only.
  std::map<std::string, Open> open_;
  std::uint64_t round_ = 0;
  bool unsettled_ = false;
  std::thread writer_;
};

}  // namespace muster
