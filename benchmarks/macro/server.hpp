#pragma once
// Other processes of a measurement: the model server, and one run of the engine.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "runtime/core/result.hpp"

namespace muster::bench {

/// A child process whose stdout is read here. Killed and reaped by the destructor.
class Child {
 public:
  static Result<Child> start(const std::vector<std::string>& argv);
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;

  /// The next line, without its end; timeout, or unavailable at the end of its output.
  Result<std::string> line(std::chrono::seconds at_most);
  /// User and system time so far, of all its threads.
  [[nodiscard]] std::chrono::microseconds cpu() const;
  /// Asks it to end (SIGTERM), waits, kills.
  void stop();

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}
  pid_t pid_;
  int output_;
  std::string buffer_;
};

struct ModelServer {
  Child process;
  std::string url;  ///< "http://127.0.0.1:PORT/v1"

  /// `muster model-server --scenario FILE`, once it listens.
  static Result<ModelServer> start(const std::string& program, const std::string& scenario);
};

}  // namespace muster::bench
