#pragma once
// A child process whose output is read as it comes. Waiting is for a line or for the end, never for
// a time.

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace muster::test {

/// Far longer than anything here takes: only a broken program waits for it.
constexpr std::chrono::seconds patience{200};

using Environment = std::map<std::string, std::string>;

/// How a program ended, and all that it said.
struct Ended {
  int exit_code = -1;  ///< valid when signal == 0
  int signal = 0;
  std::string out;
  std::string err;
  std::chrono::milliseconds duration{0};
};

/// What its standard input and error are: /dev/null and a pipe, or a terminal both.
enum class Stdio { pipes, terminal };

class Program {
 public:
  /// Starts argv[0] (found in PATH) with exactly this environment. Throws when it cannot.
  Program(std::vector<std::string> argv, const std::string& cwd, const Environment& environment,
          Stdio stdio = Stdio::pipes);
  /// Ends what still runs, gently first.
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number);
  [[nodiscard]] bool running() const;

  /// The first line of standard output (or error) that `wanted` likes, also of what came before.
  /// Throws, with all that was said, when the program ended or fell silent without it.
  std::string wait_line(const std::function<bool(const std::string&)>& wanted);
  std::string wait_line(const std::string& part);
  std::string wait_error_line(const std::string& part);
  /// Waits for its end. Throws when it does not end in time.
  Ended wait(std::chrono::milliseconds limit = patience);
  [[nodiscard]] std::string out() const;
  [[nodiscard]] std::string err() const;

 private:
  void read_all(int out, int err, int process);
  std::string wait_in(const std::string& text,
                      const std::function<bool(const std::string&)>& wanted);

  pid_t pid_ = -1;
  std::chrono::steady_clock::time_point started_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string out_;  ///< guarded by mutex_, as are the rest
  std::string err_;
  std::optional<Ended> ended_;
  std::thread reader_;
};

/// Runs a program to its end.
Ended run_program(std::vector<std::string> argv, const std::string& cwd,
                  const Environment& environment);

}  // namespace muster::test
