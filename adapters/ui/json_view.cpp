#include "adapters/ui/format.hpp"
#include "adapters/ui/json_get.hpp"
#include "adapters/ui/view.hpp"

namespace muster::ui {
namespace {

using json = nlohmann::json;

class JsonView final : public View {
 public:
  explicit JsonView(Write answer) : answer_(std::move(answer)) {}

  void on_event(const UiEvent& event) override {
    if (start_ms_ == 0) start_ms_ = event.at_ms;
    last_seq_ = std::max(last_seq_, event.seq);
    if (event.type == "mission_started") mission_ = text(event.data, "mission");
    if (event.type == "tick") return;
    line({{"schema_version", 1},
          {"seq", event.seq},
          {"ts", utc_text(event.at_ms)},
          {"type", event.type},
          {"data", event.data}});
  }
  void on_status(const StatusSnapshot& status) override { mission_ = status.mission; }
  void tick(std::int64_t) override {}

  void finish(const json& outcome, std::int64_t now_ms) override {
    json out = outcome.is_object() ? outcome : json::object();
    const json defaults = {
        {"outcome", "failed"},
        {"exit_code", 1},
        {"mission", mission_},
        {"input_tokens", 0},
        {"output_tokens", 0},
        {"cost_usd", 0},
        {"waived", json::array()},
        {"duration_ms", start_ms_ == 0 ? 0 : std::max<std::int64_t>(0, now_ms - start_ms_)}};
    for (const auto& [key, value] : defaults.items())
      if (!out.contains(key)) out[key] = value;
    out["tokens"] = number(out, "input_tokens") + number(out, "output_tokens");
    out["schema_version"] = 1;
    out["seq"] = last_seq_ + 1;
    out["ts"] = utc_text(now_ms);
    out["type"] = "result";
    line(out);
  }

 private:
  void line(const json& value) {
    answer_(value.dump(-1, ' ', true, json::error_handler_t::replace) + "\n");
  }

  Write answer_;
  std::string mission_;
  std::uint64_t last_seq_ = 0;
  std::int64_t start_ms_ = 0;
};

}  // namespace

std::unique_ptr<View> make_json_view(Write answer) {
  return std::make_unique<JsonView>(std::move(answer));
}

}  // namespace muster::ui
