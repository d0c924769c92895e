#include "runtime/core/code_tokens.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

using Kind = CodeToken::Kind;

constexpr std::size_t max_regex = 1000;  // a longer literal is taken for a division

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

constexpr std::array<std::string_view, 15> operators{
    "===", "!==", "...", "==", "!=", "<=", ">=", "&&", "||", "=>", "->", "::", "<<", ":=", "??"};

class Lexer {
 public:
  Lexer(CodeLanguage language, std::string_view text) : language_(language), text_(text) {}

  std::vector<CodeToken> run() {
    while (at_ < text_.size()) step();
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] bool c_like() const {
    return language_ != CodeLanguage::python && language_ != CodeLanguage::shell;
  }
  [[nodiscard]] char peek(std::size_t n = 0) const {
    return at_ + n < text_.size() ? text_[at_ + n] : '\0';
  }
  [[nodiscard]] bool here(std::string_view what) const {
    return text_.substr(at_, what.size()) == what;
  }

  void step() {
    char c = text_[at_];
    if (c == '\n') return new_line();
    if (c == ' ' || c == '\t' || c == '\r') {
      if (fresh_) ++indent_;
      ++at_;
      return;
    }
    if (comment() || string()) return;
    if (is_digit(c)) return number();
    if (is_word_char(c)) return word();
    punct();
  }

  void new_line() {
    ++line_;
    ++at_;
    fresh_ = true;
    indent_ = 0;
  }

  /// Moves to `end`, counting lines.
  void pass(std::size_t end) {
    end = std::min(end, text_.size());
    for (; at_ < end; ++at_)
      if (text_[at_] == '\n') {
        ++line_;
        fresh_ = true;
        indent_ = 0;
      }
  }
  void pass_line() { at_ = std::min(text_.find('\n', at_), text_.size()); }

  void emit(Kind kind, std::string_view text, int line) {
    CodeToken token{kind, text, line, indent_, fresh_, open_.size(), no_token};
    fresh_ = false;
    tokens_.push_back(token);
  }

  // ---- comments ----

  bool comment() {
    if (c_like() && here("//")) {
      pass_line();
      return true;
    }
    if (c_like() && here("/*")) {
      block_comment();
      return true;
    }
    if (peek() != '#') return false;
    bool apart =
        at_ == 0 || std::string_view(" \t\n;(").find(text_[at_ - 1]) != std::string_view::npos;
    if (language_ == CodeLanguage::python || (language_ == CodeLanguage::shell && apart)) {
      pass_line();
      return true;
    }
    if (language_ == CodeLanguage::cxx && fresh_) return directive();
    return false;
  }

  void block_comment() {
    bool nests = language_ == CodeLanguage::rust;
    std::size_t depth = 1;
    auto end = at_ + 2;
    while (end < text_.size() && depth > 0) {
      auto two = text_.substr(end, 2);
      bool opens = nests && two == "/*";
      if (opens) ++depth;
      if (two == "*/") --depth;
      end += opens || two == "*/" ? 2 : 1;
    }
    pass(end);
  }

  /// "#if 0" hides what follows; other directives are as comments.
  bool directive() {
    auto line = text_.substr(at_, text_.find('\n', at_) - at_);
    bool hides = trim(line.substr(1)).starts_with("if 0");
    pass_line();
    int depth = hides ? 1 : 0;
    while (depth > 0 && at_ < text_.size()) {
      new_line();
      auto next = trim(text_.substr(at_, std::min(text_.find('\n', at_), text_.size()) - at_));
      pass_line();
      if (!next.starts_with('#')) continue;
      auto name = trim(next.substr(1));
      if (name.starts_with("if")) ++depth;
      if (name.starts_with("endif")) --depth;
      if (depth == 1 && name.starts_with("el")) depth = 0;
    }
    return true;
  }

  // ---- strings ----

  bool string() {
    char c = peek();
    if (c == '"') return quoted();
    if (c == '\'') return language_ == CodeLanguage::rust && lifetime() ? true : quoted();
    if (c == '`') return language_ == CodeLanguage::javascript ? tick() : raw("`", 1);
    if (c == '/' && language_ == CodeLanguage::javascript && regex_may_begin()) return regex();
    if (!is_word_char(c) || is_digit(c)) return false;
    return prefixed();
  }

  /// r"", b'', f"", R"x()x", r#""#: the word before the quote belongs to the string.
  bool prefixed() {
    std::size_t n = 0;
    while (n < 4 && is_word_char(peek(n)) && static_cast<unsigned char>(peek(n)) < 0x80) ++n;
    auto prefix = text_.substr(at_, n);
    char next = peek(n);
    bool is_raw = prefix.find_first_of("rR") != std::string_view::npos;
    static constexpr std::string_view letters = "rRbBfFuUL8";
    if (prefix.find_first_not_of(letters) != std::string_view::npos) return false;
    if (language_ == CodeLanguage::rust && is_raw && (next == '"' || next == '#'))
      return rust_raw(n);
    if (next != '"' && next != '\'') return false;
    if (language_ == CodeLanguage::cxx && is_raw && next == '"') return cxx_raw(n);
    if (language_ != CodeLanguage::python && language_ != CodeLanguage::cxx &&
        language_ != CodeLanguage::rust)
      return false;
    at_ += n;
    return quoted();
  }

  /// Up to `close`, without escapes; the content begins `skip` bytes on.
  bool raw(std::string_view close, std::size_t skip) {
    auto end = text_.find(close, at_ + skip);
    auto line = line_;
    auto from = std::min(at_ + skip, text_.size());
    emit(Kind::string, text_.substr(from, std::min(end, text_.size()) - from), line);
    auto was = fresh_;
    pass(end == std::string_view::npos ? end : end + close.size());
    fresh_ = was;
    return true;
  }

  bool rust_raw(std::size_t n) {
    std::size_t hashes = 0;
    while (hashes < 8 && peek(n + hashes) == '#') ++hashes;
    if (peek(n + hashes) != '"') return false;  // r#keyword
    static constexpr std::string_view ends[] = {
        "\"", "\"#", "\"##", "\"###", "\"####", "\"#####", "\"######", "\"#######", "\"########"};
    return raw(ends[hashes], n + hashes + 1);
  }

  bool cxx_raw(std::size_t n) {
    auto open = text_.substr(at_ + n + 1, 17).find('(');
    if (open == std::string_view::npos) return false;
    auto close = ")" + std::string(text_.substr(at_ + n + 1, open)) + "\"";
    return raw(close, n + open + 2);
  }

  /// Rust: 'a that is no character.
  bool lifetime() {
    if (peek(1) == '\\' || static_cast<unsigned char>(peek(1)) >= 0x80 || peek(2) == '\'')
      return false;
    ++at_;
    return true;
  }

  [[nodiscard]] bool many_lines(bool triple, char quote) const {
    return triple || language_ == CodeLanguage::rust || language_ == CodeLanguage::shell ||
           (language_ == CodeLanguage::go && quote == '`');
  }

  bool quoted() {
    char quote = peek();
    bool may_be_triple = language_ == CodeLanguage::python || language_ == CodeLanguage::java;
    bool triple = may_be_triple && peek(1) == quote && peek(2) == quote;
    auto width = triple ? std::size_t{3} : std::size_t{1};
    bool escapes = language_ != CodeLanguage::shell || quote == '"';
    auto from = at_ + width;
    auto end = from;
    for (; end < text_.size(); ++end) {
      char c = text_[end];
      // Without its end it is no string after all, or an unfinished one: it ends with its line.
      bool ends = c == '\n'
                      ? !many_lines(triple, quote)
                      : c == quote && (!triple || text_.substr(end, 3) == text_.substr(at_, 3));
      if (ends) break;
      if (escapes && c == '\\') ++end;
    }
    end = std::min(end, text_.size());
    emit(Kind::string, text_.substr(std::min(from, end), end - std::min(from, end)), line_);
    bool closed = end < text_.size() && text_[end] == quote;
    pass(closed ? end + width : end);
    fresh_ = false;
    return true;
  }

  /// The last "`" of the template literal that begins here, past what is in ${}; without one the
  /// end of the text.
  [[nodiscard]] std::size_t template_end() const {
    std::string inside;  // '{' for each open brace of ${}, '`' for each literal in one
    for (auto end = at_ + 1; end < text_.size(); ++end) {
      char c = text_[end];
      bool in_code = !inside.empty() && inside.back() == '{';
      bool begins_code = !in_code && c == '$' && text_.substr(end + 1, 1) == "{";
      if (begins_code || c == '\\') ++end;
      if (begins_code || (in_code && (c == '{' || c == '`'))) {
        inside += c == '`' ? '`' : '{';
      } else if (c == (in_code ? '}' : '`')) {
        if (inside.empty()) return end;
        inside.pop_back();
      }
    }
    return text_.size();
  }

  bool tick() {
    auto from = at_ + 1;
    auto end = template_end();
    emit(Kind::string, text_.substr(std::min(from, end), end - std::min(from, end)), line_);
    pass(end + 1);
    fresh_ = false;
    return true;
  }

  [[nodiscard]] bool regex_may_begin() const {
    if (tokens_.empty()) return true;
    const auto& last = tokens_.back();
    if (last.kind == Kind::word)
      return last.text == "return" || last.text == "typeof" || last.text == "case" ||
             last.text == "in" || last.text == "of";
    return last.kind == Kind::punct && last.text != ")" && last.text != "]" && last.text != "}";
  }

  bool regex() {
    bool in_class = false;
    auto end = at_ + 1;
    auto limit = std::min(text_.size(), at_ + max_regex);
    for (; end < limit && text_[end] != '\n'; ++end) {
      char c = text_[end];
      if (c == '\\') {
        ++end;
      } else if (c == '[') {
        in_class = true;
      } else if (c == ']') {
        in_class = false;
      } else if (c == '/' && !in_class) {
        break;
      }
    }
    if (end >= limit || text_[end] != '/') return false;  // a division
    emit(Kind::string, text_.substr(at_, end + 1 - at_), line_);
    at_ = end + 1;
    while (at_ < text_.size() && is_word_char(text_[at_])) ++at_;
    return true;
  }

  // ---- the rest ----

  void number() {
    auto from = at_;
    bool hex = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
    while (at_ < text_.size()) {
      char c = text_[at_];
      bool sign =
          (c == '+' || c == '-') && !hex && (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
      bool point = c == '.' && is_digit(peek(1));
      bool separator = c == '\'' && language_ == CodeLanguage::cxx && is_word_char(peek(1));
      if (!is_word_char(c) && !(sign && at_ > from) && !point && !separator) break;
      ++at_;
    }
    emit(Kind::number, text_.substr(from, at_ - from), line_);
  }

  void word() {
    auto from = at_;
    while (at_ < text_.size() && is_word_char(text_[at_])) ++at_;
    emit(Kind::word, text_.substr(from, at_ - from), line_);
  }

  void punct() {
    std::size_t size = 1;
    for (auto op : operators)
      if (here(op)) {
        size = op.size();
        break;
      }
    auto text = text_.substr(at_, size);
    at_ += size;
    if (text == ")" || text == "]" || text == "}") return close(text);
    emit(Kind::punct, text, line_);
    if (text == "(" || text == "[" || text == "{") open_.push_back(tokens_.size() - 1);
  }

  void close(std::string_view text) {
    // A bracket of another kind closes nothing: half-written code must not shift all that follows.
    bool fits = !open_.empty() && tokens_[open_.back()].text == (text == ")"   ? "("
                                                                 : text == "]" ? "["
                                                                               : "{");
    auto other = no_token;
    if (fits) {
      other = open_.back();
      open_.pop_back();
    }
    emit(Kind::punct, text, line_);
    tokens_.back().partner = other;
    if (other != no_token) tokens_[other].partner = tokens_.size() - 1;
  }

  CodeLanguage language_;
  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int indent_ = 0;
  bool fresh_ = true;
  std::vector<std::size_t> open_;
  std::vector<CodeToken> tokens_;
};

constexpr std::pair<std::string_view, CodeLanguage> extensions[] = {
    {"js", CodeLanguage::javascript},  {"jsx", CodeLanguage::javascript},
    {"mjs", CodeLanguage::javascript}, {"cjs", CodeLanguage::javascript},
    {"ts", CodeLanguage::javascript},  {"tsx", CodeLanguage::javascript},
    {"mts", CodeLanguage::javascript}, {"cts", CodeLanguage::javascript},
    {"py", CodeLanguage::python},      {"go", CodeLanguage::go},
    {"rs", CodeLanguage::rust},        {"java", CodeLanguage::java},
    {"kt", CodeLanguage::java},        {"c", CodeLanguage::cxx},
    {"cc", CodeLanguage::cxx},         {"cpp", CodeLanguage::cxx},
    {"cxx", CodeLanguage::cxx},        {"h", CodeLanguage::cxx},
    {"hh", CodeLanguage::cxx},         {"hpp", CodeLanguage::cxx},
    {"hxx", CodeLanguage::cxx},        {"sh", CodeLanguage::shell},
    {"bash", CodeLanguage::shell},     {"bats", CodeLanguage::shell},
    {"rb", CodeLanguage::other},       {"php", CodeLanguage::other},
    {"cs", CodeLanguage::other},       {"swift", CodeLanguage::other},
    {"scala", CodeLanguage::other},    {"ex", CodeLanguage::other},
    {"exs", CodeLanguage::other},      {"lua", CodeLanguage::other},
    {"dart", CodeLanguage::other},     {"hs", CodeLanguage::other}};

}  // namespace

CodeLanguage code_language(std::string_view path) {
  auto name = path.substr(path.rfind('/') + 1);
  auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return CodeLanguage::none;
  auto extension = to_lower(name.substr(dot + 1));
  for (const auto& [known, language] : extensions)
    if (extension == known) return language;
  return CodeLanguage::none;
}

std::vector<CodeToken> code_tokens(CodeLanguage language, std::string_view text) {
  if (language == CodeLanguage::none || language == CodeLanguage::other) return {};
  return Lexer(language, text).run();
}

}  // namespace muster
