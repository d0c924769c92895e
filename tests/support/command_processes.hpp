#pragma once
// FakeProcesses for shell commands: each child is known by its command text instead of "/bin/bash".

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/fake_processes.hpp"

namespace muster::test {

class CommandProcesses final : public ProcessPort {
 public:
  std::shared_ptr<Process> start(ProcessSpec spec,
                                 std::function<void(ProcessExit)> on_exit) override {
    auto command = spec.argv.back();
    commands.push_back(command);
    specs.push_back(spec);
    spec.argv = {command};
    auto process = inner.start(std::move(spec), std::move(on_exit));
    if (on_start) on_start(command);
    return process;
  }

  FakeProcesses inner;
  std::vector<std::string> commands;  ///< in the order of their starts
  std::vector<ProcessSpec> specs;
  std::function<void(const std::string& command)> on_start;  ///< may end it at once
};

}  // namespace muster::test
