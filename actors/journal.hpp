#pragma once
// The one way into the store. Batches are handed on in the order in which they came: at once when
// somebody waits for them, else together with what comes in the next few milliseconds. The store's
// writer thread makes many of them durable with one sync. What is queued is bounded here.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "messages/protocol.hpp"
#include "runtime/boot/compat.hpp"
#include "runtime/ports/blocking.hpp"
#include "runtime/ports/store.hpp"

namespace muster {

/// What earlier incarnations of a journal handed to the store, which goes on writing it after their
/// end. Owned by whoever starts journals; thread-safe.
class JournalBacklog {
 public:
  /// A new incarnation; its number.
  std::uint64_t begin();
  void handed(std::uint64_t incarnation);
  /// A batch of that incarnation is on disk, or failed.
  void answered(std::uint64_t incarnation);
  /// Calls `then` once, when nothing of incarnations before this one is under way any more: at once
  /// or on the store's thread.
  void when_earlier_done(std::uint64_t incarnation, std::function<void()> then);

 private:
  [[nodiscard]] bool done_before(std::uint64_t incarnation) const;
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::size_t> under_way_;  // by incarnation
  std::map<std::uint64_t, std::function<void()>> waiting_;
};

struct JournalConfig {
  /// Bytes that may wait to become durable; above it append is answered with unavailable.
  /// append_lazy, whose sender cannot retry, may go to twice as much; above that the mission's
  /// journal fails.
  std::size_t max_outstanding_bytes = 64U << 20U;
  /// How long a batch that nobody waits for may wait for company: a sync costs the same for one as
  /// for many. 0 = not at all.
  std::chrono::milliseconds linger{5};
  /// Lazy records of a mission are handed on when there is so much of them, lingering or not.
  std::size_t linger_bytes = 256U << 10U;
  /// Shared with earlier and later incarnations; null: there are none.
  std::shared_ptr<JournalBacklog> backlog = {};
};

/// What the store's callbacks say to the journal, beside its public interface.
using journal_self = journal_actor::extend<result<void>(durable_atom, DurableNote)>;

/// Spawns the journal. Asked to stop (user_shutdown) it takes nothing more and ends when all is
/// durable. `store` and `blocking` are shared with their threads, which call back: both must be
/// drained or destroyed before the actor system is.
journal_actor spawn_journal(caf::actor_system& system, std::shared_ptr<Store> store,
                            std::shared_ptr<Blocking> blocking, JournalConfig config = {});

/// State of the journal actor; use spawn_journal().
class Journal {
 public:
  Journal(compat::Self<journal_self> self, std::shared_ptr<Store> store,
          std::shared_ptr<Blocking> blocking, JournalConfig config);
  compat::Behavior<journal_self> make_behavior();

  static constexpr const char* name = "journal";

 private:
  using Ticket = std::uint64_t;

  struct Batch {
    std::string mission;
    std::size_t bytes = 0;
    std::optional<compat::Promise<std::uint64_t>> promise;
  };
  /// Lazy records of one mission that wait for company; handed on as one batch.
  struct Gathering {
    Ticket ticket = 0;
    std::vector<NewRecord> records;
  };
  struct Flush {
    Ticket up_to = 0;
    std::string mission;  ///< empty: all
    compat::Promise<void> promise;
  };
  struct Mission {
    std::set<Ticket> outstanding;
    std::optional<Error> failure;
    std::vector<caf::weak_actor_ptr> listeners;
    [[nodiscard]] bool idle() const { return outstanding.empty() && !failure && listeners.empty(); }
  };

  caf::result<std::uint64_t> append(JournalBatch& batch);
  void append_lazy(JournalBatch& batch);
  caf::result<void> flush(const std::string& mission);
  caf::result<void> subscribe(const JournalSubscription& subscription);
  void unsubscribe(const JournalSubscription& subscription);
  caf::result<void> reopen(const std::string& mission);
  [[nodiscard]] JournalStatus status() const;
  void durable(const DurableNote& note);

  std::optional<Error> check(const JournalBatch& batch, std::size_t bytes, std::size_t bound) const;
  void gather(JournalBatch& batch, std::size_t bytes);
  void hand_on_gathered(const std::string& mission);
  void hand_on_all_gathered();
  Ticket take_in(const std::string& mission, std::size_t bytes,
                 std::optional<compat::Promise<std::uint64_t>> promise);
  void hand_on(Ticket ticket, std::string mission, std::vector<NewRecord> records);
  void reopened(compat::Promise<void>& promise, const std::string& mission,
                const Result<std::uint64_t>& outcome);
  void mission_failed(const std::string& mission, const Error& error);
  static void tell(const caf::weak_actor_ptr& listener, const JournalFailure& failure,
                   compat::Self<journal_self> self);
  void end_if_done();
  void answer_flushes();
  [[nodiscard]] bool flushed(const Flush& flush) const;
  void tidy(const std::string& mission);

  compat::Self<journal_self> self_;
  std::shared_ptr<Store> store_;
  std::shared_ptr<Blocking> blocking_;
  JournalConfig config_;
  std::uint64_t incarnation_ = 0;
  bool caught_up_ = false;  // earlier incarnations have nothing under way; flushes wait for it
  bool stopping_ = false;
  Ticket next_ticket_ = 1;
  std::size_t outstanding_bytes_ = 0;
  std::uint64_t appended_ = 0;
  std::map<Ticket, Batch> batches_;
  std::unordered_map<std::string, Gathering> gathering_;
  compat::Timer linger_;
  std::unordered_map<std::string, Mission> missions_;
  std::vector<Flush> flushes_;
  std::map<Ticket, std::pair<std::string, compat::Promise<void>>> reopening_;
};

}  // namespace muster
