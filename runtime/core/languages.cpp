#include "runtime/core/languages.hpp"

#include <array>

#include "runtime/core/paths.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using enum GateRule;

// One more language is one more line here, and its npm package in third_party/package.json.
constexpr std::array kLanguages = {
    Language{"bash", "bash", "sh shell", ".sh .bash .bats", ".bashrc .profile", "sh bash dash",
             warn, "", true},
    Language{"c", "c", "", ".c", "", "", warn, "\U00010000"},
    Language{"cpp", "cpp", "c++ cxx cc", ".cpp .cc .cxx .hpp .hh .hxx .h .ipp .inl .tpp .cu", "",
             "", warn, "\U00010000"},
    Language{"csharp", "c_sharp", "c# cs", ".cs", "", "", warn, "µ"},
    Language{"css", "css", "", ".css", "", "", warn, "_", true, true},
    Language{"go", "go", "golang", ".go", "", "", refuse, "µ"},
    Language{"html", "html", "", ".html .htm .xhtml", "", "", warn, "z", true, true},
    Language{"java", "java", "", ".java", "", "", refuse, ""},
    Language{"javascript", "javascript", "js jsx node", ".js .mjs .cjs .jsx", "", "node nodejs",
             refuse, ""},
    Language{"json", "json", "", ".json .jsonl", "", "", refuse, "", true},
    // JSON with comments and trailing commas.
    Language{"jsonc", "json", "json5", ".jsonc .json5",
             "tsconfig.json jsconfig.json .eslintrc .babelrc .jshintrc .nycrc devcontainer.json",
             "", warn, "", true},
    Language{"markdown", "markdown", "md", ".md .markdown", "", "", warn, "", true},
    Language{"php", "php", "", ".php .phtml", "", "php", warn, "µ", false, true, "<?php "},
    Language{"python", "python", "py", ".py .pyi", "", "python python3", refuse, "µ"},
    Language{"ruby", "ruby", "rb", ".rb .rake .gemspec .ru", "Gemfile Rakefile", "ruby", warn, "µ"},
    Language{"rust", "rust", "rs", ".rs", "", "", warn, "µ"},
    Language{"toml", "toml", "", ".toml", "Cargo.lock", "", warn, "", true},
    Language{"tsx", "tsx", "", ".tsx", "", "", warn, ""},
    Language{"typescript", "typescript", "ts", ".ts .mts .cts", "", "", warn, ""},
    Language{"yaml", "yaml", "yml", ".yaml .yml", "", "", warn, "", true},
};

/// "#!/usr/bin/env -S python3 -u" -> "python3"; versions like "python3.11" lose what follows the
/// dot.
std::string_view program_of(std::string_view head) noexcept {
  if (!head.starts_with("#!")) return {};
  head = head.substr(2, std::min(head.find('\n'), head.size()) - 2);
  std::string_view program;
  while (!(head = trim(head)).empty()) {
    const auto end = std::min(head.find_first_of(" \t"), head.size());
    program = base_name(head.substr(0, end));
    head.remove_prefix(end);
    if (program != "env" && !program.starts_with('-') &&
        program.find('=') == std::string_view::npos)
      break;
  }
  return program.substr(0, program.find('.'));
}

}  // namespace

bool has_word(std::string_view list, std::string_view word) noexcept {
  while (!list.empty()) {
    const auto end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

std::span<const Language> languages() noexcept { return kLanguages; }

const Language* language_named(std::string_view name) noexcept {
  for (const auto& language : kLanguages) {
    if (iequals(language.name, name)) return &language;
    for (auto rest = language.aliases; !rest.empty();) {
      const auto end = std::min(rest.find(' '), rest.size());
      if (iequals(rest.substr(0, end), name)) return &language;
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return nullptr;
}

const Language* language_of(std::string_view path, std::string_view head) noexcept {
  const auto name = base_name(path);
  for (const auto& language : kLanguages)
    if (has_word(language.names, name)) return &language;
  const auto dot = name.rfind('.');
  if (dot != std::string_view::npos && dot > 0) {
    const auto suffix = name.substr(dot);
    for (const auto& language : kLanguages)
      if (has_word(language.suffixes, suffix)) return &language;
    return nullptr;
  }
  const auto program = program_of(head);
  if (program.empty()) return nullptr;
  for (const auto& language : kLanguages)
    if (has_word(language.programs, program)) return &language;
  return nullptr;
}

}  // namespace muster
