#include "actors/file_tools.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "actors/tool_arguments.hpp"
#include "runtime/core/plan.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using nlohmann::json;

constexpr std::size_t edited_bytes = 64U << 20U;  // of a file whose edit is in doubt

Result<FileToolOutcome> shown(Result<ToolText> text) {
  if (!text) return text.error();
  return FileToolOutcome{std::move(text->text), {}};
}

Result<FileToolOutcome> wrote(Result<WriteReceipt> receipt, const char* verb) {
  if (!receipt) return receipt.error();
  auto text = std::string(verb) + " " + receipt->path;
  if (receipt->digest_before == receipt->digest_after)
    text += " (unchanged: it already had this content)";
  if (!receipt->note.empty()) text += "; " + receipt->note;
  return FileToolOutcome{text, {*receipt}};
}

Result<FileToolOutcome> run_read(WorkspaceFiles& files, const json& args) {
  auto path = text_argument(args, "path", true);
  if (!path) return path.error();
  return shown(files.read(*path, std::max(int_argument(args, "first_line", 1), 1),
                          int_argument(args, "line_count", 0)));
}

Result<FileToolOutcome> run_list(WorkspaceFiles& files, const json& args) {
  auto path = text_argument(args, "path", false);
  if (!path) return path.error();
  return shown(files.list(path->empty() ? "." : *path, int_argument(args, "depth", 2)));
}

Result<FileToolOutcome> run_glob(WorkspaceFiles& files, const json& args) {
  auto pattern = text_argument(args, "pattern", true);
  if (!pattern) return pattern.error();
  return shown(files.glob(*pattern));
}

Result<FileToolOutcome> run_grep(WorkspaceFiles& files, const json& args) {
  auto pattern = text_argument(args, "pattern", true);
  if (!pattern) return pattern.error();
  auto path = text_argument(args, "path", false);
  if (!path) return path.error();
  auto include = text_argument(args, "include", false);
  if (!include) return include.error();
  return shown(files.grep(*pattern, path->empty() ? "." : *path, *include));
}

Result<FileToolOutcome> run_write(WorkspaceFiles& files, const json& args) {
  auto path = text_argument(args, "path", true);
  if (!path) return path.error();
  auto content = text_argument(args, "content", true);
  if (!content) return content.error();
  return wrote(files.write(*path, *content), "wrote");
}

struct Edit {
  std::string path;
  std::string before;
  std::string after;
  bool all = false;
};

Result<Edit> parse_edit(const json& args) {
  auto path = text_argument(args, "path", true);
  if (!path) return path.error();
  auto before = text_argument(args, "old_text", true);
  if (!before) return before.error();
  auto after = text_argument(args, "new_text", true);
  if (!after) return after.error();
  return Edit{*path, *before, *after, args.value("all", json(false)) == json(true)};
}

Result<FileToolOutcome> run_edit(WorkspaceFiles& files, const json& args) {
  auto edit = parse_edit(args);
  if (!edit) return edit.error();
  return wrote(files.edit(edit->path, edit->before, edit->after, edit->all), "edited");
}

}  // namespace

bool is_reading_tool(const std::string& name) noexcept {
  return name == "read" || name == "list" || name == "glob" || name == "grep";
}

bool is_writing_tool(const std::string& name) noexcept { return name == "write" || name == "edit"; }

Result<std::string> written_path(const std::string& arguments) {
  auto args = tool_arguments(arguments);
  if (!args) return args.error();
  auto path = text_argument(*args, "path", true);
  if (!path) return path.error();
  return normalise_path(*path);
}

Result<FileToolOutcome> run_file_tool(WorkspaceFiles& files, const std::string& name,
                                      const std::string& arguments) {
  auto args = tool_arguments(arguments);
  if (!args) return args.error();
  if (name == "read") return run_read(files, *args);
  if (name == "list") return run_list(files, *args);
  if (name == "glob") return run_glob(files, *args);
  if (name == "grep") return run_grep(files, *args);
  if (name == "write") return run_write(files, *args);
  if (name == "edit") return run_edit(files, *args);
  return Error{ErrorCode::not_found, "there is no tool '" + name + "'"};
}

Result<FileToolOutcome> run_rewrite(WorkspaceFiles& files,
                                    const std::vector<FileRewrite>& rewrites) {
  auto receipts = files.rewrite(rewrites);
  if (!receipts) return receipts.error();
  FileToolOutcome out{"changed", {}};
  for (const auto& receipt : *receipts) {
    out.text += (&receipt == receipts->data() ? " " : ", ") + receipt.path;
    if (receipt.digest_before == receipt.digest_after) out.text += " (unchanged)";
    if (!receipt.note.empty()) out.text += " (" + receipt.note + ")";
  }
  out.written = std::move(*receipts);
  return out;
}

Result<FileToolOutcome> finish_edit(WorkspaceFiles& files, const std::string& name,
                                    const std::string& arguments) {
  auto args = tool_arguments(arguments);
  if (!args) return args.error();
  auto edit = parse_edit(*args);
  if (!edit) return edit.error();
  auto content = files.slurp(edit->path, edited_bytes);
  if (!content || !*content) return run_file_tool(files, name, arguments);  // says what is wrong
  const bool has_before = (*content)->find(edit->before) != std::string::npos;
  const bool has_after = (*content)->find(edit->after) != std::string::npos;
  if (has_before && !has_after) return run_file_tool(files, name, arguments);
  if (has_after && !has_before) return FileToolOutcome{"edited " + edit->path, {}};
  return FileToolOutcome{
      "interrupted: the edit may or may not have been made; read the file before you go on", {}};
}

std::string describe_call(const std::string& name, const std::string& arguments) {
  auto args = json::parse(arguments, nullptr, false);
  if (!args.is_object()) return name;
  for (const char* key : {"command", "path", "pattern", "title", "question", "job"})
    if (auto found = args.find(key); found != args.end() && found->is_string()) {
      const auto& value = found->get_ref<const std::string&>();
      return name + " " +
             std::string(bounded_head(std::string_view(value).substr(0, value.find('\n')), 120));
    }
  return name;
}

}  // namespace muster
