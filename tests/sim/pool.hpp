#pragma once
// The pool of threads for what blocks: everything takes a while, and may overtake what came before.

#include <algorithm>
#include <functional>

#include "runtime/ports/blocking.hpp"
#include "tests/sim/world.hpp"

namespace muster::sim {

class SimPool final : public Blocking {
 public:
  SimPool(World& world, LifePtr life, Rng random, bool reorder)
      : world_(world), life_(std::move(life)), random_(random), reorder_(reorder) {}

  /// After a crash what still comes here runs at once: its ports do nothing any more.
  void run(std::function<void()> work) override {
    if (!life_->alive) return work();
    auto at =
        world_.now() + (slow ? random_.between(50, 3000) * millis : random_.between(50, 3000));
    if (!reorder_) at = last_ = std::max(last_ + 1, at);
    waiting_.push_back(std::make_shared<std::function<void()>>(std::move(work)));
    auto mine = waiting_.back();
    world_.after(life_, at - world_.now(), [this, mine] {
      std::erase(waiting_, mine);
      (*mine)();
    });
  }
  /// The engine is gone: what waited runs now, in vain.
  void crash() {
    auto left = std::exchange(waiting_, {});
    for (auto& work : left) (*work)();
  }

  bool slow = false;

 private:
  World& world_;
  LifePtr life_;
  Rng random_;
  bool reorder_;
  Micros last_ = 0;
  std::vector<std::shared_ptr<std::function<void()>>> waiting_;
};

}  // namespace muster::sim
