// Commands that are known to change nothing.

#include <algorithm>

#include "runtime/core/command_checker.hpp"

namespace muster {
namespace {

using namespace policy;

constexpr int max_depth = 4;

/// Readers whatever their words are.
const std::vector<std::string_view>& plain_readers() {
  static const auto table = names(
      "ls cat head tail wc grep egrep fgrep uniq cut tr diff cmp file stat du df pwd echo printf "
      "true false : test [ "
      "[[ (( which type basename dirname realpath readlink jq yq uname id whoami groups nproc "
      "md5sum sha1sum sha256sum "
      "sha512sum cksum b2sum xxd od hexdump strings nl column comm join paste tac rev fold fmt "
      "expand seq cd "
      "exit return let printenv ps free uptime locale arch tty lscpu lsblk nm objdump readelf ldd "
      "size "
      "cloc tokei scc bat less more zcat zgrep base64 sleep wait read shift unset set export local "
      "hostname");
  return table;
}

/// Readers unless one of these flags is there.
struct GuardedReader {
  std::string_view name;
  std::string_view writing;  // flags, or beginnings of long ones
};

const std::vector<GuardedReader>& guarded_readers() {
  static const std::vector<GuardedReader> table{
      {"sort", "-o --output --compress-program"},
      {"rg", "--pre --hostname-bin"},
      {"ag", "--pager"},
      {"tree", "-o -R"},
      {"date", "-s --set"},
      {"find", "-exec -execdir -ok -okdir -delete -fprint -fprint0 -fprintf -fls"},
      {"fd", "-x --exec -X --exec-batch"},
      {"sed", "-i --in-place"},
      {"yq", "-i --inplace"},
  };
  return table;
}

bool has_flag(const Words& words, std::string_view flags) {
  for (std::size_t at = 1; at < words.size(); ++at)
    for (const auto flag : names(flags)) {
      const std::string_view text = words[at].text;
      const bool cluster = flag.size() == 2 && text.size() > 2 && text[0] == '-' &&
                           text[1] != '-' && text.find(flag[1]) != std::string_view::npos;
      if (text == flag || (flag.starts_with("--") && text.starts_with(flag)) ||
          (flag.size() == 2 && text.starts_with(flag)) || cluster)
        return true;
    }
  return false;
}

/// find's flags are words, not clusters.
bool find_acts(const Words& words, std::string_view flags) {
  const auto acting = names(flags);
  return std::any_of(words.begin(), words.end(),
                     [&](const auto& word) { return one_of(word.text, acting); });
}

bool sed_reads(const Words& words) {
  const auto options = read_options(words, "-e --expression -f --file -l");
  if (options.has({"-i", "--in-place", "-f", "--file"})) return false;
  Words scripts;
  for (const auto& [flag, value] : options.flags)
    if (value) scripts.push_back(*value);
  if (scripts.empty() && !options.operands.empty()) scripts.push_back(options.operands[0]);
  // "w file" and "e command", as commands or as flags of s///: both letters are rare enough to
  // refuse.
  return std::none_of(scripts.begin(), scripts.end(), [](const ShellWord& script) {
    const auto& text = script.text;
    const bool substitutes =
        text.find("s/") != std::string::npos || text.find("s|") != std::string::npos;
    return script.dynamic || text.find("w ") != std::string::npos ||
           text.find("e ") != std::string::npos ||
           (substitutes && (text.ends_with('e') || text.ends_with('w')));
  });
}

bool awk_reads(const Words& words) {
  const auto options = read_options(words, "-F -v -f", true);
  if (options.has({"-f", "-i"}) || options.operands.empty()) return false;
  const auto& code = options.operands[0];
  return !code.dynamic && code.text.find("system") == std::string::npos &&
         code.text.find('|') == std::string::npos && code.text.find('>') == std::string::npos;
}

class Reader {
 public:
  Reader(const ShellTextParser& parse, int depth) : parse_(parse), depth_(depth) {}

  [[nodiscard]] bool program(const ShellProgram& program) const {
    if (program.has_error || depth_ > max_depth || !program.functions.empty()) return false;
    return std::all_of(program.commands.begin(), program.commands.end(),
                       [&](const auto& command) { return one(command); });
  }

 private:
  [[nodiscard]] bool one(const ShellCommand& command) const {
    for (const auto& redirect : command.redirects) {
      const bool copies = redirect.op == ">&" && redirect.target.text.find_first_not_of(
                                                     "0123456789-") == std::string::npos;
      const bool nowhere =
          one_of(redirect.target.text, {"/dev/null", "/dev/stdout", "/dev/stderr"});
      if (redirect.op.find('>') != std::string::npos && redirect.op != ">&-" && !copies && !nowhere)
        return false;
    }
    return !command.background && words(command.words, command);
  }

  [[nodiscard]] bool words(const Words& words, const ShellCommand& command) const {
    if (words.empty()) return true;  // an assignment
    if (words[0].dynamic || words[0].glob) return false;
    // A path may be anything, even when it ends in a reader's name.
    const auto& name = words[0].text;
    if (name == "git") return git_reads_only(words);
    if (one_of(name, {"bash", "sh"})) return shell(words);
    if (name == "sed") return sed_reads(words);
    if (one_of(name, {"awk", "gawk", "mawk"})) return awk_reads(words);
    for (const auto& reader : guarded_readers()) {
      if (name != reader.name) continue;
      return name == "find" ? !find_acts(words, reader.writing) : !has_flag(words, reader.writing);
    }
    if (one_of(name, plain_readers())) return true;
    if (words.size() == 2 && one_of(words[1].text, {"--version", "--help", "-V"}) &&
        name.find('/') == std::string::npos)
      return true;
    if (one_of(name, {"command", "time", "timeout", "env", "nice", "xargs"})) {
      if (name == "command" && words.size() > 1 && one_of(words[1].text, {"-v", "-V"})) return true;
      const auto rest = unwrap(words);
      return rest && this->words(*rest, command);
    }
    return false;
  }

  [[nodiscard]] bool shell(const Words& words) const {
    const auto text = read_shell_call(words).text;
    if (!text || text->dynamic || !parse_) return false;
    const auto parsed = parse_(text->text);
    return parsed && Reader(parse_, depth_ + 1).program(*parsed);
  }

  const ShellTextParser& parse_;
  int depth_;
};

}  // namespace

bool read_only(const ShellProgram& program, const ShellTextParser& parse) {
  return Reader(parse, 0).program(program);
}

}  // namespace muster
