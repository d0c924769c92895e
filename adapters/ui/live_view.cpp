#include <fmt/format.h>

#include <algorithm>

#include "adapters/ui/event_lines.hpp"
#include "adapters/ui/format.hpp"
#include "adapters/ui/view.hpp"
#include "adapters/ui/width.hpp"
#include "runtime/core/text.hpp"

namespace muster::ui {
namespace {

constexpr std::size_t narrow = 60;
constexpr std::size_t min_columns = 20;

std::string header(const StatusSnapshot& s, std::size_t columns) {
  const std::string count = fmt::format("{}/{}", s.todo_done, s.todo_total);
  const std::string tokens = count_text(s.input_tokens + s.output_tokens);
  const std::string phase = one_line(s.phase.empty() ? "starting" : s.phase, 30);
  if (columns < narrow)
    return fmt::format("{} {} {} {}", phase, count, tokens, clock_text(s.elapsed_ms));
  std::string out =
      fmt::format("{} · iteration {} · {} done · {} tokens", phase, s.iteration, count, tokens);
  if (s.cost_usd > 0) out += " · " + cost_text(s.cost_usd);
  return out + " · " + clock_text(s.elapsed_ms);
}

/// "████░░░░ 3/8"; nothing without tasks.
std::string bar(const StatusSnapshot& s, std::size_t columns) {
  if (s.todo_total <= 0) return {};
  const std::size_t size = std::min<std::size_t>(30, columns / 2);
  const auto done =
      static_cast<std::size_t>(std::clamp<std::int64_t>(s.todo_done, 0, s.todo_total));
  const std::size_t full = size * done / static_cast<std::size_t>(s.todo_total);
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += i < full ? "█" : "░";
  return out + fmt::format(" {}/{}", done, s.todo_total);
}

std::string agent_line(const StatusSnapshot::Agent& agent, std::size_t columns,
                       std::int64_t now_ms) {
  const bool small = columns < narrow;
  const std::size_t role = small ? 9 : 15;
  const std::size_t task = small ? 6 : 9;
  const std::string time = clock_text(agent.since_ms > 0 ? now_ms - agent.since_ms : 0);
  const std::string tokens =
      small ? "" : fmt::format(" {:>7}", count_text(agent.input_tokens + agent.output_tokens));
  const std::string end = fmt::format(" {:>5}{}", time, tokens);
  const std::size_t used = 2 + role + 1 + task + 1 + end.size();
  const std::size_t rest = columns > used ? columns - used : 0;
  return fmt::format("  {} {} {}{}", pad(one_line(agent.role, 60), role),
                     pad(one_line(agent.task, 60), task), pad(doing_text(agent), rest), end);
}

std::vector<std::string> notes(const StatusSnapshot& s, std::int64_t now_ms) {
  std::vector<std::string> out;
  for (const auto& lane : s.lanes) {
    if (lane.paused_until_ms && *lane.paused_until_ms > now_ms)
      out.push_back(fmt::format("  ~ {} pauses {}", one_line(lane.name, 100),
                                clock_text(*lane.paused_until_ms - now_ms + 999)));
    if (lane.breaker != "closed")
      out.push_back(
          fmt::format("  ~ {} breaker {}", one_line(lane.name, 100), one_line(lane.breaker, 20)));
  }
  if (s.issues_open > 0) out.push_back(fmt::format("  ! {} issue(s) open", s.issues_open));
  for (const auto& limit : s.limits_hit) out.push_back("  ! limit " + one_line(limit, 100));
  // What to type comes first: it must survive a narrow terminal.
  for (const auto& question : s.questions)
    out.push_back(fmt::format("  ? muster answer {}: {}", one_line(question.id, 40),
                              one_line(question.text, 300)));
  return out;
}

class LiveView final : public View {
 public:
  LiveView(Write progress, Write answer, LiveOptions options)
      : progress_(std::move(progress)), answer_(std::move(answer)), options_(std::move(options)) {}
  ~LiveView() override { leave(); }

  void on_event(const UiEvent& event) override {
    if (start_ms_ == 0) start_ms_ = event.at_ms;
    const auto line = lines_.line(event);
    if (!line || !line->important) return;
    log_ +=
        cut(fmt::format("[{:>5}] {}", clock_text(event.at_ms - start_ms_), line->text), width()) +
        "\n";
    dirty_ = true;
    draw(event.at_ms);
  }

  void on_status(const StatusSnapshot& status) override {
    status_ = status;
    dirty_ = true;
  }

  void tick(std::int64_t now_ms) override {
    // The clocks of the agents move although nothing happens.
    if (now_ms - drawn_ms_ >= 1000 || width() != drawn_width_) dirty_ = true;
    draw(now_ms);
  }

  void finish(const nlohmann::json& outcome, std::int64_t) override {
    leave();
    answer_(summary_text(outcome));
    finished_ = true;
  }

 private:
  /// The last column stays free: some terminals wrap when it is used.
  [[nodiscard]] std::size_t width() const {
    return std::max(min_columns, options_.columns ? options_.columns() : 80) - 1;
  }
  [[nodiscard]] std::size_t height() const {
    const std::size_t rows = options_.rows ? options_.rows() : 24;
    return rows > 4 ? rows - 2 : 2;
  }

  void draw(std::int64_t now_ms) {
    if (finished_ || !dirty_ || (drawn_ms_ != 0 && now_ms - drawn_ms_ < options_.redraw_ms)) return;
    std::string out = erase() + (hidden_ ? "" : "\x1b[?25l");
    hidden_ = true;
    out += std::exchange(log_, {});
    drawn_width_ = width();
    shown_ = live_frame(status_, drawn_width_, height(), now_ms);
    for (std::size_t i = 0; i < shown_.size(); ++i) out += colored(shown_[i], i == 0) + "\n";
    progress_(out);
    drawn_ms_ = now_ms;
    dirty_ = false;
  }

  [[nodiscard]] std::string colored(const std::string& line, bool first) const {
    if (!options_.color) return line;
    const char* code = first                        ? "1"
                       : line.rfind("  ? ", 0) == 0 ? "33"
                       : line.rfind("  ! ", 0) == 0 ? "31"
                       : line.rfind("  ~ ", 0) == 0 ? "2"
                                                    : nullptr;
    return code == nullptr ? line : fmt::format("\x1b[{}m{}\x1b[0m", code, line);
  }

  /// Goes back over the picture and wipes it, to the end of the screen. A terminal that has become
  /// narrower since has wrapped its lines.
  [[nodiscard]] std::string erase() const {
    const std::size_t columns = options_.columns ? options_.columns() : 80;
    std::size_t rows = 0;
    for (const std::string& line : shown_) rows += wrapped_rows(line, columns);
    return rows == 0 ? "" : fmt::format("\x1b[{}A\r\x1b[J", rows);
  }

  void leave() {
    if (!hidden_ && log_.empty()) return;
    progress_(erase() + std::exchange(log_, {}) + (hidden_ ? std::string(restore_terminal()) : ""));
    shown_.clear();
    hidden_ = false;
  }

  Write progress_;
  Write answer_;
  LiveOptions options_;
  EventLines lines_;
  StatusSnapshot status_;
  std::string log_;                 ///< lines that go above the picture with the next drawing
  std::vector<std::string> shown_;  ///< the lines of the picture, as they were drawn
  std::size_t drawn_width_ = 0;
  std::int64_t start_ms_ = 0;
  std::int64_t drawn_ms_ = 0;
  bool dirty_ = true;
  bool hidden_ = false;
  bool finished_ = false;
};

}  // namespace

std::string_view restore_terminal() noexcept { return "\x1b[0m\x1b[?25h"; }

std::vector<std::string> live_frame(const StatusSnapshot& status, std::size_t columns,
                                    std::size_t rows, std::int64_t now_ms) {
  std::vector<std::string> out{header(status, columns)};
  if (const std::string progress = bar(status, columns); !progress.empty())
    out.push_back("  " + progress + "  " + one_line(status.objective, 300));
  else if (!status.objective.empty())
    out.push_back("  " + one_line(status.objective, 300));
  const auto below = notes(status, now_ms);
  // What waits for the user is never pushed out by agents.
  const std::size_t kept = std::min(below.size(), rows > 3 ? rows - 3 : 1);
  const std::size_t room = rows > out.size() + kept ? rows - out.size() - kept : 0;
  const std::size_t agents = status.agents.size();
  const std::size_t shown = agents <= room ? agents : (room > 0 ? room - 1 : 0);
  for (std::size_t i = 0; i < shown; ++i)
    out.push_back(agent_line(status.agents[i], columns, now_ms));
  if (shown < agents && room > 0) out.push_back(fmt::format("  … {} more agents", agents - shown));
  out.insert(out.end(), below.end() - static_cast<std::ptrdiff_t>(kept), below.end());
  if (out.size() > rows) out.resize(std::max<std::size_t>(rows, 1));
  for (std::string& line : out) line = cut(line, columns);
  return out;
}

std::unique_ptr<View> make_live_view(Write progress, Write answer, LiveOptions options) {
  return std::make_unique<LiveView>(std::move(progress), std::move(answer), std::move(options));
}

}  // namespace muster::ui
