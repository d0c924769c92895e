#pragma once
// A process port without processes: the test decides when each one ends and how.

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/ports/process.hpp"

namespace muster::test {

/// Single-threaded, for virtual time. Processes are known by argv[0].
class FakeProcesses final : public ProcessPort {
 public:
  class Child final : public Process {
   public:
    explicit Child(FakeProcesses& port) : port_(port) {}
    void kill() override {
      ++kills;
      if (std::exchange(throws_on_kill, false)) throw std::runtime_error("a bug in kill");
      if (dies_when_killed) finish_killed();
    }
    [[nodiscard]] std::string tail(std::size_t max_bytes) const override {
      return output.substr(output.size() > max_bytes ? output.size() - max_bytes : 0);
    }
    [[nodiscard]] std::uint64_t output_bytes() const override { return output.size(); }
    [[nodiscard]] int pid() const override { return 1; }

    void finish(ProcessExit exit) {
      if (!on_exit) return;
      exit.output = output;
      exit.output_bytes = output.size();
      --port_.running;
      std::exchange(on_exit, nullptr)(std::move(exit));
    }
    void finish_killed() {
      ProcessExit exit;
      exit.killed = true;
      exit.signal = 15;
      finish(std::move(exit));
    }

    ProcessSpec spec;
    std::string output;
    int kills = 0;
    bool dies_when_killed = true;
    bool throws_on_kill = false;  ///< the next time
    std::function<void(ProcessExit)> on_exit;

   private:
    FakeProcesses& port_;
  };

  std::shared_ptr<Process> start(ProcessSpec spec,
                                 std::function<void(ProcessExit)> on_exit) override {
    if (throws) throw std::runtime_error("no more processes");
    auto child = std::make_shared<Child>(*this);
    auto name = spec.argv.at(0);
    child->spec = std::move(spec);
    child->on_exit = std::move(on_exit);
    child->dies_when_killed = obedient;
    children[name] = child;
    most = std::max(most, ++running);
    if (start_error) {
      ProcessExit exit;
      exit.start_error = start_error;
      child->finish(std::move(exit));
    }
    return child;
  }

  Child& at(const std::string& name) { return *children.at(name); }
  /// Ends the process with an exit code.
  void exit(const std::string& name, int code = 0) {
    ProcessExit exit;
    exit.exit_code = code;
    exit.duration_ms = 5;
    at(name).finish(std::move(exit));
  }

  std::map<std::string, std::shared_ptr<Child>> children;
  int running = 0;
  int most = 0;
  bool obedient = true;  ///< new children end when they are killed
  bool throws = false;
  std::optional<Error> start_error;
};

}  // namespace muster::test
