#pragma once
// What shows a mission while it runs. Progress goes to stderr, the answer to stdout.

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/ui/status_snapshot.hpp"

namespace muster::ui {

/// Something that happened, as the notifier tells it.
struct UiEvent {
  std::uint64_t seq = 0;
  std::int64_t at_ms = 0;  ///< wall clock
  std::string type;        ///< "landed", "agent", "lane.paused" ...
  nlohmann::json data;     ///< an object
};

/// Where a view writes. Called with whole pieces; must not throw.
using Write = std::function<void(std::string_view)>;

/// One thread at a time.
class View {
 public:
  virtual ~View() = default;
  virtual void on_event(const UiEvent& event) = 0;
  /// The latest picture; a view may ignore it.
  virtual void on_status(const StatusSnapshot& status) = 0;
  /// Time has passed: call it a few times a second.
  virtual void tick(std::int64_t now_ms) = 0;
  /// The end: `outcome` is the data of mission_ended ({outcome, exit_code, ...}), or one like it;
  /// `mission` and `duration_ms` are members that are filled in here when they are missing. Call it
  /// once.
  virtual void finish(const nlohmann::json& outcome, std::int64_t now_ms) = 0;
};

/// A line per event on `progress`; the summary on `answer`.
[[nodiscard]] std::unique_ptr<View> make_plain_view(Write progress, Write answer);

/// JSON Lines on `answer`: {"schema_version":1,"seq","ts","type","data"}, and at last a line of
/// type "result". ASCII only, so it is safe on a terminal too.
[[nodiscard]] std::unique_ptr<View> make_json_view(Write answer);

struct LiveOptions {
  std::function<std::size_t()> columns;  ///< of the terminal, asked at every drawing
  std::function<std::size_t()> rows;
  bool color = true;             ///< false with NO_COLOR
  std::int64_t redraw_ms = 100;  ///< at most one drawing in so many
};

/// A picture on a terminal, redrawn in place below the lines of what mattered. The cursor is hidden
/// while it lives and shown again by finish() and the destructor; a signal handler can write
/// restore_terminal().
[[nodiscard]] std::unique_ptr<View> make_live_view(Write progress, Write answer,
                                                   LiveOptions options);

/// The bytes that make a terminal usable again.
[[nodiscard]] std::string_view restore_terminal() noexcept;

/// The lines of one picture, each at most `columns` wide, at most `rows` of them. Pure; without
/// colour.
[[nodiscard]] std::vector<std::string> live_frame(const StatusSnapshot& status, std::size_t columns,
                                                  std::size_t rows, std::int64_t now_ms);

}  // namespace muster::ui
