#include "adapters/ui/caller.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "adapters/ui/json_get.hpp"
#include "runtime/core/text.hpp"

namespace muster::ui {
namespace {

using nlohmann::json;

constexpr std::int64_t period_ms = 2000;
constexpr std::size_t text_bytes = 200;

std::string question_of(const json& data) {
  const auto& questions = member(data, "questions");
  if (!questions.is_array() || questions.empty()) return {};
  return text(questions[0], "id") + ": " + text(questions[0], "text");
}

/// Replaces {title} and {text}; what is put in is not looked at again.
std::string filled(const std::string& word, const std::string& title, const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < word.size();) {
    if (word.compare(at, 7, "{title}") == 0) {
      out += title;
      at += 7;
    } else if (word.compare(at, 6, "{text}") == 0) {
      out += text;
      at += 6;
    } else {
      out += word[at++];
    }
  }
  return out;
}

}  // namespace

void Caller::on_notice(const std::string& type, const json& data, std::int64_t now_ms) {
  if (type == "needs_user") {
    waiting_ = {"muster needs you", question_of(data)};
  } else if (type == "mission_paused" && !text(data, "reason").empty()) {
    waiting_ = {"muster is paused", text(data, "reason")};
  } else if (type == "mission_ended") {
    const auto outcome = text(data, "outcome");
    waiting_ = {outcome == "sealed" ? "muster: SEALED" : "muster: " + outcome,
                text(data, outcome == "sealed" ? "summary" : "reason")};
    return make(now_ms);
  }
  tick(now_ms);
}

void Caller::tick(std::int64_t now_ms) {
  if (waiting_ && (!last_ms_ || now_ms - *last_ms_ >= period_ms)) make(now_ms);
}

void Caller::make(std::int64_t now_ms) {
  last_ms_ = now_ms;
  const auto call = *std::exchange(waiting_, std::nullopt);
  if (options_.ring) options_.ring();
  if (options_.command.empty() || !options_.run) return;
  std::vector<std::string> argv;
  argv.reserve(options_.command.size());
  for (const auto& word : options_.command)
    argv.push_back(filled(word, one_line(call.title, text_bytes), one_line(call.text, text_bytes)));
  options_.run(std::move(argv));
}

}  // namespace muster::ui
