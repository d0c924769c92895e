#include "tests/sim/processes.hpp"

#include <utility>

namespace muster::sim {
namespace {

std::string mission_of_root(const std::string& root) {
  auto from = std::string("/trees/").size();
  return root.substr(from, root.find('/', from) - from);
}

}  // namespace

class SimProcesses::Child final : public Process,
                                  public std::enable_shared_from_this<SimProcesses::Child> {
 public:
  Child(SimProcesses& port, ProcessSpec spec, std::function<void(ProcessExit)> on_exit, Rng random)
      : world_(port.world_),
        ledger_(port.ledger_),
        life_(port.life_),
        deaf_(port.deaf),
        command_(spec.argv.back()),
        deadline_(spec.deadline),
        trees_(port.trees_.at(mission_of_root(spec.cwd))),
        key_(key_of_root(spec.cwd)),
        random_(random),
        on_exit_(std::move(on_exit)),
        begun_(port.world_.now()),
        started_at_ms_(port.world_.wall_ms()) {}

  void begin() {
    auto takes = random_.between(200, 15000) * millis;
    if (command_.starts_with("serve ")) takes = random_.between(30, 1200) * seconds;
    if (command_.starts_with("make") && random_.chance(0.01)) takes = 3600 * seconds;  // hangs
    auto deadline =
        deadline_ ? std::chrono::duration_cast<std::chrono::microseconds>(*deadline_).count() : 0;
    bool late = deadline > 0 && takes > deadline;
    auto me = shared_from_this();
    world_.after(life_, late ? deadline : takes, [me, late] { me->ends(late); });
  }
  void kill() override {
    if (!on_exit_ || killed_ || deaf_) return;
    killed_ = true;
    if (!life_->alive) return finish({});
    ledger_.process_ended(trees_->mission);  // as far as places go: it is on its way
    world_.after(life_, random_.between(0, 1500) * millis,
                 [me = shared_from_this()] { me->finish({}); });
  }
  [[nodiscard]] std::string tail(std::size_t) const override { return "output"; }
  [[nodiscard]] std::uint64_t output_bytes() const override {
    return static_cast<std::uint64_t>((world_.now() - begun_) / seconds);
  }
  [[nodiscard]] int pid() const override { return 1; }

 private:
  void ends(bool late) {
    ProcessExit exit;
    exit.exit_code = 0;
    exit.timed_out = late;
    if (late) exit.signal = 15;
    if (!late && command_.starts_with("make")) judge(exit);
    finish(std::move(exit));
  }
  /// What a build and a test would say of the tree, and leave behind in it.
  void judge(ProcessExit& exit) {
    auto* tree = trees_->find(key_);
    if (tree == nullptr) {
      exit.exit_code = 2;
      exit.output = "make: no such folder\n";
      return;
    }
    exit.output = trees_->problems(tree->files);
    exit.exit_code = exit.output.empty() ? 0 : 1;
    if (exit.exit_code == 0)
      ledger_.check_passed(trees_->mission, command_, trees_->hash(tree->files));
    if (random_.chance(0.2)) trees_->put(tree->files, "build/out.o", "binary");
  }
  void finish(ProcessExit exit) {
    if (!on_exit_) return;
    if (killed_) {
      exit.killed = true;
      exit.signal = 15;
    } else if (life_->alive) {
      ledger_.process_ended(trees_->mission);
    }
    exit.started_at_ms = started_at_ms_;
    exit.duration_ms = (world_.now() - begun_) / millis;
    exit.output_bytes = exit.output.size();
    exit.output_digest = std::to_string(Hash().add(exit.output).value());
    std::exchange(on_exit_, nullptr)(std::move(exit));
  }

  World& world_;
  Ledger& ledger_;
  LifePtr life_;
  bool deaf_;
  std::string command_;
  std::optional<std::chrono::milliseconds> deadline_;
  std::shared_ptr<Trees> trees_;
  std::string key_;
  Rng random_;
  std::function<void(ProcessExit)> on_exit_;
  Micros begun_;
  std::int64_t started_at_ms_;
  bool killed_ = false;
};

SimProcesses::SimProcesses(World& world, Ledger& ledger, TreesByMission& trees, std::uint64_t seed,
                           LifePtr life)
    : world_(world), ledger_(ledger), trees_(trees), seed_(seed), life_(std::move(life)) {}

std::shared_ptr<Process> SimProcesses::start(ProcessSpec spec,
                                             std::function<void(ProcessExit)> on_exit) {
  auto mission = mission_of_root(spec.cwd);
  auto command = spec.argv.back();
  auto random = stream(seed_, {"process", command, std::to_string(++number_)});
  auto child = std::make_shared<Child>(*this, std::move(spec), std::move(on_exit), random);
  if (!life_->alive) {
    child->kill();
    return child;
  }
  ledger_.process_started(mission, command);
  if (run_twice && number_ % 8 == 0) {
    ledger_.process_ended(mission);
    ledger_.process_started(mission, command);
  }
  child->begin();
  return child;
}

}  // namespace muster::sim
