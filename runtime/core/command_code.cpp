#include "runtime/core/command_code.hpp"

#include <algorithm>

namespace muster::policy {
namespace {

constexpr std::size_t max_literals = 200;

bool contains_any(std::string_view code, std::initializer_list<std::string_view> needles) {
  return std::any_of(needles.begin(), needles.end(), [&](std::string_view needle) {
    return code.find(needle) != std::string_view::npos;
  });
}

bool starts_processes(std::string_view code) {
  return contains_any(code, {"system", "popen", "subprocess", "spawn", "exec", "child_process",
                             "Popen", "qx", "`", "| \"", "pty.", "Process.", "IO.", "fork"});
}

bool removes_files(std::string_view code) {
  return contains_any(
      code, {"rmtree", "unlink", "rmdir", "remove(", "rmSync", "rm(", "rm_rf", "rm_r", "removeSync",
             "truncate", "File.delete", "remove_tree", "rimraf", "removedirs"});
}

/// The string literals of code in a C-like language; escapes are left as they are.
std::vector<std::string> literals(std::string_view code) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < code.size() && out.size() < max_literals; ++at) {
    const char quote = code[at];
    if (quote != '\'' && quote != '"' && quote != '`') continue;
    std::string text;
    for (++at; at < code.size() && code[at] != quote; ++at) {
      if (code[at] == '\\' && at + 1 < code.size()) ++at;
      text += code[at];
    }
    if (!text.empty()) out.push_back(std::move(text));
  }
  return out;
}

/// Objections that speak of deeds; that a literal is no good shell text means nothing here.
bool is_deed(const Objection& objection) {
  return objection &&
         !one_of(objection->rule, {"parse", "dynamic-command", "unknown-path", "rights"});
}

Objection as_shell(Checker& checker, const std::string& text) {
  auto objection = checker.text({text, false, false, false});
  return is_deed(objection) ? objection : std::nullopt;
}

bool writes_files(std::string_view code) {
  return contains_any(code, {"'w'",
                             "\"w\"",
                             "'a'",
                             "\"a\"",
                             "'wb'",
                             "\"wb\"",
                             "writeFile",
                             "appendFile",
                             "write_text",
                             "write_bytes",
                             "copyFile",
                             "shutil.copy",
                             "shutil.move",
                             "os.rename",
                             "os.symlink",
                             "os.chmod",
                             "File.write",
                             "file_put_contents",
                             "createWriteStream",
                             "> \"",
                             ">\""});
}

bool leaves_here(std::string_view path) {
  return path.starts_with('/') || path.starts_with("~/") || path.starts_with("..") || path == "~";
}

/// Paths in literals: secrets that it could read, places that it could write.
Objection check_paths(Checker& checker, std::string_view code,
                      const std::vector<std::string>& found) {
  for (const auto& literal : found) {
    if (literal.find_first_of(" \n") != std::string::npos) continue;
    const ShellWord word{literal, false, false, literal.starts_with('~')};
    if (auto objection = checker.secret(word, literal)) return objection;
    if (writes_files(code) && leaves_here(literal) && literal.size() > 1)
      if (auto objection = checker.writes(word)) return objection;
  }
  return std::nullopt;
}

Objection check_code(Checker& checker, std::string_view code) {
  const auto found = literals(code);
  if (auto objection = check_paths(checker, code, found)) return objection;
  if (starts_processes(code)) {
    std::string joined;
    for (const auto& literal : found) {
      if (auto objection = as_shell(checker, literal)) return objection;
      joined += literal + " ";
    }
    // ["rm", "-rf", "/"]: wherever the command starts in the list.
    for (std::size_t at = 0; !joined.empty() && at != std::string::npos;) {
      if (auto objection = as_shell(checker, joined.substr(at))) return objection;
      at = joined.find(' ', at + 1);
      if (at != std::string::npos && ++at >= joined.size()) break;
      if (joined.size() > 2000) break;
    }
  }
  if (!removes_files(code)) return std::nullopt;
  for (const auto& literal : found) {
    const ShellWord word{literal, false, false, literal.starts_with('~')};
    if (leaves_here(literal) || literal == ".")
      if (auto objection = checker.deletes(word, true)) return objection;
  }
  return std::nullopt;
}

std::string_view inline_flags(std::string_view name) {
  if (name.starts_with("python") || name == "pypy3") return "-c";
  if (name == "node" || name == "nodejs" || name == "bun") return "-e --eval -p --print -pe";
  if (name == "php") return "-r";
  if (name == "deno") return "";
  return "-e -E";
}

}  // namespace

bool is_interpreter(std::string_view name) {
  return name.starts_with("python") || name.starts_with("perl") || name.starts_with("ruby") ||
         one_of(name,
                {"node",   "nodejs", "bun",    "deno",    "php",   "lua",     "luajit",    "awk",
                 "gawk",   "mawk",   "nawk",   "pypy3",   "tclsh", "Rscript", "osascript", "guile",
                 "racket", "groovy", "jshell", "ts-node", "tsx",   "irb"});
}

Objection check_interpreter(Checker& checker, const std::string& name, const Words& words) {
  const bool awk = name.ends_with("awk");
  const auto flags =
      awk ? std::string("-F -v -f")
          : std::string(inline_flags(name)) + " -m -W -X -I -M -r --require --import";
  const auto options = read_options(words, flags, true);
  if (awk) {
    if (!options.operands.empty() && !options.has({"-f"}))
      return check_code(checker, options.operands[0].text);
    return std::nullopt;
  }
  for (const auto& [flag, value] : options.flags)
    if (value && one_of(flag, names(inline_flags(name))))
      if (auto objection = check_code(checker, value->text)) return objection;
  for (std::size_t i = 1; i + 1 < words.size(); ++i)
    if (one_of(words[i].text,
               {"-ne", "-pe", "-le", "-lne", "-ane", "-i.bak", "-pi", "-nle", "eval"}))
      for (std::size_t next = i + 1; next < words.size(); ++next)
        if (auto objection = check_code(checker, words[next].text)) return objection;
  // perl -pi -e ... FILE edits the file.
  const bool in_place = one_of(name, {"perl", "ruby"}) &&
                        std::any_of(words.begin(), words.end(), [](const ShellWord& word) {
                          return word.text.size() > 1 && word.text[0] == '-' &&
                                 word.text[1] != '-' &&
                                 word.text.substr(0, 4).find('i') != std::string::npos &&
                                 word.text.find('I') == std::string::npos;
                        });
  for (const auto& operand : options.operands)
    if (in_place && leaves_here(operand.text))
      if (auto objection = checker.writes(operand)) return objection;
  for (const auto& redirect : checker.command().redirects)
    if (redirect.op == "<<" || redirect.op == "<<<")
      if (auto objection = check_code(checker, redirect.target.text)) return objection;
  return std::nullopt;
}

}  // namespace muster::policy
