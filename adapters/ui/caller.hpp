#pragma once
// Calls a person who looks elsewhere: the terminal's bell, and a program of theirs.

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace muster::ui {

/// Calls when the mission needs the user, has been paused by the engine, or has ended; at most
/// every two seconds, the newest thing first. The end is always told. One thread.
class Caller {
 public:
  struct Options {
    std::function<void()> ring;        ///< the bell; empty: none
    std::vector<std::string> command;  ///< an argument vector; {title} and {text} stand in it
    std::function<void(std::vector<std::string>)> run;  ///< runs it and does not wait for it
  };
  explicit Caller(Options options) : options_(std::move(options)) {}

  /// Times are milliseconds of any clock that does not go back.
  void on_notice(const std::string& type, const nlohmann::json& data, std::int64_t now_ms);
  void tick(std::int64_t now_ms);

 private:
  struct Call {
    std::string title;
    std::string text;
  };
  void make(std::int64_t now_ms);

  Options options_;
  std::optional<Call> waiting_;
  std::optional<std::int64_t> last_ms_;
};

}  // namespace muster::ui
