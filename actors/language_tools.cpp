#include "actors/language_tools.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "actors/session.hpp"
#include "runtime/core/code_places.hpp"
#include "runtime/core/json_read.hpp"
#include "runtime/core/paths.hpp"
#include "runtime/core/plan.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using Kind = LanguageQuestion::Kind;

constexpr auto answer_deadline = 120s;  // a server's start and its look at the project included
constexpr std::size_t file_bytes = 4U << 20U;
constexpr std::size_t other_file_bytes = 256U << 10U;
constexpr std::size_t most_paths = 20;
constexpr std::size_t most_others = 30;  // files that use the name, opened beside the first
constexpr std::size_t shown_places = 60;
constexpr std::size_t shown_complaints = 60;
constexpr std::size_t hover_bytes = 4000;

std::optional<Kind> kind_of(const std::string& tool) {
  if (tool == "diagnostics") return Kind::diagnostics;
  if (tool == "definition") return Kind::definition;
  if (tool == "references") return Kind::references;
  if (tool == "hover") return Kind::hover;
  if (tool == "rename") return Kind::rename;
  return std::nullopt;
}

Result<std::string> read_text(WorkspaceFiles& files, const std::string& path) {
  auto content = files.slurp(path, file_bytes);
  if (!content) return content.error();
  if (!content->has_value()) return Error{ErrorCode::not_found, "there is no such file", path};
  return std::move(**content);
}

bool is_identifier(const std::string& name) {
  return !name.empty() && name.size() <= 200 && std::none_of(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || c == '$' || c == '#' || c == '~' || byte >= 0x80;
    return !word;
  });
}

/// The path relative to the tree; empty when it lies outside.
std::string inside(const std::string& root, const std::string& path) {
  return path_below(root, path) ? relative_to(root, path) : std::string();
}

/// Puts a question together.
class Planner {
 public:
  Planner(LanguagePort& port, WorkspaceFiles& files, const LanguageToolPlace& place)
      : port_(port), files_(files), place_(place) {}

  Result<LanguageToolPlan> diagnostics(const json& args) {
    LanguageToolPlan out;
    const auto list = args.find("paths");
    if (list == args.end() || !list->is_array() || list->empty() || list->size() > most_paths)
      return Error{ErrorCode::invalid_argument,
                   "argument 'paths' must be a list of 1 to " + std::to_string(most_paths)};
    FileTexts texts;
    for (const auto& entry : *list) {
      auto path = normalise_path(entry.is_string() ? entry.get<std::string>() : std::string());
      if (!path) return path.error();
      auto text = read_text(files_, *path);
      if (!text) return text.error();
      texts[*path] = std::move(*text);
      out.paths.push_back(*path);
    }
    add_own(texts);
    out.plan = plan_diagnostics(port_, place_.root, texts);
    return out;
  }

  Result<LanguageToolPlan> about_name(Kind kind, const json& args) {
    LanguageToolPlan out;
    out.kind = kind;
    out.name = json_text(args, "name");
    out.new_name = json_text(args, "new_name");
    auto path = normalise_path(json_text(args, "path"));
    if (!path) return path.error();
    out.paths = {*path};
    auto text = read_text(files_, *path);
    if (!text) return text.error();
    const auto line = args.value("line", json(0));
    auto offset =
        find_name(TextPositions(*text), line.is_number_integer() ? line.get<int>() : 0, out.name);
    if (!offset) {
      auto error = offset.error();
      error.context = *path;
      return error;
    }
    if (kind == Kind::rename && !is_identifier(out.new_name))
      return Error{ErrorCode::invalid_argument, "argument 'new_name' must be a name"};
    return ask_about(std::move(out), *text, *offset);
  }

 private:
  Result<LanguageToolPlan> ask_about(LanguageToolPlan out, const std::string& text,
                                     std::size_t offset) {
    const auto match = server_of(out.paths.front());
    if (!match) return match.error();
    auto question = std::make_shared<LanguageQuestion>();
    question->kind = out.kind;
    question->offset = offset;
    question->new_name = out.new_name;
    question->documents.push_back(
        {place_.root + "/" + out.paths.front(), match->language_id, text});
    add_others(*question, out.name, *match);
    out.plan.questions.push_back({*match, std::move(question), out.paths, {match->configured}});
    return out;
  }

  Result<LanguageMatch> server_of(const std::string& path) {
    Error why{ErrorCode::not_found, "no language server is configured for such a file", path};
    for (auto& match : port_.servers_of(place_.root, path)) {
      const auto there = port_.available(match.key);
      if (there) return std::move(match);
      why = there.error();
    }
    return why;
  }

  /// A server knows of the files that it has seen, and takes what is open for what it shall be:
  /// what the session changes, and, for who uses a name, all that hold the name.
  void add_others(LanguageQuestion& question, const std::string& name, const LanguageMatch& match) {
    std::set<std::string> paths = place_.own;
    if (question.kind == Kind::references || question.kind == Kind::rename)
      for (auto& path : files_with(name)) paths.insert(std::move(path));
    for (const auto& path : paths) {
      if (question.documents.size() > most_others) return;
      add_other(question, path, match);
    }
  }

  void add_other(LanguageQuestion& question, const std::string& path, const LanguageMatch& match) {
    const auto absolute = place_.root + "/" + path;
    if (absolute == question.documents.front().path) return;
    for (const auto& other : port_.servers_of(place_.root, path)) {
      if (other.key.language != match.key.language || other.key.root != match.key.root) continue;
      auto text = files_.slurp(path, other_file_bytes);
      if (text && text->has_value())
        question.documents.push_back({absolute, other.language_id, std::move(**text)});
      return;
    }
  }

  /// By text: a word in a comment costs a file that is opened in vain.
  std::vector<std::string> files_with(const std::string& name) {
    std::vector<std::string> out;
    if (!is_identifier(name)) return out;
    std::string pattern;
    for (const char c : name) pattern += c == '$' ? std::string("\\$") : std::string(1, c);
    const auto found = files_.grep(pattern, ".", "");
    if (!found) return out;
    for (const auto line : split_lines(found->text)) {
      auto path = std::string(line.substr(0, line.find(':')));
      if (!path.empty() && (out.empty() || out.back() != path)) out.push_back(std::move(path));
    }
    return out;
  }

  void add_own(FileTexts& texts) {
    for (const auto& path : place_.own) {
      if (texts.size() > most_others) return;
      auto text = files_.slurp(path, other_file_bytes);
      if (text && text->has_value()) texts.emplace(path, std::move(**text));
    }
  }

  LanguagePort& port_;
  WorkspaceFiles& files_;
  const LanguageToolPlace& place_;
};

/// Texts of the tree's files, read once each.
class PlaceTexts {
 public:
  PlaceTexts(WorkspaceFiles& files, const std::string& root) : files_(files), root_(root) {}

  std::string describe(const TextLocation& place, TextEncoding encoding) {
    const auto path = inside(root_, place.path);
    if (path.empty())
      return "outside of the tree: " + place.path + ":" +
             std::to_string(place.range.start.line + 1);
    auto [at, fresh] = texts_.try_emplace(path, std::string());
    if (fresh) {
      auto text = files_.slurp(path, file_bytes);
      if (text && text->has_value()) at->second = TextPositions(std::move(**text));
    }
    return path + ":" + describe_place(at->second, place.range, encoding);
  }

 private:
  WorkspaceFiles& files_;
  const std::string& root_;
  std::map<std::string, TextPositions> texts_;
};

}  // namespace

bool is_language_reading_tool(const std::string& name) noexcept {
  return name == "diagnostics" || name == "definition" || name == "references" || name == "hover";
}

bool is_language_tool(const std::string& name) noexcept {
  return is_language_reading_tool(name) || name == "rename";
}

const std::set<std::string>& language_tools() {
  static const std::set<std::string> names{"diagnostics", "definition", "references", "hover",
                                           "rename"};
  return names;
}

Result<LanguageToolPlan> plan_language_tool(LanguagePort& port, WorkspaceFiles& files,
                                            const LanguageToolPlace& place, const std::string& tool,
                                            const std::string& arguments) {
  const auto args = json::parse(arguments, nullptr, false);
  const auto kind = kind_of(tool);
  if (!args.is_object() || !kind)
    return Error{ErrorCode::malformed, "the arguments are not a JSON object; send them again"};
  Planner planner(port, files, place);
  return *kind == Kind::diagnostics ? planner.diagnostics(args) : planner.about_name(*kind, args);
}

std::string diagnostics_for_model(const LanguageToolPlan& asked, const DiagnosticsFound& found) {
  std::string out;
  std::size_t shown = 0;
  std::set<std::string> clean;
  for (const auto& [at, file] : found.files) {
    const auto& path = at.first;
    if (std::find(asked.paths.begin(), asked.paths.end(), path) == asked.paths.end()) continue;
    clean.insert(path);
    for (const auto& one : file.found) {
      if (one.severity > Severity::warning) continue;
      clean.erase(path);
      if (++shown <= shown_complaints) out += describe_diagnostic(path, at.second, one) + "\n";
    }
  }
  if (shown > shown_complaints)
    out += "and " + std::to_string(shown - shown_complaints) + " more\n";
  for (const auto& path : clean) out += path + ": no errors, no warnings\n";
  std::set<std::string> silent(asked.paths.begin(), asked.paths.end());
  for (const auto& [at, file] : found.files) silent.erase(at.first);
  for (const auto& [reason, paths] : found.unchecked)
    for (const auto& path : paths)
      if (std::find(asked.paths.begin(), asked.paths.end(), path) != asked.paths.end()) {
        out += path + ": not checked: " + one_line(reason, 300) + "\n";
        silent.erase(path);
      }
  for (const auto& path : silent)
    out += path + ": not checked: no language server is configured for such a file\n";
  return out;
}

std::string answer_for_model(WorkspaceFiles& files, const std::string& root,
                             const LanguageToolPlan& asked, const LanguageAnswer& answer) {
  if (asked.kind == Kind::hover) {
    const auto text = trim(answer.text);
    return text.empty() ? "nothing is known about '" + asked.name + "' there"
                        : std::string(bounded_head(strip_terminal_escapes(text), hover_bytes));
  }
  PlaceTexts texts(files, root);
  std::set<std::string> lines;
  for (const auto& place : answer.places) {
    if (lines.size() > shown_places) break;
    lines.insert(texts.describe(place, answer.encoding));
  }
  if (lines.empty()) return "none was found for '" + asked.name + "'";
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  if (answer.places.size() > shown_places)
    out += "and more; " + std::to_string(answer.places.size()) + " in all\n";
  return out;
}

Result<std::vector<FileRewrite>> rewrites_of(WorkspaceFiles& files, const std::string& root,
                                             const LanguageToolPlan& asked,
                                             const LanguageAnswer& answer) {
  std::vector<FileRewrite> out;
  for (const auto& edits : answer.edits) {
    const auto path = inside(root, edits.path);
    if (path.empty())
      return Error{ErrorCode::permission_denied,
                   "the rename would change a file outside of the tree", edits.path};
    auto text = read_text(files, path);
    if (!text) return text.error();
    auto renamed = apply_edits(*text, edits, answer.encoding, asked.name);
    if (!renamed) {
      auto error = renamed.error();
      error.context = path;
      return error;
    }
    if (*renamed != *text) out.push_back({path, std::move(*text), std::move(*renamed)});
  }
  if (out.empty()) return Error{ErrorCode::conflict, "the rename would change nothing"};
  return out;
}

// ---- The session's side
// -------------------------------------------------------------------------------------------

void Session::run_language_tool(const ToolCall& call) {
  if (call.name == "rename" && !spec_.profile->writes)
    return tool_failed(
        call, {ErrorCode::permission_denied, "the role " + spec_.profile->role + " may not write"});
  if (!deps_.languages)
    return tool_failed(call, {ErrorCode::not_found, "there are no language servers here"});
  LanguageToolPlace place{spec_.root, spec_.leases};
  on_pool(
      [call, place, files = files_, port = deps_.languages.port] {
        return plan_language_tool(*port, *files, place, call.name, call.arguments);
      },
      [this, call](Result<LanguageToolPlan>& plan) {
        if (!plan) return tool_failed(call, plan.error());
        auto asking = std::make_shared<LanguageAsking>();
        asking->call = call;
        asking->plan = std::move(*plan);
        asking->found.leave_out(asking->plan.plan.unchecked);
        asking->until = compat::now(self_) + answer_deadline;
        ask_language_server(asking);
      });
}

void Session::ask_language_server(const std::shared_ptr<LanguageAsking>& asking) {
  if (finished_) return;
  const auto& questions = asking->plan.plan.questions;
  if (asking->next >= questions.size())
    return tool_result(asking->call, diagnostics_for_model(asking->plan, asking->found));
  const auto& question = questions[asking->next];
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(asking->until - compat::now(self_));
  const auto desk = deps_.languages.desk();
  if (left.count() <= 0 || !desk)
    return language_answered(
        asking, Error{desk ? ErrorCode::timeout : ErrorCode::unavailable,
                      desk ? "no time was left" : "the language servers are being restarted"});
  compat::request(
      self_, desk, left,
      [this, asking](const LanguageAnswerPtr& answer) { language_answered(asking, answer); },
      [this, asking](const Error& error) { language_answered(asking, error); }, ask_atom_v,
      question.server.key, LanguageQuestionPtr(question.question));
}

void Session::language_answered(const std::shared_ptr<LanguageAsking>& asking,
                                const Result<LanguageAnswerPtr>& said) {
  if (finished_) return;
  const auto& question = asking->plan.plan.questions[asking->next++];
  if (asking->plan.kind == Kind::diagnostics) {
    asking->found.take(question, said);
    return ask_language_server(asking);
  }
  if (!said) return tool_failed(asking->call, said.error());
  if (asking->plan.kind == Kind::rename)
    return on_pool([asking, answer = *said, files = files_,
                    root = spec_.root] { return rewrites_of(*files, root, asking->plan, *answer); },
                   [this, asking](const Result<std::vector<FileRewrite>>& rewrites) {
                     lease_rewrites(asking->call, rewrites);
                   });
  on_pool([asking, answer = *said, files = files_,
           root = spec_.root] { return answer_for_model(*files, root, asking->plan, *answer); },
          [this, asking](const std::string& text) { tool_result(asking->call, text); });
}

}  // namespace muster
