#include "adapters/model/scenario_template.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "adapters/model/scenario_scan.hpp"

namespace muster::scripted {
namespace {

constexpr std::array<std::pair<std::string_view, Variable>, 7> kNames{{
    {"agent", Variable::agent},
    {"task", Variable::task},
    {"turn", Variable::turn},
    {"attempt", Variable::attempt},
    {"session", Variable::session},
    {"model", Variable::model},
    {"last_tool_output", Variable::last_tool_output},
}};

/// {{braces}} is two opening braces, for text in which a name stands between them.
constexpr std::string_view kBraces = "braces";

Error bad(const std::string& why) { return Error{ErrorCode::invalid_argument, why, "template"}; }

/// What stands between {{ and }} when it looks like a name; else empty, and the braces are text, as
/// in program code.
std::string_view variable_name(std::string_view text) {
  std::size_t size = 0;
  const auto is_name_char = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  };
  while (size < text.size() && is_name_char(text[size])) ++size;
  return text.substr(size, 2) == "}}" ? text.substr(0, size) : std::string_view();
}

Result<int> capture_number(std::string_view digits, int captures) {
  int number = -1;
  const auto end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end || number < 0) {
    return bad("{{capture.N}} needs a number");
  }
  if (number > captures) {
    return bad("{{capture." + std::to_string(number) + "}}: text_matches has " +
               std::to_string(captures) + " groups");
  }
  return number;
}

Result<Template::Piece> variable_piece(std::string_view name, int captures) {
  Template::Piece piece;
  constexpr std::string_view capture = "capture.";
  if (name.starts_with(capture)) {
    const auto number = capture_number(name.substr(capture.size()), captures);
    if (!number) return number.error();
    piece.variable = Variable::capture;
    piece.capture = number.value();
    return piece;
  }
  for (const auto& [known, variable] : kNames) {
    if (known == name) piece.variable = variable;
  }
  if (piece.variable) return piece;
  return bad("unknown variable {{" + std::string(name.substr(0, 40)) +
             "}} (known: agent, task, turn, attempt, session, model, last_tool_output, capture.N, "
             "braces)");
}

std::string value_of(const Template::Piece& piece, const TemplateValues& values) {
  const auto& request = values.request;
  switch (*piece.variable) {
    case Variable::agent:
      return request.agent;
    case Variable::task:
      return request.task;
    case Variable::turn:
      return std::to_string(request.turn);
    case Variable::attempt:
      return std::to_string(request.attempt);
    case Variable::session:
      return request.session;
    case Variable::model:
      return request.model;
    case Variable::last_tool_output:
      return request.last_tool_output();
    case Variable::capture:
      break;
  }
  const auto index = static_cast<std::size_t>(piece.capture);
  return index < values.captures.size() ? values.captures[index] : std::string();
}

}  // namespace

Result<Template> compile_template(std::string_view text, bool json, int captures) {
  Template made;
  made.json = json;
  std::string literal;
  while (!text.empty()) {
    const auto open = text.find("{{");
    literal += text.substr(0, open);
    if (open == std::string_view::npos) break;
    text.remove_prefix(open + 2);
    const auto name = variable_name(text);
    literal += name.empty() || name == kBraces ? "{{" : "";
    if (name.empty()) continue;
    text.remove_prefix(name.size() + 2);
    if (name == kBraces) continue;
    auto piece = variable_piece(name, captures);
    if (!piece) return piece.error();
    piece->literal = std::exchange(literal, {});
    made.pieces.push_back(*piece);
  }
  if (!literal.empty()) made.pieces.push_back({std::move(literal), std::nullopt, 0});
  return made;
}

std::string render(const Template& source, const TemplateValues& values) {
  std::string out;
  for (const auto& piece : source.pieces) {
    out += piece.literal;
    if (!piece.variable) continue;
    const auto value = value_of(piece, values);
    if (source.json) {
      append_escaped(out, value);
    } else {
      out += value;
    }
  }
  return out;
}

}  // namespace muster::scripted
