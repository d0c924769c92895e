#include "adapters/opencode/hosted_prompt.hpp"

#include <nlohmann/json.hpp>

#include "runtime/core/text.hpp"

namespace muster::opencode {
namespace {

using nlohmann::json;

constexpr std::size_t max_result = 2000;     // bytes of an earlier result
constexpr std::size_t max_history = 100000;  // of all of it: its end is what counts

std::string role_of(const json& message) { return message.value("role", ""); }

std::string text_of(const json& message) {
  auto found = message.find("content");
  return found != message.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string shortened(const std::string& text) {
  if (text.size() <= max_result) return text;
  return std::string(bounded_head(text, max_result / 2)) + "\n[...]\n" +
         std::string(bounded_tail(text, max_result / 2));
}

std::string retold(const json& message) {
  const auto role = role_of(message);
  const auto text = text_of(message);
  if (role == "tool") return "Its result: " + shortened(text) + "\n";
  if (role == "user") return "You were told: " + text + "\n";
  std::string out = text.empty() ? "" : "You said: " + text + "\n";
  for (const auto& call : message.value("tool_calls", json::array())) {
    const auto& function = call.at("function");
    out += "You called " + function.value("name", "") + " " +
           shortened(function.value("arguments", "")) + "\n";
  }
  return out;
}

}  // namespace

std::string first_prompt(const json& messages) {
  std::string briefing, history;
  for (const auto& message : messages) {
    if (role_of(message) == "system") continue;
    if (briefing.empty() && role_of(message) == "user")
      briefing = text_of(message);
    else
      history += retold(message);
  }
  if (history.empty()) return briefing;
  return briefing +
         "\n\n<muster-notice>You take over in the middle of this work. What you said and did so "
         "far:\n" +
         std::string(bounded_tail(history, max_history)) + "Go on from there.</muster-notice>";
}

NewWords words_since(const json& messages, std::size_t known) {
  NewWords out;
  for (std::size_t i = known; i < messages.size(); ++i) {
    const auto& message = messages[i];
    if (role_of(message) == "tool")
      out.results.push_back({message.value("tool_call_id", ""), text_of(message)});
    if (role_of(message) == "user") out.said.push_back(text_of(message));
  }
  return out;
}

std::string follow_up(const NewWords& words) {
  std::string out;
  for (const auto& result : words.results) out += "The result of your call: " + result.text + "\n";
  for (const auto& text : words.said) out += text + "\n";
  return out.empty() ? "<muster-notice>Go on.</muster-notice>" : out;
}

}  // namespace muster::opencode
