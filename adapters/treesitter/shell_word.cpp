#include "adapters/treesitter/shell_word.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace muster::treesitter {
namespace {

constexpr std::size_t max_brace_words = 64;
constexpr auto npos = std::string_view::npos;

struct Symbol {
  char c;
  bool quoted;
};
using Symbols = std::vector<Symbol>;

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(Symbols& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back({static_cast<char>(byte), true}); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0U | (code >> 6U));
  } else if (code < 0x10000) {
    put(0xE0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3FU));
  } else {
    put(0xF0U | ((code >> 18U) & 0x07U));
    put(0x80U | ((code >> 12U) & 0x3FU));
    put(0x80U | ((code >> 6U) & 0x3FU));
  }
  put(0x80U | (code & 0x3FU));
}

/// Walks the source of one word.
class Scanner {
 public:
  explicit Scanner(std::string_view source) : source_(source) {}

  void run() {
    while (at_ < source_.size() && !malformed) step();
  }

  Symbols symbols;
  bool dynamic = false;
  bool malformed = false;

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  void put(char c, bool quoted) { symbols.push_back({c, quoted}); }

  void step() {
    const char c = peek();
    if (c == '\'') return single_quoted();
    if (c == '"') return double_quoted();
    if (c == '\\') return escaped();
    if (c == '$' && peek(1) == '\'') return ansi_quoted();
    if (c == '$' && peek(1) == '"') {
      ++at_;
      return double_quoted();
    }
    if (c == '$' || c == '`') return expansion(false);
    if (std::string_view(" \t\r\n;&|<>()").find(c) != npos) return meta(c);
    put(c, false);
    ++at_;
  }

  void meta(char c) {
    const char before = symbols.empty() ? '\0' : symbols.back().c;
    // Extended globs ("!(a|b)"): what they match is not known here.
    if (c == '(' && std::string_view("?*+@!").find(before) != npos && before != '\0')
      stop_dynamic();
    else
      malformed = true;
  }

  void stop_dynamic() {
    dynamic = true;
    at_ = source_.size();
  }

  void single_quoted() {
    const auto end = source_.find('\'', at_ + 1);
    if (end == npos) {
      malformed = true;
      return;
    }
    for (++at_; at_ < end; ++at_) put(source_[at_], true);
    ++at_;
  }

  void double_quoted() {
    ++at_;
    while (at_ < source_.size() && peek() != '"' && !dynamic) {
      const char c = peek();
      if (c == '\\' && std::string_view("$`\"\\\n").find(peek(1)) != npos && peek(1) != '\0') {
        if (peek(1) != '\n') put(peek(1), true);
        at_ += 2;
      } else if (c == '$' || c == '`') {
        expansion(true);
      } else {
        put(c, true);
        ++at_;
      }
    }
    if (dynamic) return;
    if (at_ >= source_.size()) malformed = true;
    ++at_;
  }

  void escaped() {
    if (at_ + 1 >= source_.size()) {
      put('\\', true);
    } else if (peek(1) != '\n') {
      put(peek(1), true);
    }
    at_ += 2;
  }

  /// "$" or "`": an expansion makes the whole word dynamic; a lone "$" is itself.
  void expansion(bool quoted) {
    const char next = peek(1);
    const bool special = next != '\0' && std::string_view("{([@*#?-$!").find(next) != npos;
    if (peek() == '$' && !is_name_start(next) && !is_digit(next) && !special) {
      put('$', quoted);
      ++at_;
      return;
    }
    stop_dynamic();
  }

  void ansi_quoted() {
    at_ += 2;
    while (at_ < source_.size() && peek() != '\'') {
      if (peek() == '\\' && at_ + 1 < source_.size()) {
        ++at_;
        ansi_escape();
      } else {
        put(source_[at_++], true);
      }
    }
    if (at_ >= source_.size()) malformed = true;
    ++at_;
  }

  void ansi_escape() {
    static constexpr std::string_view names = "abeEfnrtv";
    static constexpr std::string_view values = "\a\b\x1b\x1b\f\n\r\t\v";
    const char c = source_[at_++];
    if (const auto found = names.find(c); found != npos) return put(values[found], true);
    if (c >= '0' && c <= '7') {
      --at_;
      return put(static_cast<char>(number(8, 3)), true);
    }
    if (c == 'x') return put(static_cast<char>(number(16, 2)), true);
    if (c == 'u') return append_utf8(symbols, number(16, 4));
    if (c == 'U') return append_utf8(symbols, number(16, 8));
    if (c == 'c' && at_ < source_.size())
      return put(static_cast<char>(static_cast<unsigned char>(source_[at_++]) & 0x1FU), true);
    if (std::string_view("\\'\"?").find(c) == npos) put('\\', true);
    put(c, true);
  }

  std::uint32_t number(int base, int max_digits) {
    std::uint32_t value = 0;
    for (int i = 0; i < max_digits && at_ < source_.size(); ++i, ++at_) {
      const int digit = hex_value(source_[at_]);
      if (digit < 0 || digit >= base) break;
      value = value * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
    }
    return value;
  }

  std::string_view source_;
  std::size_t at_ = 0;
};

bool is_open(const Symbols& word, std::size_t at, char c) {
  return at < word.size() && word[at].c == c && !word[at].quoted;
}

struct Brace {
  std::size_t open, close;
  std::vector<std::size_t> commas;
};

/// The first "{...}" with a comma or ".." in it; other braces are themselves.
std::optional<Brace> find_brace(const Symbols& word) {
  for (std::size_t open = 0; open < word.size(); ++open) {
    if (!is_open(word, open, '{')) continue;
    Brace brace{open, 0, {}};
    int depth = 0;
    for (std::size_t at = open; at < word.size() && brace.close == 0; ++at) {
      if (is_open(word, at, '{')) ++depth;
      if (is_open(word, at, ',') && depth == 1) brace.commas.push_back(at);
      if (is_open(word, at, '}') && --depth == 0) brace.close = at;
    }
    if (brace.close != 0 && !brace.commas.empty()) return brace;
  }
  return std::nullopt;
}

bool has_range(const Symbols& word) {
  const auto open =
      std::find_if(word.begin(), word.end(), [](Symbol s) { return s.c == '{' && !s.quoted; });
  const auto dots = [](Symbol a, Symbol b) {
    return a.c == '.' && b.c == '.' && !a.quoted && !b.quoted;
  };
  return open != word.end() && std::adjacent_find(open, word.end(), dots) != word.end();
}

/// Expands all braces; nullopt = too many words.
std::optional<std::vector<Symbols>> expand_braces(const Symbols& word) {
  std::vector<Symbols> done, open{word};
  while (!open.empty()) {
    if (done.size() + open.size() > max_brace_words) return std::nullopt;
    const Symbols next = std::move(open.back());
    open.pop_back();
    const auto brace = find_brace(next);
    if (!brace) {
      done.push_back(next);
      continue;
    }
    std::vector<std::size_t> cuts{brace->open};
    cuts.insert(cuts.end(), brace->commas.begin(), brace->commas.end());
    cuts.push_back(brace->close);
    for (std::size_t i = cuts.size() - 1; i > 0; --i) {  // backwards: the last in is the first out
      Symbols one(next.begin(), next.begin() + static_cast<std::ptrdiff_t>(brace->open));
      one.insert(one.end(), next.begin() + static_cast<std::ptrdiff_t>(cuts[i - 1] + 1),
                 next.begin() + static_cast<std::ptrdiff_t>(cuts[i]));
      one.insert(one.end(), next.begin() + static_cast<std::ptrdiff_t>(brace->close + 1),
                 next.end());
      open.push_back(std::move(one));
    }
  }
  return done;
}

ShellWord to_word(const Symbols& symbols) {
  ShellWord word;
  for (const auto& symbol : symbols) {
    word.text += symbol.c;
    if (!symbol.quoted && std::string_view("*?[").find(symbol.c) != npos) word.glob = true;
  }
  word.tilde = is_open(symbols, 0, '~');
  return word;
}

}  // namespace

ScannedWord scan_word(std::string_view source) {
  Scanner scanner(source);
  scanner.run();
  ScannedWord out{{}, scanner.malformed};
  const auto expanded = scanner.dynamic ? std::nullopt : expand_braces(scanner.symbols);
  if (!expanded || has_range(scanner.symbols)) {
    ShellWord word{std::string(source), true, false, source.starts_with('~')};
    word.glob = source.find_first_of("*?[") != npos;
    out.words.push_back(std::move(word));
    return out;
  }
  for (const auto& symbols : *expanded) out.words.push_back(to_word(symbols));
  return out;
}

}  // namespace muster::treesitter
