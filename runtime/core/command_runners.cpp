// Commands that run other commands or code: wrappers, shells, find, interpreters.

#include <algorithm>

#include "runtime/core/command_checker.hpp"
#include "runtime/core/command_code.hpp"
#include "runtime/core/paths.hpp"

namespace muster::policy {
namespace {

bool is_shell(std::string_view name) {
  return one_of(name, {"sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "fish", "rbash", "csh",
                       "tcsh", "pwsh"});
}

bool is_fetcher(const ShellCommand* command) {
  return command && !command->words.empty() &&
         one_of(command_name(command->words[0]),
                {"curl", "wget", "fetch", "aria2c", "http", "https", "nc"});
}

// ---- find
// ----------------------------------------------------------------------------------------------

struct FindQuery {
  Words starts;
  std::string filter = "*";  // what the last part of a found path looks like
};

/// The paths that find may name, as one glob per start. A filter counts only when nothing loosens
/// it.
FindQuery find_query(const Words& words) {
  FindQuery query;
  std::size_t at = 1;
  while (at < words.size() && one_of(words[at].text, {"-H", "-L", "-P"})) ++at;
  for (; at < words.size(); ++at) {
    const auto& word = words[at];
    if (!word.dynamic && (word.text.starts_with('-') || one_of(word.text, {"!", "(", ")"}))) break;
    query.starts.push_back(word);
  }
  if (query.starts.empty()) query.starts.push_back({".", false, false, false});
  bool loose = false;
  std::string filter;
  for (; at < words.size(); ++at) {
    const auto& text = words[at].text;
    loose = loose || one_of(text, {"!", "-not", "-o", "-or", ","});
    const bool has_next = at + 1 < words.size();
    if (!has_next || words[at + 1].dynamic) continue;
    if (one_of(text, {"-name", "-iname", "-path", "-ipath", "-wholename"}))
      filter = base_name(words[at + 1].text);
    if (one_of(text, {"-regex", "-iregex"})) filter = "*x*";
    if (text == "-empty") filter = "*empty*";
  }
  if (any_of(words.begin(), words.end(), [](const auto& word) { return word.text == "-empty"; }))
    filter = "*empty*";
  if (!loose && !filter.empty()) query.filter = filter;
  return query;
}

/// `between` may stand for the folders on the way.
Words found_paths(const FindQuery& query, std::string_view between = "") {
  Words out;
  for (auto start : query.starts) {
    if (!start.dynamic) start.text = join_path(start.text, join_path(between, query.filter));
    start.glob = true;
    out.push_back(start);
  }
  return out;
}

/// A command that gets found paths: "rm -f {}" or "... | xargs rm -f". Removing is judged as if it
/// took everything below.
Objection with_paths(Checker& checker, Words words, const Words& paths, std::string_view mark) {
  std::erase_if(words, [&](const ShellWord& word) { return word.text == mark; });
  // Inside a longer word ("sh -c 'rm {}'") the found name is text that nobody has seen.
  for (auto& word : words) word.dynamic = word.dynamic || word.text.find(mark) != std::string::npos;
  if (words.empty()) return std::nullopt;
  auto target = unwrap(words);
  while (target) {
    words = *target;
    target = unwrap(words);
  }
  if (words.empty()) return std::nullopt;
  static const auto removers = names("rm rmdir unlink shred mv");
  if (one_of(command_name(words[0]), removers))
    for (const auto& path : paths)
      if (auto objection = checker.deletes(path, true)) return objection;
  if (!is_shell(command_name(words[0]))) words.insert(words.end(), paths.begin(), paths.end());
  return checker.command_words(words);
}

Objection check_find(Checker& checker, const Words& words) {
  const auto query = find_query(words);
  const auto paths = found_paths(query);
  for (std::size_t at = 1; at < words.size(); ++at) {
    const auto& text = words[at].text;
    if (text == "-delete")
      for (const auto& path : paths)
        if (auto objection = checker.deletes(path, true)) return objection;
    if (one_of(text, {"-fprint", "-fprint0", "-fprintf", "-fls"}) && at + 1 < words.size())
      if (auto objection = checker.writes(words[at + 1])) return objection;
    // fd's -x and -X are find's -exec and -exec ... +.
    if (!one_of(text, {"-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"}))
      continue;
    Words command;
    for (++at; at < words.size() && !one_of(words[at].text, {";", "+"}); ++at)
      command.push_back(words[at]);
    if (auto objection = with_paths(checker, command, paths, "{}")) return objection;
    for (const auto& path : found_paths(query, "**"))
      if (auto objection = checker.secret(path, path.text)) return objection;
  }
  return std::nullopt;
}

Objection check_xargs(Checker& checker, const Words& words) {
  auto rest = unwrap(words).value_or(Words{});
  const auto options =
      read_options(words, "-I --replace -n -P -L -d -a -s -E --arg-file --delimiter", true);
  if (rest.empty()) return std::nullopt;
  const auto mark =
      options.value({"-I", "--replace"}).value_or(ShellWord{"{}", false, false, false});
  const auto* source = checker.upstream();
  const bool from_find =
      source && !source->words.empty() && command_name(source->words[0]) == "find";
  const Words paths = from_find ? found_paths(find_query(source->words))
                                : Words{{"$(standard input)", true, false, false}};
  return with_paths(checker, rest, paths, mark.text);
}

// ---- shells
// --------------------------------------------------------------------------------------------

Objection piped_text(Checker& checker) {
  for (const auto& redirect : checker.command().redirects) {
    if (redirect.op == "<<" || redirect.op == "<<<") {
      ShellWord body = redirect.target;
      body.dynamic =
          redirect.op == "<<<" && body.dynamic;  // a here-document's own expansions are parsed
      return checker.text(body);
    }
    if (redirect.op == "<" && !checker.in_workspace(redirect.target))
      return deny("pipe-to-shell",
                  "a shell may not run what comes from there; write it to a file and look at it",
                  redirect.target);
  }
  if (checker.command().reads_pipe)
    return deny("pipe-to-shell",
                "a shell may not run what comes out of a pipe; save it, look at it, then run it");
  return std::nullopt;
}

Objection script_file(Checker& checker, const ShellWord& script) {
  const bool substituted = script.text.starts_with("<(");
  if (substituted || one_of(script.text, {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})) {
    if (substituted || checker.command().reads_pipe)
      return deny("pipe-to-shell",
                  "a shell may not run what comes out of a pipe; save it, look at it, then run it",
                  script);
    return piped_text(checker);
  }
  if (!checker.in_workspace(script))
    return deny("script-outside", "only scripts of the workspace may be run by a shell", script);
  return std::nullopt;
}

Objection check_shell(Checker& checker, const Words& words) {
  const auto call = read_shell_call(words);
  if (call.only_asks) return std::nullopt;
  if (call.startup)
    if (auto objection = script_file(checker, *call.startup)) return objection;
  if (call.text) return checker.text(*call.text);
  if (call.wants_text) return std::nullopt;
  return call.script ? script_file(checker, *call.script) : piped_text(checker);
}

Objection check_eval(Checker& checker, const Words& words) {
  ShellWord joined;
  for (std::size_t at = 1; at < words.size(); ++at) {
    joined.text += (at > 1 ? " " : "") + words[at].text;
    joined.dynamic = joined.dynamic || words[at].dynamic;
  }
  return joined.text.empty() ? std::nullopt : checker.text(joined);
}

/// alias x='rm -rf /', trap 'rm -rf /' EXIT, watch 'rm -rf /', parallel, script -c ...
Objection check_text_runners(Checker& checker, const std::string& name, const Words& words) {
  if (name == "alias") {
    for (std::size_t at = 1; at < words.size(); ++at) {
      const auto equals = words[at].text.find('=');
      ShellWord value = words[at];
      if (equals == std::string::npos) continue;
      value.text = value.text.substr(equals + 1);
      if (auto objection = checker.text(value)) return objection;
    }
    return std::nullopt;
  }
  if (name == "trap") {
    const auto operands = read_options(words, "").operands;
    const bool is_text = operands.size() > 1 && !one_of(operands[0].text, {"", "-"});
    return is_text ? checker.text(operands[0]) : std::nullopt;
  }
  const auto options =
      read_options(words, "-c --command -n --interval -w --timeout -E -j --jobs", true);
  if (const auto text = options.value({"-c", "--command"}))
    if (auto objection = checker.text(*text)) return objection;
  Words rest = options.operands;
  if (name == "flock" || name == "script") {
    if (!rest.empty())
      if (auto objection = checker.writes(rest.front())) return objection;
    if (!rest.empty()) rest.erase(rest.begin());
    const auto inner = read_options(
        [&] {
          Words all{words[0]};
          all.insert(all.end(), rest.begin(), rest.end());
          return all;
        }(),
        "-c --command", true);
    if (const auto text = inner.value({"-c", "--command"}))
      if (auto objection = checker.text(*text)) return objection;
    return checker.command_words(inner.operands);
  }
  if (rest.empty()) return std::nullopt;
  Words joined{words[0]};
  joined.insert(joined.end(), rest.begin(), rest.end());
  return check_eval(checker, joined);
}

/// Wrappers whose own words are hard to tell from the command's: every suffix must be innocent.
Objection check_vague(Checker& checker, const Words& words) {
  for (std::size_t at = 1; at < words.size(); ++at) {
    if (words[at].dynamic || words[at].text.empty() || words[at].text[0] == '-') continue;
    // gdb -ex 'shell rm -rf /'
    if (words[at].text.find(' ') != std::string::npos) {
      ShellWord text = words[at];
      for (const std::string_view lead : {"shell ", "!"})
        if (text.text.starts_with(lead)) text.text.erase(0, lead.size());
      if (auto objection = checker.text(text); objection && objection->rule != "parse")
        return objection;
      continue;
    }
    const Words suffix(words.begin() + static_cast<std::ptrdiff_t>(at), words.end());
    if (auto objection = checker.command_words(suffix)) return objection;
  }
  return std::nullopt;
}

bool only_asks(const std::string& name, const Words& words) {
  return name == "command" && words.size() > 1 && one_of(words[1].text, {"-v", "-V"});
}

/// "cmake -E rm -rf x" and its relatives are what they are called after.
Objection check_cmake_tool(Checker& checker, const Words& words) {
  Words rest(words.begin() + 2, words.end());
  if (rest[0].text.starts_with("remove"))
    rest.insert(rest.begin() + 1, {"-r", false, false, false});
  auto& tool = rest[0].text;
  if (tool.starts_with("remove")) tool = "rm";
  if (tool.starts_with("copy")) tool = "cp";
  if (tool == "rename") tool = "mv";
  if (tool == "make_directory") tool = "mkdir";
  if (tool.starts_with("create_")) tool = "ln";
  return checker.command_words(rest);
}

Objection check_env(Checker& checker, const Words& words) {
  const auto options = read_options(words, "-u --unset -C --chdir -S --split-string", true);
  if (const auto text = options.value({"-S", "--split-string"}))
    if (auto objection = checker.text(*text)) return objection;
  for (const auto& word : options.operands) {
    if (word.text.find('=') == std::string::npos) break;
    static const auto loaded = names(
        "LD_PRELOAD= LD_AUDIT= BASH_ENV= GIT_SSH= GIT_SSH_COMMAND= GIT_DIR= GIT_EXTERNAL_DIFF=");
    for (const auto prefix : loaded)
      if (word.text.starts_with(prefix))
        return deny("environment", "setting it changes what later commands mean", word);
  }
  if (options.has({"-C", "--chdir"}))
    return deny("environment", "use cd, so that paths can be checked", words[0]);
  return std::nullopt;
}

}  // namespace

Objection check_runners(Checker& checker, const std::string& name, const Words& words) {
  static const auto text_runners = names("alias trap watch parallel script flock entr");
  static const auto vague = names(
      "setarch i386 linux32 linux64 prlimit chrt taskset strace ltrace valgrind unbuffer "
      "xvfb-run dbus-run-session catchsegv direnv faketime systemd-inhibit firejail bwrap "
      "proot fakeroot torsocks proxychains perf gdb rlwrap socat numactl cgexec dotenv "
      "concurrently nodemon chronic ts doas hyperfine");
  if (name == "find" || name == "fd" || name == "fdfind") return check_find(checker, words);
  if (name == "xargs") return check_xargs(checker, words);
  if (is_shell(name)) return check_shell(checker, words);
  if (name == "eval") return check_eval(checker, words);
  if (name == "source" || name == ".")
    return words.size() > 1 ? script_file(checker, words[1]) : std::nullopt;
  if (one_of(name, text_runners)) return check_text_runners(checker, name, words);
  if (one_of(name, vague)) return check_vague(checker, words);
  if (name == "env")
    if (auto objection = check_env(checker, words)) return objection;
  if (is_interpreter(name)) {
    if (checker.command().reads_pipe && is_fetcher(checker.upstream()) &&
        read_options(words, "").operands.empty())
      return deny("pipe-to-shell",
                  "what is fetched is not run unseen; save it, look at it, then run it", words[0]);
    return check_interpreter(checker, name, words);
  }
  if (only_asks(name, words)) return std::nullopt;
  if (one_of(name, {"npx", "npm", "bunx", "pnpm", "yarn"}))
    if (const auto text =
            read_options(words, "-c --call -p --package --prefix").value({"-c", "--call"}))
      if (auto objection = checker.text(*text)) return objection;
  if (one_of(name, {"mapfile", "readarray"}))
    if (const auto text = read_options(words, "-C -c -d -n -O -s -t -u").value({"-C"}))
      return checker.text(*text);
  if (name == "cmake" && words.size() > 2 && words[1].text == "-E")
    return check_cmake_tool(checker, words);
  if (const auto rest = unwrap(words)) return checker.command_words(*rest);
  return std::nullopt;
}

}  // namespace muster::policy
