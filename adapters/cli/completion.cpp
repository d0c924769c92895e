#include "adapters/cli/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <sstream>
#include <string_view>

namespace muster::cli {
namespace {

/// In single quotes, for a POSIX shell and zsh.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

/// Calls for every command with its path, "muster config show"; parents first.
void each(const CommandHelp& command, const std::string& path,
          const std::function<void(const std::string&, const CommandHelp&)>& visit) {
  visit(path, command);
  for (const auto& below : command.commands) each(below, path + " " + below.name, visit);
}

std::vector<std::string> names_of(const CommandHelp& command) {
  std::vector<std::string> out;
  for (const auto& option : command.options)
    out.insert(out.end(), option.names.begin(), option.names.end());
  return out;
}

struct Word {
  std::string name;
  std::string text;
};

/// What may stand behind the command: its own commands, and the values of its arguments.
std::vector<Word> words_of(const CommandHelp& command) {
  std::vector<Word> out;
  for (const auto& below : command.commands) out.push_back({below.name, below.text});
  for (const auto& option : command.options)
    if (option.names.empty())
      for (const auto& choice : option.choices) out.push_back({choice, option.text});
  return out;
}

std::string joined(const std::vector<Word>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + word.name;
  return out;
}

/// "'muster run' | 'muster config' | ...": what leads from one command into another.
std::string steps(const CommandHelp& program, const char* between,
                  std::string (*quote)(std::string_view)) {
  std::string out;
  each(program, program.name, [&](const std::string& path, const CommandHelp& command) {
    if (&command != &program) out += (out.empty() ? "" : between) + quote(path);
  });
  return out;
}

bool takes_folder(const OptionHelp& option) { return option.value == "DIR"; }

/// Calls for every option that has a value worth completing, with "path name" for each name.
void each_value(const CommandHelp& program,
                const std::function<void(const std::string&, const OptionHelp&)>& visit) {
  each(program, program.name, [&](const std::string& path, const CommandHelp& command) {
    for (const auto& option : command.options)
      for (const auto& name : option.names)
        if (!option.choices.empty() || takes_folder(option)) visit(path + " " + name, option);
  });
}

std::string bash_script(const CommandHelp& program) {
  std::string out = fmt::format(
      "# bash completion of muster: source it, or put it where bash-completion looks.\n"
      "_muster() {{\n"
      "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} at={} i\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    case \"$at ${{COMP_WORDS[i]}}\" in\n"
      "      {}) at=\"$at ${{COMP_WORDS[i]}}\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$at $before\" in\n",
      program.name, steps(program, " | ", quoted));
  each_value(program, [&](const std::string& where, const OptionHelp& option) {
    out += fmt::format("    {}) COMPREPLY=($(compgen {} -- \"$word\")); return ;;\n", quoted(where),
                       takes_folder(option) ? "-d" : "-W " + quoted(joined(option.choices)));
  });
  out += "  esac\n  case $at in\n";
  each(program, program.name, [&](const std::string& path, const CommandHelp& command) {
    out += fmt::format(
        "    {}) if [[ $word == -* ]]; then COMPREPLY=($(compgen -W {} -- \"$word\"))\n"
        "      else COMPREPLY=($(compgen -W {} -- \"$word\")); fi ;;\n",
        quoted(path), quoted(joined(names_of(command))), quoted(joined(words_of(command))));
  });
  return out + "  esac\n}\ncomplete -o default -F _muster muster\n";
}

std::string zsh_list(const std::vector<Word>& words) {
  std::string out = "(";
  for (const auto& [name, text] : words) out += " " + quoted(name + ":" + text);
  return out + " )";
}

std::string zsh_script(const CommandHelp& program) {
  std::string out = fmt::format(
      "#compdef muster\n"
      "# zsh completion of muster: put it as _muster into a folder of $fpath.\n"
      "_muster() {{\n"
      "  local at={} i\n"
      "  local -a commands options\n"
      "  for ((i = 2; i < CURRENT; ++i)); do\n"
      "    case \"$at $words[i]\" in\n"
      "      ({}) at=\"$at $words[i]\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case \"$at $words[CURRENT-1]\" in\n",
      program.name, steps(program, "|", quoted));
  each_value(program, [&](const std::string& where, const OptionHelp& option) {
    out += fmt::format("    ({}) {}; return ;;\n", quoted(where),
                       takes_folder(option) ? "_files -/" : "compadd " + joined(option.choices));
  });
  out += "  esac\n  case $at in\n";
  each(program, program.name, [&](const std::string& path, const CommandHelp& command) {
    std::vector<Word> options;
    for (const auto& option : command.options)
      for (const auto& name : option.names) options.push_back({name, option.text});
    out += fmt::format("    ({})\n      commands={}\n      options={} ;;\n", quoted(path),
                       zsh_list(words_of(command)), zsh_list(options));
  });
  return out +
         "  esac\n"
         "  if [[ $words[CURRENT] == -* ]]; then _describe option options; return; fi\n"
         "  if (( $#commands )); then _describe command commands; else _files; fi\n"
         "}\n"
         "if [[ $funcstack[1] == _muster ]]; then _muster \"$@\"; else compdef _muster muster; "
         "fi\n";
}

std::string fish_option(const std::string& path, const OptionHelp& option) {
  auto out = fmt::format("complete -c muster -n \"__muster_at {}\"", fish_quoted(path));
  for (const auto& name : option.names)
    out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (takes_folder(option))
    out += " -x -a '(__fish_complete_directories)'";
  else if (!option.choices.empty())
    out += " -x -a " + fish_quoted(joined(option.choices));
  else if (!option.value.empty())
    out += " -r";
  return out + " -d " + fish_quoted(option.text) + "\n";
}

std::string fish_script(const CommandHelp& program) {
  std::string out = fmt::format(
      "# fish completion of muster: put it as muster.fish into ~/.config/fish/completions.\n"
      "function __muster_at\n"
      "  set -l at {}\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch \"$at $word\"\n"
      "      case {}\n"
      "        set at \"$at $word\"\n"
      "    end\n"
      "  end\n"
      "  test \"$at\" = \"$argv[1]\"\n"
      "end\n",
      program.name, steps(program, " ", fish_quoted));
  each(program, program.name, [&](const std::string& path, const CommandHelp& command) {
    for (const auto& word : words_of(command))
      out += fmt::format("complete -c muster -f -n \"__muster_at {}\" -a {} -d {}\n",
                         fish_quoted(path), word.name, fish_quoted(word.text));
    for (const auto& option : command.options)
      if (!option.names.empty()) out += fish_option(path, option);
  });
  return out;
}

// ---- man

/// A line of text in roff: no character of it is a request or an escape.
std::string roff(std::string_view text) {
  std::string out;
  if (text.starts_with('.') || text.starts_with('\'')) out += "\\&";
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string man_option(const OptionHelp& option) {
  std::string out = ".TP\n";
  if (option.names.empty()) {
    out += ".I " + roff(option.value.empty() ? "ARGUMENT" : option.value) + "\n";
  } else {
    std::string names;
    for (const auto& name : option.names)
      names += (names.empty() ? "\\fB" : ", \\fB") + roff(name) + "\\fR";
    if (!option.value.empty()) names += " \\fI" + roff(option.value) + "\\fR";
    out += names + "\n";
  }
  return out + roff(option.text) + "\n";
}

std::string man_command(const std::string& path, const CommandHelp& command) {
  auto out = ".SS \"" + roff(path) + "\"\n" + roff(command.text) + ".\n";
  for (const auto& option : command.options) out += man_option(option);
  return out;
}

/// "Exit codes:" begins a section; the lines below are kept as they are.
std::string man_footer(const std::string& footer) {
  std::string out;
  std::istringstream lines(footer);
  bool open = false;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(' ') && line.ends_with(':')) {
      line.pop_back();
      out += std::string(open ? ".fi\n" : "") + ".SH \"" + roff(line) + "\"\n.nf\n";
      open = true;
    } else if (!line.empty()) {
      out += roff(line) + "\n";
    }
  }
  return out + (open ? ".fi\n" : "");
}

}  // namespace

std::string completion_script(const CommandHelp& program, Shell shell) {
  if (shell == Shell::bash) return bash_script(program);
  return shell == Shell::zsh ? zsh_script(program) : fish_script(program);
}

std::string man_page(const CommandHelp& program, const std::string& version,
                     const std::string& footer) {
  auto out = ".TH MUSTER 1 \"\" \"muster " + roff(version) + "\" \"muster\"\n";
  out += ".SH NAME\nmuster \\- " + roff(program.text) + "\n";
  out += ".SH SYNOPSIS\n.B muster\n.I COMMAND\n[\\fIOPTION\\fR ...] [\\fIARGUMENT\\fR ...]\n";
  out += ".SH OPTIONS\n";
  for (const auto& option : program.options) out += man_option(option);
  out += ".SH COMMANDS\n";
  each(program, program.name, [&](const std::string& path, const CommandHelp& command) {
    if (&command != &program) out += man_command(path, command);
  });
  return out + man_footer(footer);
}

}  // namespace muster::cli
