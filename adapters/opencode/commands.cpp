#include "adapters/opencode/commands.hpp"

#include <algorithm>
#include <map>

#include "runtime/core/text.hpp"

namespace muster::opencode {
namespace {

Error usage(std::string_view text) { return {ErrorCode::invalid_argument, std::string(text)}; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "Q12", in either case.
bool is_question_id(std::string_view word) {
  return word.size() > 1 && (word[0] == 'Q' || word[0] == 'q') &&
         std::all_of(word.begin() + 1, word.end(), is_digit);
}

Result<Command> start(std::string_view name, std::string_view words) {
  static const std::map<std::string_view, MissionKind> kinds{
      {"task", MissionKind::run},      {"auto", MissionKind::run}, {"plan", MissionKind::plan},
      {"review", MissionKind::review}, {"fix", MissionKind::fix},  {"search", MissionKind::search}};
  const auto kind = kinds.find(name);
  if (kind == kinds.end())
    return Error{ErrorCode::not_found, "no command '" + std::string(name.substr(0, 60)) + "'"};
  if (words.empty() && name == "task") return Command{GoOn{}};
  if (words.empty() && kind->second != MissionKind::review)
    return usage("usage: /" + std::string(name) + " what is to be done, in words");
  return Command{Start{kind->second, std::string(words), name == "auto"}};
}

Result<Command> cancel(std::string_view words) {
  if (words.empty()) return Command{Stop{}};
  if (words.find_first_of(" \t\n") != std::string_view::npos)
    return usage("usage: /cancel ends the mission, /cancel M1.T2 one task of it");
  return Command{Drop{std::string(words)}};
}

Result<Command> answer(std::string_view words) {
  Answer out;
  const auto first = words.substr(0, words.find_first_of(" \t\n"));
  if (is_question_id(first)) {
    out.id = "Q" + std::string(first.substr(1));
    words = trim(words.substr(first.size()));
  }
  if (words.empty()) return usage("usage: /answer Q1 your words");
  out.text = std::string(words);
  return Command{std::move(out)};
}

}  // namespace

Result<Command> parse_command(std::string_view name, std::string_view arguments) {
  const auto words = trim(arguments);
  if (name == "cancel") return cancel(words);
  if (name == "answer") return answer(words);
  if (name == "stop") return Command{Stop{}};
  if (name == "status") return Command{ShowStatus{}};
  if (name == "agents") return Command{ShowAgents{}};
  return start(name, words);
}

}  // namespace muster::opencode
