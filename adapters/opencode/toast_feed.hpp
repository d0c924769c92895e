#pragma once
// Which of the things that happen in a mission deserve a toast, and which one is next.

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

namespace muster::opencode {

struct Toast {
  std::string message;           ///< one line, safe to show
  std::string variant = "info";  ///< info | success | warning | error, as OpenCode names them
};

/// Keeps at most one toast of each kind, the newest, and hands out the weightiest first: the end,
/// then what needs the person, then limits, then progress. How often next() is called is how often
/// a person is disturbed. Pure; one thread.
class ToastFeed {
 public:
  /// A notice of the mission. After its end everything else that waits is dropped.
  void on_notice(const std::string& type, const nlohmann::json& data);
  /// The answer to wants_count(): how many tasks are done.
  void on_count(std::int64_t done, std::int64_t total);

  /// A task has ended: somebody is to ask how many are done and say so with on_count().
  [[nodiscard]] bool wants_count() const noexcept { return wants_count_; }
  /// Whether next() or wants_count() has something.
  [[nodiscard]] bool pending() const;
  std::optional<Toast> next();

 private:
  enum Kind : std::size_t { ended, needs_user, paused, limited, progress, started, kinds };
  void put(Kind kind, const std::string& message, std::string variant);

  std::array<std::optional<Toast>, kinds> waiting_;
  bool wants_count_ = false;
  std::int64_t shown_done_ = 0;
};

}  // namespace muster::opencode
