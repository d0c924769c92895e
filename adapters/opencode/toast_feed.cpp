#include "adapters/opencode/toast_feed.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/core/text.hpp"

namespace muster::opencode {
namespace {

using nlohmann::json;

constexpr std::size_t max_message = 200;

std::string text(const json& data, const char* key) {
  if (!data.is_object()) return {};
  const auto found = data.find(key);
  return found != data.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number(const json& data, const char* key) {
  if (!data.is_object()) return 0;
  const auto found = data.find(key);
  return found != data.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::string first_question(const json& data) {
  if (!data.is_object() || !data.contains("questions") || !data["questions"].is_array() ||
      data["questions"].empty())
    return {};
  const json& question = data["questions"][0];
  return text(question, "id") + ": " + text(question, "text");
}

}  // namespace

void ToastFeed::put(Kind kind, const std::string& message, std::string variant) {
  waiting_[kind] = Toast{one_line(message, max_message), std::move(variant)};
}

void ToastFeed::on_notice(const std::string& type, const json& data) {
  if (type == "mission_started") {
    shown_done_ = 0;
    put(started, "started: " + text(data, "objective"), "info");
  } else if (type == "landed" || type == "todo_decided" || type == "plan_submitted") {
    wants_count_ = true;
  } else if (type == "lane.paused") {
    put(limited,
        text(data, "lane") + " is rate limited for " +
            std::to_string((number(data, "for_ms") + 999) / 1000) + " s",
        "warning");
  } else if (type == "limit_hit") {
    put(limited, "limit reached: " + text(data, "name"), "warning");
  } else if (type == "needs_user") {
    put(needs_user, "needs you: " + first_question(data), "warning");
  } else if (type == "mission_paused") {
    const std::string why = text(data, "reason");
    put(paused, "paused" + (why.empty() ? "" : ": " + why), "warning");
  } else if (type == "mission_ended") {
    const std::string outcome = text(data, "outcome");
    const bool good = outcome == "sealed" || outcome == "answered";
    std::fill(waiting_.begin(), waiting_.end(), std::nullopt);
    wants_count_ = false;
    put(ended, outcome == "sealed" ? "SEALED" : outcome + " " + text(data, "reason"),
        good                   ? "success"
        : outcome == "stopped" ? "info"
                               : "error");
  }
}

void ToastFeed::on_count(std::int64_t done, std::int64_t total) {
  wants_count_ = false;
  if (done <= shown_done_ || waiting_[ended]) return;
  shown_done_ = done;
  put(progress, std::to_string(done) + "/" + std::to_string(total) + " done", "info");
}

bool ToastFeed::pending() const {
  return wants_count_ || std::any_of(waiting_.begin(), waiting_.end(),
                                     [](const auto& toast) { return toast.has_value(); });
}

std::optional<Toast> ToastFeed::next() {
  for (auto& waiting : waiting_)
    if (waiting) return std::exchange(waiting, std::nullopt);
  return std::nullopt;
}

}  // namespace muster::opencode
