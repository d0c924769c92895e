#include "adapters/treesitter/c_code.hpp"

#include <algorithm>

#include "runtime/core/text.hpp"

namespace muster::treesitter {
namespace {

class Blanker {
 public:
  explicit Blanker(std::string_view text) : code_(text) {}

  std::optional<std::string> run() {
    while (sure_ && at_ < code_.size()) step();
    if (!sure_) return std::nullopt;
    return std::move(code_);
  }

 private:
  [[nodiscard]] char next() const { return at_ + 1 < code_.size() ? code_[at_ + 1] : '\0'; }
  [[nodiscard]] char before() const { return at_ > 0 ? code_[at_ - 1] : '\0'; }

  void step() {
    const char c = code_[at_];
    if (c == '/' && next() == '/') return line_comment();
    if (c == '/' && next() == '*') return comment();
    if (c == '"') return string();
    if (c == '\'') return character();
    ++at_;
  }

  void blank(std::size_t end) {
    for (end = std::min(end, code_.size()); at_ < end; ++at_)
      if (code_[at_] != '\n') code_[at_] = ' ';
  }

  /// A backslash at its end joins the next line to it.
  void line_comment() {
    auto end = code_.find('\n', at_);
    while (end != std::string::npos && (code_[end - 1] == '\\' || code_[end - 1] == '\r')) {
      if (code_[end - 1] == '\r' && code_[end - 2] != '\\') break;
      end = code_.find('\n', end + 1);
    }
    blank(end);
  }

  void comment() {
    const auto end = code_.find("*/", at_ + 2);
    blank(end == std::string::npos ? end : end + 2);
  }

  void string() {
    if (before() == 'R') {
      sure_ = false;
      return;
    }
    literal('"');
  }

  /// Between digits it only separates, within a word ("don't" of an #error) it is none.
  void character() {
    const char c = before();
    if (c == 'L' || c == 'u' || c == 'U' || c == '8') {
      sure_ = false;
      return;
    }
    if (is_name_char(c)) {
      ++at_;
      return;
    }
    literal('\'');
  }

  void literal(char quote) {
    auto end = at_ + 1;
    while (end < code_.size() && code_[end] != quote && code_[end] != '\n')
      end += code_[end] == '\\' ? 2 : 1;
    if (end >= code_.size() || code_[end] != quote)
      sure_ = false;
    else
      blank(end + 1);
  }

  std::string code_;
  std::size_t at_ = 0;
  bool sure_ = true;
};

}  // namespace

std::optional<std::string> c_code_of(std::string_view text) { return Blanker(text).run(); }

}  // namespace muster::treesitter
