#pragma once
// What actors do: counted for each class of them, and which of them are at it right now. Written by
// the threads that run actors, read by anybody, without a lock between the two. It has no clock:
// times are given, in nanoseconds from an arbitrary start, always the same one.
//
// A *run* is one turn of an actor on a thread: one message, or several quick ones in a row. To read
// a clock twice costs a tenth of a quick one, so in a flood of runs only some, picked at random,
// are timed, and count for those that are not (docs/adr/0006).

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace muster {

/// How long runs took, in powers of two: what is below 1024 ns, below 2048 ns, and so on; the last
/// holds the rest.
struct RunTimes {
  static constexpr std::size_t size = 26;
  std::array<std::uint64_t, size> counts{};

  [[nodiscard]] static constexpr std::size_t index_of(std::int64_t ns) {
    const auto units = static_cast<std::uint64_t>(ns < 0 ? 0 : ns) >> 10U;
    const auto bits = static_cast<std::size_t>(std::bit_width(units));
    return bits < size ? bits : size - 1;
  }
  /// The least bound that `share` of all runs (0 to 1) stayed below, in nanoseconds; 0 without any.
  [[nodiscard]] std::int64_t quantile_ns(double share) const;
};

/// One class of actors, since the meter began.
struct ActorClassStats {
  std::string name;
  std::uint64_t alive = 0;
  std::uint64_t spawned = 0;
  std::uint64_t crashed = 0;   ///< ended by an exception
  std::uint64_t messages = 0;  ///< received
  std::uint64_t waiting = 0;   ///< of these, in the mailboxes now
  std::uint64_t longest_mailbox = 0;
  std::uint64_t runs = 0;
  std::int64_t busy_ns = 0;     ///< all runs together
  std::int64_t longest_ns = 0;  ///< the longest run that was timed or seen in a look
  RunTimes times;
};

/// Who it is: "class#id", and a label that people can read if the class has one.
struct ActorName {
  std::string actor;
  std::string label;
  bool operator==(const ActorName&) const = default;
};

/// What an actor is doing at the moment of a look.
struct ActorRun {
  std::uint64_t id = 0;  ///< of the actor
  ActorName name;
  std::uint64_t run = 0;    ///< tells one run of a thread from the next
  std::int64_t for_ns = 0;  ///< at least; less than the time between two looks is missing
};

struct ActorMailbox {
  std::uint64_t id = 0;
  ActorName name;
  std::uint64_t waiting = 0;
};

struct ActorLook {
  std::int64_t at_ns = 0;
  std::vector<ActorRun> running;
  std::vector<ActorMailbox> mailboxes;  ///< those at or above what was asked for
};

class ActorMeter {
 public:
  /// A class in this meter; it lives as long.
  struct Class {
    std::string name;
    std::size_t index = 0;
    // Guarded by the meter's mutex; of living actors nothing but `alive` is in them.
    std::uint64_t alive = 0;
    std::uint64_t spawned = 0;
    std::uint64_t crashed = 0;
    std::uint64_t ended_messages = 0;
    std::int64_t longest_seen_ns = 0;  ///< run, in a look
  };

  /// A living actor's part, kept inside the actor. The counters are relaxed: they tell people, and
  /// decide nothing.
  struct Actor {
    Class* kind = nullptr;
    std::uint64_t id = 0;
    const void* self = nullptr;
    bool (*idle)(const void* self) = nullptr;  ///< nothing waits in its mailbox; any thread
    std::atomic<std::uint64_t> received{0};
    std::atomic<std::uint64_t> taken{0};  ///< of these, out of the mailbox
    std::string label;                    ///< guarded by the meter's mutex, as is the rest
    Actor* before = nullptr;
    Actor* after = nullptr;

    /// By a sender, before it sends. `empty`: nothing waits, and the actor sleeps.
    void receive(bool empty) {
      const auto earlier = received.fetch_add(1, std::memory_order_relaxed);
      // All that came before has been taken. A sender that saw it long ago must not say so now.
      if (empty && earlier > taken.load(std::memory_order_relaxed))
        taken.store(earlier, std::memory_order_relaxed);
    }
    /// By the actor, between two runs: so many are left.
    void left(std::uint64_t count) {
      taken.store(received.load(std::memory_order_relaxed) - count, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t waiting() const;
  };

  /// The part of one thread that runs actors. Written by that thread only.
  class Thread {
   public:
    static constexpr std::int64_t not_timed = INT64_MIN;

    /// How many runs the next one stands for, 0 = it is not to be timed: all of them are, one by
    /// one, unless there are more than a thousand a second (two looks).
    std::uint64_t weight() {
      if (budget_ > 0) {
        --budget_;
        return 1;
      }
      const auto look = looks_->load(std::memory_order_relaxed);
      if (look != look_) {  // a new look gives a new budget
        look_ = look;
        budget_ = timed_each_look - 1;
        return 1;
      }
      dice_ = dice_ * 6364136223846793005U + 1442695040888963407U;
      return dice_ >> (64U - one_of_bits) == 0 ? 1U << one_of_bits : 0;
    }
    void begin(const Actor& actor, std::int64_t now_ns) {
      kind_.store(actor.kind, std::memory_order_release);
      id_.store(actor.id, std::memory_order_release);
      since_ns_.store(now_ns, std::memory_order_release);
      run_.store(run_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
    /// The actor may be gone already. Weight 0: it was not timed.
    void end(std::int64_t now_ns, std::uint64_t weight) {
      auto& counts = counters(kind_.load(std::memory_order_relaxed)->index);
      add(counts.runs, 1);
      if (weight != 0) {
        const auto took = now_ns - since_ns_.load(std::memory_order_relaxed);
        add(counts.busy_ns, took * static_cast<std::int64_t>(weight));
        add(counts.times[RunTimes::index_of(took)], weight);
        if (took > counts.longest_ns.load(std::memory_order_relaxed))
          counts.longest_ns.store(took, std::memory_order_relaxed);
      }
      run_.store(run_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }

   private:
    friend class ActorMeter;
    struct Counters {
      std::atomic<std::uint64_t> runs{0};
      std::atomic<std::int64_t> busy_ns{0};
      std::atomic<std::int64_t> longest_ns{0};
      std::array<std::atomic<std::uint64_t>, RunTimes::size> times{};
    };
    /// One writer, so no locked instruction is needed.
    template <class Number, class By>
    static void add(std::atomic<Number>& to, By by) {
      to.store(to.load(std::memory_order_relaxed) + static_cast<Number>(by),
               std::memory_order_relaxed);
    }
    Counters& counters(std::size_t index) {
      auto* known = counters_[index].load(std::memory_order_relaxed);
      return known != nullptr ? *known : add_counters(index);
    }
    Counters& add_counters(std::size_t index);

    static constexpr std::size_t max_classes = 64;
    static constexpr std::uint64_t timed_each_look = 500;
    static constexpr unsigned one_of_bits = 6;  ///< beyond them one of 64
    std::thread::id thread_;
    const std::atomic<std::uint64_t>* looks_ = nullptr;
    std::uint64_t budget_ = timed_each_look;
    std::uint64_t look_ = 0;  ///< at which the budget was given
    std::uint64_t dice_ = 1;
    std::atomic<std::uint64_t> run_{0};  ///< odd while an actor runs
    std::atomic<Class*> kind_{nullptr};
    std::atomic<std::uint64_t> id_{0};
    std::atomic<std::int64_t> since_ns_{0};
    std::array<std::atomic<Counters*>, max_classes> counters_{};
    std::vector<std::unique_ptr<Counters>> owned_;  ///< this thread's only
    // Of looks; guarded by the meter's mutex.
    std::uint64_t seen_run_ = 0;
    std::int64_t seen_since_ns_ = 0;
  };

  ActorMeter();
  ~ActorMeter();
  ActorMeter(const ActorMeter&) = delete;
  ActorMeter& operator=(const ActorMeter&) = delete;

  /// From its spawn on. `name` is the class's.
  void add(Actor& actor, const char* name);
  /// From its end on; nothing touches it here after the return.
  void remove(Actor& actor, bool crashed);
  void set_label(Actor& actor, std::string label);
  /// The calling thread's part.
  [[nodiscard]] Thread& thread() {
    if (here.meter == number_) return *here.thread;
    return find_thread();
  }

  /// All classes that there were, by name.
  [[nodiscard]] std::vector<ActorClassStats> classes() const;
  /// Who runs now, and whose mailboxes hold at least so many. What it sees for the first time may
  /// have begun since the look before.
  [[nodiscard]] ActorLook look(std::int64_t now_ns, std::uint64_t least_waiting);

 private:
  struct Here {
    std::uint64_t meter = 0;
    Thread* thread = nullptr;
  };
  static constinit thread_local Here here;

  Thread& find_thread();
  Class& class_of(const char* name);
  void look_at(Thread& thread, ActorLook& out);
  [[nodiscard]] const Actor* find(std::uint64_t id) const;
  void add_runs(ActorClassStats& stats, std::size_t index) const;

  std::atomic<std::uint64_t> looks_{0};
  const std::uint64_t number_;  ///< no other meter of this process ever has it
  mutable std::mutex mutex_;
  std::deque<Class> classes_;   ///< guarded by mutex_, as is the rest
  std::deque<Thread> threads_;  ///< one that ended stays: what it counted counts
  Actor* first_ = nullptr;
};

}  // namespace muster
