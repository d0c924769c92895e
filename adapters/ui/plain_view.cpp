#include <fmt/format.h>

#include "adapters/ui/event_lines.hpp"
#include "adapters/ui/format.hpp"
#include "adapters/ui/view.hpp"

namespace muster::ui {
namespace {

class PlainView final : public View {
 public:
  PlainView(Write progress, Write answer)
      : progress_(std::move(progress)), answer_(std::move(answer)) {}

  void on_event(const UiEvent& event) override {
    if (start_ms_ == 0) start_ms_ = event.at_ms;
    if (const auto line = lines_.line(event))
      progress_(fmt::format("[{:>5}] {}\n", clock_text(event.at_ms - start_ms_), line->text));
  }
  void on_status(const StatusSnapshot&) override {}
  void tick(std::int64_t) override {}
  void finish(const nlohmann::json& outcome, std::int64_t) override {
    answer_(summary_text(outcome));
  }

 private:
  Write progress_;
  Write answer_;
  EventLines lines_;
  std::int64_t start_ms_ = 0;
};

}  // namespace

std::unique_ptr<View> make_plain_view(Write progress, Write answer) {
  return std::make_unique<PlainView>(std::move(progress), std::move(answer));
}

}  // namespace muster::ui
