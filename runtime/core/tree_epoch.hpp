#pragma once
// A fence around a tree of actors: what belongs to an epoch that is over starts nothing any more,
// and its results are refused. A message that says "stop" takes its time; this does not.

#include <atomic>
#include <memory>
#include <utility>

namespace muster {

/// The epoch of one tree (a mission, or one task of it, within its mission's). Owned by the root of
/// the tree; tickets may be held, copied and asked on any thread.
class TreeEpoch {
 public:
  /// Belongs to the epoch in which it was given out, and to those of all trees around it.
  class Ticket {
   public:
    Ticket() = default;  ///< of no tree: never over
    [[nodiscard]] bool current() const noexcept {
      for (const auto* at = node_.get(); at != nullptr; at = at->parent.get())
        if (at->over.load(std::memory_order_acquire)) return false;
      return true;
    }

   private:
    friend class TreeEpoch;
    struct Node {
      std::shared_ptr<const Node> parent;
      std::atomic<bool> over{false};
    };
    explicit Ticket(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
    std::shared_ptr<const Node> node_;
  };

  TreeEpoch() = default;
  /// A tree within the epoch that `around` has now.
  [[nodiscard]] static TreeEpoch within(const TreeEpoch& around) {
    TreeEpoch inner;
    inner.node_->parent = around.node_;
    return inner;
  }

  [[nodiscard]] Ticket ticket() const { return Ticket(node_); }
  /// Ends this epoch, for the trees within it too, and begins the next.
  void advance() {
    auto next = std::make_shared<Ticket::Node>();
    next->parent = node_->parent;
    std::exchange(node_, std::move(next))->over.store(true, std::memory_order_release);
  }

 private:
  std::shared_ptr<Ticket::Node> node_ = std::make_shared<Ticket::Node>();
};

}  // namespace muster
