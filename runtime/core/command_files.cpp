// Commands that write, move and remove files.

#include <map>

#include "runtime/core/command_checker.hpp"
#include "runtime/core/paths.hpp"

namespace muster::policy {
namespace {

using Rule = Objection (*)(Checker&, const Words&);

/// Operands from the `first`-th on.
Words from(const Words& operands, std::size_t first) {
  if (operands.size() <= first) return {};
  return {operands.begin() + static_cast<std::ptrdiff_t>(first), operands.end()};
}

bool is_recursive(const Options& options) {
  for (const auto& [flag, value] : options.flags)
    if (one_of(flag, {"-r", "-R", "-a"}) || flag.starts_with("--r") || flag.starts_with("--a"))
      return true;
  return false;
}

Objection remove(Checker& checker, const Words& words) {
  const auto options = read_options(words, "");
  if (options.has({"--no-preserve-root"}))
    return deny("delete", "--no-preserve-root has one use, and it is not ours");
  for (const auto& operand : options.operands)
    if (auto objection = checker.deletes(operand, is_recursive(options))) return objection;
  return std::nullopt;
}

Objection remove_tree(Checker& checker, const Words& words) {
  for (const auto& operand : read_options(words, "").operands)
    if (auto objection = checker.deletes(operand, true)) return objection;
  return std::nullopt;
}

/// A search through a whole home or system reads what nobody may.
Objection search(Checker& checker, const Words& words) {
  const auto operands =
      read_options(words,
                   "-e --regexp -f --file -A -B -C -m -g --glob -t --type --include --exclude "
                   "--exclude-dir --max-count")
          .operands;
  const bool deep =
      command_name(words[0]) != "grep" || is_recursive(read_options(words, "-e -f -A -B -C -m"));
  for (std::size_t i = 1; i < operands.size() && deep; ++i)
    if (auto objection = checker.copies_tree(operands[i])) return objection;
  return std::nullopt;
}

/// shred, truncate, tee: all operands are written.
Objection write_all(Checker& checker, const Words& words) {
  const auto options = read_options(words, "-s --size -r --reference -n --iterations");
  return checker.writes(options.operands);
}

/// touch, mkdir: making something with a name that is computed does no harm that could not be seen.
Objection make(Checker& checker, const Words& words) {
  const auto options = read_options(words, "-m --mode -t -d --date -r --reference");
  for (const auto& operand : options.operands)
    if (!operand.dynamic || !checker.resolve(operand).empty())
      if (auto objection = checker.writes(operand)) return objection;
  return std::nullopt;
}

Objection move(Checker& checker, const Words& words) {
  const auto options = read_options(words, "-t --target-directory -S --suffix");
  const auto target = options.value({"-t", "--target-directory"});
  if (target)
    if (auto objection = checker.writes(*target)) return objection;
  for (std::size_t i = 0; i < options.operands.size(); ++i) {
    const bool is_target = !target && i + 1 == options.operands.size();
    const auto& word = options.operands[i];
    if (auto objection = is_target ? checker.writes(word) : checker.deletes(word, true))
      return objection;
  }
  return std::nullopt;
}

Objection copy(Checker& checker, const Words& words) {
  const auto options =
      read_options(words, "-t --target-directory -S --suffix -m --mode -o --owner -g --group");
  const auto target = options.value({"-t", "--target-directory"});
  if (target)
    if (auto objection = checker.writes(*target)) return objection;
  for (std::size_t i = 0; i < options.operands.size(); ++i) {
    const bool is_target = (!target && i + 1 == options.operands.size()) || options.has({"-d"});
    const auto& word = options.operands[i];
    if (auto objection = is_target ? checker.writes(word) : checker.copies_tree(word))
      return objection;
  }
  return std::nullopt;
}

/// A link out of the workspace would let every later write leave it.
Objection link(Checker& checker, const Words& words) {
  const auto options = read_options(words, "-t --target-directory -S --suffix");
  if (const auto target = options.value({"-t", "--target-directory"}))
    if (auto objection = checker.writes(*target)) return objection;
  if (options.operands.empty()) return std::nullopt;
  const bool symbolic = options.has({"-s", "--symbolic"});
  const auto& name = options.operands.back();
  for (const auto& operand : options.operands) {
    ShellWord target = operand;
    // What a symbolic link says counts from where the link lies.
    if (symbolic && options.operands.size() > 1 && !operand.tilde && !operand.dynamic &&
        !name.dynamic && &operand != &name && !operand.text.starts_with('/'))
      target.text = join_path(parent_path(name.text), operand.text);
    if (auto objection = checker.writes(target)) return objection;
  }
  return std::nullopt;
}

Objection change_mode(Checker& checker, const Words& words) {
  const auto options = read_options(words, "--reference --from");
  const bool referenced = options.has({"--reference"});
  // "chmod -x file": the mode looks like a flag.
  const bool mode_as_flag = command_name(words[0]) == "chmod" && !options.flags.empty() &&
                            !one_of(options.flags.back().first, {"-R", "-v", "-c", "-f"}) &&
                            !options.flags.back().first.starts_with("--");
  return checker.writes(from(options.operands, referenced || mode_as_flag ? 0 : 1));
}

Objection disk_dump(Checker& checker, const Words& words) {
  for (const auto& word : words)
    if (word.text.starts_with("of=")) {
      ShellWord target = word;
      target.text = word.text.substr(3);
      if (auto objection = checker.writes(target)) return objection;
    }
  return std::nullopt;
}

/// The flags of a substitution "s/a/b/flags" that starts at `at`; "" when it is none.
std::string_view substitution_flags(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size() || text[at] != 's') return {};
  const char mark = text[at + 1];
  const bool delimits = std::string_view(" \n\\;").find(mark) == std::string_view::npos &&
                        !(mark >= 'a' && mark <= 'z');
  int seen = 0;
  for (std::size_t i = at + 1; delimits && i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == mark && ++seen == 3)
      return text.substr(i + 1, text.find_first_of(";\n}", i + 1) - i - 1);
  }
  return {};
}

/// GNU sed's "e" runs a command, "w" writes a file.
Objection sed_script(Checker& checker, const ShellWord& script) {
  const std::string_view text = script.text;
  for (std::size_t at = 0; at + 1 < text.size(); ++at) {
    const char before = at == 0 ? ';' : text[at - 1];
    const auto flags = substitution_flags(text, at);
    const auto path = flags.find("w ");
    if (flags.substr(0, path).find('e') != std::string_view::npos &&
        std::string_view(";{ \n").find(before) != std::string_view::npos)
      return deny("dynamic-command", "sed's flag e runs what the line says", script);
    if (path != std::string_view::npos)
      if (auto objection =
              checker.writes({std::string(flags.substr(path + 2)), false, false, false}))
        return objection;
    const bool starts =
        std::string_view(" ;\n{}/0123456789$!").find(before) != std::string_view::npos;
    if (!starts || text[at + 1] != ' ') continue;
    ShellWord rest = script;
    rest.text = text.substr(at + 2);
    if (text[at] == 'e' && !rest.text.empty())
      if (auto objection = checker.text(rest); objection && objection->rule != "parse")
        return objection;
    if ((text[at] == 'w' || text[at] == 'W') &&
        (rest.text[0] == '/' || rest.text[0] == '~' || rest.text[0] == '.'))
      if (auto objection = checker.writes(rest)) return objection;
  }
  return std::nullopt;
}

Objection stream_edit(Checker& checker, const Words& words) {
  const auto options = read_options(words, "-e --expression -f --file -l --line-length");
  const bool scripted = options.has({"-e", "--expression", "-f", "--file"});
  for (const auto& [flag, value] : options.flags)
    if (value && one_of(flag, {"-e", "--expression"}))
      if (auto objection = sed_script(checker, *value)) return objection;
  if (!scripted && !options.operands.empty())
    if (auto objection = sed_script(checker, options.operands[0])) return objection;
  const bool in_place = options.has({"-i", "--in-place"});
  return in_place ? checker.writes(from(options.operands, scripted ? 0 : 1)) : std::nullopt;
}

/// "tar xfC a.tgz dir": the first word is flags, and the words after it are their values in turn.
Words dashed(const Words& words) {
  Words out{words[0]};
  std::size_t next = 2;
  for (const char letter : words[1].text) {
    out.push_back({std::string{'-', letter}, false, false, false});
    if (std::string_view("fCIFXTbgKLNHV").find(letter) != std::string_view::npos &&
        next < words.size())
      out.push_back(words[next++]);
  }
  out.insert(out.end(), words.begin() + static_cast<std::ptrdiff_t>(next), words.end());
  return out;
}

Objection archive(Checker& checker, const Words& words) {
  Words normal = words;

  if (normal.size() > 1 && !normal[1].text.starts_with('-') && !normal[1].dynamic)
    normal = dashed(words);
  const auto options = read_options(
      normal,
      "-f --file -C --directory -I --use-compress-program -F --info-script --new-volume-script "
      "--checkpoint-action --to-command --exclude -X -T --files-from --transform "
      "--strip-components --rmt-command --rsh-command");
  for (const auto& [flag, value] : options.flags) {
    if (!value) continue;
    if (one_of(flag, {"-I", "--use-compress-program", "-F", "--info-script", "--new-volume-script",
                      "--to-command", "--checkpoint-action", "--rmt-command", "--rsh-command"})) {
      ShellWord command = *value;
      if (command.text.starts_with("exec=")) command.text = command.text.substr(5);
      if (auto objection = checker.text(command)) return objection;
    }
  }
  const bool extracts = options.has({"-x", "--extract", "--get"});
  const bool creates = options.has({"-c", "-r", "-u", "--create", "--append", "--update"});
  if (extracts && options.has({"-P", "--absolute-names"}))
    return deny("write-outside", "tar -P may write anywhere");
  if (const auto folder = options.value({"-C", "--directory"}); folder && extracts)
    if (auto objection = checker.writes(*folder)) return objection;
  if (const auto file = options.value({"-f", "--file"}); file && creates && file->text != "-")
    if (auto objection = checker.writes(*file)) return objection;
  if (creates)
    for (const auto& operand : options.operands)
      if (auto objection = checker.copies_tree(operand)) return objection;
  return std::nullopt;
}

/// zip, rsync, 7z, cpio ...: what goes in is looked at, what comes out must stay inside.
Objection pack(Checker& checker, const Words& words) {
  const auto options = read_options(words, "-d -x -i --exclude --include -e --rsh");
  for (const auto& operand : options.operands)
    if (auto objection = checker.copies_tree(operand)) return objection;
  const auto name = command_name(words[0]);
  if (name == "rsync" && !options.operands.empty()) {
    for (const auto& operand : options.operands)
      if (operand.text.find(':') != std::string::npos)
        return ask("network", "copying to or from another machine needs permission", operand);
    for (const auto& [flag, value] : options.flags)
      if (flag.starts_with("--del") || flag.starts_with("--remove-source"))
        return checker.deletes(options.operands.back(), true);
    return checker.writes(options.operands.back());
  }
  for (const auto& word : words)
    if (name == "7z" && word.text.starts_with("-o")) {
      ShellWord folder = word;
      folder.text = word.text.substr(2);
      if (auto objection = checker.writes(folder)) return objection;
    }
  if (const auto folder = options.value({"-d"}); folder && name == "unzip")
    return checker.writes(*folder);
  if (name == "zip" && !options.operands.empty()) return checker.writes(options.operands.front());
  return std::nullopt;
}

Objection download(Checker& checker, const Words& words) {
  const bool curl = command_name(words[0]) == "curl";
  const auto options =
      curl ? read_options(words,
                          "-o --output --output-dir -D --dump-header -c --cookie-jar "
                          "--trace --trace-ascii --stderr -H --header -d --data -X -T "
                          "--upload-file -F --form -u --user -K --config -A -e -b -w -m "
                          "--max-time --connect-timeout --retry --data-binary --unix-socket")
           : read_options(words,
                          "-O --output-document -P --directory-prefix -o --output-file "
                          "-a --append-output --header -T -t --tries --post-file --post-data");
  static const auto curl_targets = names(
      "-o --output --output-dir -D --dump-header -c --cookie-jar --trace "
      "--trace-ascii --stderr");
  static const auto wget_targets =
      names("-O --output-document -P --directory-prefix -o --output-file -a --append-output");
  for (const auto& [flag, value] : options.flags)
    if (value && value->text != "-" && one_of(flag, curl ? curl_targets : wget_targets))
      if (auto objection = checker.writes(*value)) return objection;
  if (curl && options.has({"--unix-socket"}))
    return deny("network", "local sockets are not for agents");
  return std::nullopt;
}

Objection patch_files(Checker& checker, const Words& words) {
  const auto options = read_options(
      words, "-d --directory -i --input -o --output -p --strip -r --reject-file -B -z");
  for (const auto& [flag, value] : options.flags)
    if (value && one_of(flag, {"-d", "--directory", "-o", "--output", "-r", "--reject-file"}))
      if (auto objection = checker.writes(*value)) return objection;
  return options.operands.empty() ? std::nullopt : checker.writes(options.operands[0]);
}

/// Other commands: where they say to put their output, when it is said in an absolute or climbing
/// way.
Objection outputs(Checker& checker, const Words& words) {
  static const auto flags = names(
      "-o --output --out --outfile --out-file --output-file --outdir --out-dir --output-dir "
      "--prefix --target --destdir --install-dir --root -d");
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view text = words[i].text;
    const auto equals = text.find('=');
    ShellWord value = words[i];
    if (text.starts_with("--") && equals != std::string_view::npos &&
        one_of(text.substr(0, equals), flags))
      value.text = text.substr(equals + 1);
    else if (one_of(text, flags) && i + 1 < words.size())
      value = words[i + 1];
    else if (text.starts_with("-o/"))
      value.text = text.substr(2);
    else
      continue;
    const bool leaves = value.text.starts_with('/') || value.text.starts_with("..") || value.tilde;
    if (leaves && !value.dynamic && text != "-d")
      if (auto objection = checker.writes(value)) return objection;
  }
  return std::nullopt;
}

const std::map<std::string_view, Rule>& rules() {
  static const std::map<std::string_view, Rule> table{{"rm", remove},
                                                      {"rmdir", remove},
                                                      {"unlink", remove},
                                                      {"srm", remove},
                                                      {"rimraf", remove_tree},
                                                      {"del", remove_tree},
                                                      {"del-cli", remove_tree},
                                                      {"trash", remove_tree},
                                                      {"trash-put", remove_tree},
                                                      {"grep", search},
                                                      {"rg", search},
                                                      {"ag", search},
                                                      {"ack", search},
                                                      {"egrep", search},
                                                      {"shred", write_all},
                                                      {"truncate", write_all},
                                                      {"tee", write_all},
                                                      {"fallocate", write_all},
                                                      {"touch", make},
                                                      {"mkdir", make},
                                                      {"mkfifo", make},
                                                      {"mknod", make},
                                                      {"mv", move},
                                                      {"cp", copy},
                                                      {"install", copy},
                                                      {"ln", link},
                                                      {"link", link},
                                                      {"symlink", link},
                                                      {"chmod", change_mode},
                                                      {"chown", change_mode},
                                                      {"chgrp", change_mode},
                                                      {"setfacl", change_mode},
                                                      {"chattr", change_mode},
                                                      {"dd", disk_dump},
                                                      {"sed", stream_edit},
                                                      {"gsed", stream_edit},
                                                      {"tar", archive},
                                                      {"bsdtar", archive},
                                                      {"gtar", archive},
                                                      {"zip", pack},
                                                      {"unzip", pack},
                                                      {"rsync", pack},
                                                      {"7z", pack},
                                                      {"cpio", pack},
                                                      {"curl", download},
                                                      {"wget", download},
                                                      {"patch", patch_files}};
  return table;
}

}  // namespace

Objection check_files(Checker& checker, const std::string& name, const Words& words) {
  const auto rule = rules().find(name);
  return rule == rules().end() ? outputs(checker, words) : rule->second(checker, words);
}

}  // namespace muster::policy
