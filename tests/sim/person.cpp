#include "tests/sim/person.hpp"

#include <nlohmann/json.hpp>

namespace muster::sim {

using nlohmann::json;

void Person::watch() {
  for (const auto& [mission, book] : outside_.ledger.books())
    if (!book.told_end_at) look_at(mission);
  auto pause = outside_.options.agents < 100 ? random_.between(10, 60) : random_.between(60, 300);
  outside_.world.after(pause * seconds, [this] { watch(); });
}

/// What `muster status` shows is all that a person has when a notice was lost.
void Person::look_at(const std::string& mission) {
  auto* engine = engine_(mission);
  if (engine == nullptr) return;
  auto seen = [this, mission, life = engine->life()](const Result<std::string>& status) {
    if (!status || !life->alive) return;
    auto shown = json::parse(*status, nullptr, false);
    bool paused = shown.is_object() && shown.value("phase", "") == "paused";
    react(mission, outside_.ledger.book(mission), paused);
  };
  engine->control("status", "{}", seen);
}

void Person::react(const std::string& mission, const MissionBook& book, bool paused) {
  if (paused) {
    if (random_.chance(0.6)) control(mission, "resume", "{}");
    return;
  }
  if (book.ended_at) return;
  if (!book.state.questions.empty() && random_.chance(0.8))
    return answer(mission, book.state.questions[random_.below(book.state.questions.size())]);
  if (outside_.options.faults.contains("user")) meddle(mission, book.state);
}

void Person::answer(const std::string& mission, const Question& question) {
  auto number = ++answers_[mission];
  std::string text = random_.chance(0.5) ? "try again" : "do as you think best";
  if (question.id == plan_question) text = random_.chance(0.8) ? "approve" : "smaller steps";
  // Patience ends: what does not work is dropped, and in the end all of it.
  if (question.id == plan_question && number > 4) text = "approve";
  if (!question.task.empty() && (number > 12 || random_.chance(0.2))) text = "skip";
  if (question.task.empty() && question.id != plan_question && number > 12)
    return control(mission, "stop", "{}");
  control(mission, "answer", json{{"id", question.id}, {"text", text}}.dump());
}

void Person::meddle(const std::string& mission, const State& state) {
  auto roll = random_.below(1000);
  auto some_task = [&] {
    return state.tasks.empty() ? std::string()
                               : state.tasks[random_.below(state.tasks.size())].spec.id;
  };
  if (roll < 30) control(mission, "tell", json{{"task", some_task()}, {"text", "a hint"}}.dump());
  if (roll >= 30 && roll < 50) control(mission, "pause", "{}");
  if (roll >= 50 && roll < (state.tasks.size() > 50 ? 51 : 57)) control(mission, "stop", "{}");
  if (roll >= 60 && roll < 85 && !state.tasks.empty())
    control(mission, "todo",
            json{{"action", roll % 2 == 0 ? "drop" : "accept"}, {"id", some_task()}}.dump());
  if (roll == 90) control(mission, "waive", json{{"check", "test"}}.dump());
}

void Person::control(const std::string& mission, const std::string& method,
                     const std::string& params) {
  auto* engine = engine_(mission);
  if (engine == nullptr) return;
  if (method == "stop") stopped_.insert(mission);
  outside_.ledger.say("user: " + mission + " " + method + " " + params);
  engine->control(method, params, [](const Result<std::string>&) {});
}

}  // namespace muster::sim
