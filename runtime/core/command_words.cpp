#include "runtime/core/command_words.hpp"

#include <algorithm>
#include <map>

#include "runtime/core/paths.hpp"

namespace muster::policy {

std::vector<std::string_view> names(std::string_view list) {
  std::vector<std::string_view> out;
  while (!list.empty()) {
    const auto end = std::min(list.find(' '), list.size());
    if (end > 0) out.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return out;
}

std::string command_name(const ShellWord& word) { return std::string(base_name(word.text)); }

bool Options::has(std::initializer_list<std::string_view> flags_wanted) const {
  return std::any_of(flags.begin(), flags.end(),
                     [&](const auto& flag) { return one_of(flag.first, flags_wanted); });
}

std::optional<ShellWord> Options::value(
    std::initializer_list<std::string_view> flags_wanted) const {
  for (const auto& [flag, value] : flags)
    if (value && one_of(flag, flags_wanted)) return value;
  return std::nullopt;
}

namespace {

ShellWord rest_of(const ShellWord& word, std::size_t from) {
  ShellWord out = word;
  out.text = word.text.substr(from);
  out.tilde = false;
  return out;
}

class OptionReader {
 public:
  OptionReader(const Words& words, std::string_view with_value)
      : words_(words), valued_(names(with_value)) {}

  Options read(bool stop_early) {
    for (; at_ < words_.size(); ++at_) {
      const auto& text = words_[at_].text;
      if (text == "--" && !words_[at_].dynamic) {
        ++at_;
        break;
      }
      if (text.size() < 2 || text[0] != '-' || words_[at_].dynamic) {
        if (stop_early) break;
        out_.operands.push_back(words_[at_]);
      } else if (text[1] == '-') {
        long_flag();
      } else {
        cluster();
      }
    }
    for (; at_ < words_.size(); ++at_) out_.operands.push_back(words_[at_]);
    return std::move(out_);
  }

 private:
  void long_flag() {
    const auto& word = words_[at_];
    const auto equals = word.text.find('=');
    const auto name = word.text.substr(0, equals);
    if (equals != std::string::npos)
      out_.flags.emplace_back(name, rest_of(word, equals + 1));
    else
      out_.flags.emplace_back(name, one_of(name, valued_) ? next() : std::nullopt);
  }

  void cluster() {
    const auto& word = words_[at_];
    // "-name", "-delete": some programs have long flags with one dash.
    if (one_of(word.text, valued_)) {
      out_.flags.emplace_back(word.text, next());
      return;
    }
    for (std::size_t i = 1; i < word.text.size(); ++i) {
      const std::string flag{'-', word.text[i]};
      if (!one_of(flag, valued_)) {
        out_.flags.emplace_back(flag, std::nullopt);
        continue;
      }
      out_.flags.emplace_back(flag, i + 1 < word.text.size() ? rest_of(word, i + 1) : next());
      return;
    }
  }

  std::optional<ShellWord> next() {
    if (at_ + 1 >= words_.size()) return std::nullopt;
    return words_[++at_];
  }

  const Words& words_;
  std::vector<std::string_view> valued_;
  std::size_t at_ = 1;
  Options out_;
};

/// How a wrapper's own words are told from those of the command that it runs.
struct Wrapper {
  std::string_view with_value = {};   // flags with a value
  std::size_t operands = 0;           // own operands before the command
  std::string_view subcommands = {};  // it is a wrapper only with one of these
};

const std::map<std::string_view, Wrapper>& wrappers() {
  static const std::map<std::string_view, Wrapper> table{
      {"env", {"-u --unset -C --chdir -S --split-string"}},
      {"timeout", {"-s --signal -k --kill-after", 1}},
      {"nice", {"-n --adjustment"}},
      {"ionice", {"-c --class -n --classdata"}},
      {"nohup", {}},
      {"setsid", {}},
      {"time", {"-f --format -o --output"}},
      {"command", {}},
      {"builtin", {}},
      {"exec", {"-a"}},
      {"coproc", {}},
      {"stdbuf", {"-i --input -o --output -e --error"}},
      {"busybox", {}},
      {"toybox", {}},
      {"ccache", {}},
      {"xargs",
       {"-I -n -P -L -d -a -s -E --replace --max-args --max-procs --max-lines --delimiter "
        "--arg-file --max-chars"}},
      {"npx", {"-p --package -c --call"}},
      {"bunx", {}},
      {"uvx", {"--from --with -p --python"}},
      {"pipx", {"--spec", 0, "run"}},
      {"uv",
       {"--with -p --python --project --directory --group --extra --env-file --package", 0, "run"}},
      {"poetry", {"-C --directory", 0, "run"}},
      {"pipenv", {"", 0, "run"}},
      {"pdm", {"", 0, "run"}},
      {"hatch", {"", 0, "run"}},
      {"rye", {"", 0, "run"}},
      {"bundle", {"", 0, "exec"}},
      {"pnpm", {"-C --dir --filter", 0, "exec dlx"}},
      {"yarn", {"--cwd", 0, "exec dlx"}},
      {"npm", {"-p --package -c --call --prefix", 0, "exec x"}},
  };
  return table;
}

bool is_assignment(const ShellWord& word) {
  const auto equals = word.text.find('=');
  return equals != std::string::npos && equals > 0 && word.text[0] != '-' &&
         word.text.substr(0, equals).find('/') == std::string::npos;
}

}  // namespace

Options read_options(const Words& words, std::string_view with_value, bool stop_early) {
  return OptionReader(words, with_value).read(stop_early);
}

std::optional<Words> unwrap(const Words& words) {
  if (words.empty()) return std::nullopt;
  const auto name = command_name(words[0]);
  if (name.starts_with("ld-linux") || name.starts_with("ld.so") || name.starts_with("ld-musl"))
    return read_options(words, "--library-path --preload --audit --argv0", true).operands;
  const auto found = wrappers().find(name);
  if (found == wrappers().end()) return std::nullopt;
  const Wrapper& wrapper = found->second;
  auto rest = read_options(words, wrapper.with_value, true).operands;
  if (!wrapper.subcommands.empty()) {
    if (rest.empty() || !one_of(rest.front().text, names(wrapper.subcommands))) return std::nullopt;
    rest = read_options(rest, wrapper.with_value, true).operands;
  }
  const auto own = std::min(wrapper.operands, rest.size());
  rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(own));
  // "env - A=b make": a lone dash is -i.
  const auto own_word = [](const ShellWord& word) {
    return word.text == "-" || is_assignment(word);
  };
  if (name == "env") rest.erase(rest.begin(), std::find_if_not(rest.begin(), rest.end(), own_word));
  return rest;
}

ShellCall read_shell_call(const Words& words) {
  ShellCall call;
  std::size_t at = 1;
  for (; at < words.size(); ++at) {
    const auto& word = words[at];
    const bool is_flag =
        !word.dynamic && word.text.size() > 1 && (word.text[0] == '-' || word.text[0] == '+');
    if (!is_flag) break;
    if (word.text == "--") {
      ++at;
      break;
    }
    if (word.text.starts_with("--")) {
      call.only_asks = call.only_asks || one_of(word.text, {"--version", "--help"});
      if (one_of(word.text, {"--rcfile", "--init-file"}) && at + 1 < words.size())
        call.startup = words[++at];
      continue;
    }
    const bool on = word.text[0] == '-';
    for (const char flag : word.text.substr(1)) {
      if (flag == 'c' && on) call.wants_text = true;
      if (flag == 'n' && on) call.idle = true;
      if (flag == 's' && on) at = std::max(at, words.size());  // what follows are its arguments
      if ((flag == 'o' || flag == 'O') && at + 1 < words.size()) ++at;
    }
  }
  if (at >= words.size()) return call;
  (call.wants_text ? call.text : call.script) = words[at];
  return call;
}

}  // namespace muster::policy
