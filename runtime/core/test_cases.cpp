#include "runtime/core/test_cases.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "runtime/core/test_assertions.hpp"
#include "runtime/core/text.hpp"

namespace muster {
namespace {

using Tokens = std::vector<CodeToken>;
using Kind = CodeToken::Kind;

constexpr std::size_t max_assertions = 20000;  // of one file
constexpr std::size_t max_cases = 10000;
constexpr std::size_t max_name = 200;
constexpr std::size_t max_depth = 64;  // of groups in groups

template <std::size_t N>
bool any_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// What begins at a token: a test case, or a group of them.
struct Opening {
  std::string name;
  bool group = false;
  bool skipped = false;
  bool focused = false;
  std::size_t body = no_token;  ///< its first bracket; Python: none, the indentation tells
};

/// Attributes, annotations and decorators that wait for what they belong to.
struct Pending {
  bool test = false;
  bool skipped = false;
};

bool is_skip_word(std::string_view word) {
  static constexpr std::array<std::string_view, 14> words{
      "skip",   "skipIf",   "skipif",  "skipUnless", "skip_unless",  "xfail", "expectedFailure",
      "ignore", "Disabled", "Ignored", "Ignore",     "should_panic", "todo",  "DisabledIf"};
  return any_of(words, word) || word.starts_with("DisabledOn") || word.starts_with("EnabledOn") ||
         word.starts_with("EnabledIf");
}

std::size_t at_or_none(const Tokens& tokens, std::size_t at, std::string_view text) {
  return at < tokens.size() && tokens[at].is(text) ? at : no_token;
}

/// The first "{" within `most` tokens from `at` on, brackets passed over; a ";" ends the search.
std::size_t body_from(const Tokens& tokens, std::size_t at, std::size_t most) {
  for (std::size_t n = 0; n < most && at < tokens.size(); ++n, ++at) {
    if (tokens[at].is("{")) return at;
    if (tokens[at].is(";")) return no_token;
    if (tokens[at].is("(") || tokens[at].is("[")) {
      if (tokens[at].partner == no_token) return no_token;
      at = tokens[at].partner;
    }
  }
  return no_token;
}

std::string bounded_name(std::string_view text) {
  return one_line(bounded_head(text, 1000), max_name);
}

// ---- JavaScript ----

bool is_group_word(std::string_view word) {
  static constexpr std::array<std::string_view, 6> words{"describe",  "suite",     "context",
                                                         "xdescribe", "fdescribe", "xcontext"};
  return any_of(words, word);
}

bool is_case_word(std::string_view word) {
  static constexpr std::array<std::string_view, 8> words{"it",    "test",     "specify", "xit",
                                                         "xtest", "xspecify", "fit",     "ftest"};
  return any_of(words, word);
}

/// `{ skip: true }` between the name and the function.
void read_options(const Tokens& tokens, std::size_t from, std::size_t to, Opening& out) {
  for (auto at = from; at + 2 < std::min(to, from + 40); ++at) {
    if (tokens[at].is("=>") || tokens[at].word("function")) return;
    if (!tokens[at + 1].is(":") || tokens[at + 2].word("false")) continue;
    if (tokens[at].word("skip") || tokens[at].word("todo")) out.skipped = true;
    if (tokens[at].word("only")) out.focused = true;
  }
}

/// it("name", ...), test.skip("name", ...), it.each(table)("name", ...).
std::optional<Opening> open_javascript(const Tokens& tokens, std::size_t at) {
  auto word = tokens[at].text;
  Opening out;
  out.group = is_group_word(word);
  if (!out.group && !is_case_word(word)) return std::nullopt;
  if (at > 1 && tokens[at - 1].is(".") && !tokens[at - 2].word("t") &&
      !tokens[at - 2].word("ctx") && !tokens[at - 2].word("context") &&
      !tokens[at - 2].word("Deno"))
    return std::nullopt;  // /x/.test("name")
  out.skipped = word[0] == 'x';
  out.focused = word[0] == 'f';
  auto next = at + 1;
  for (int n = 0; n < 4 && at_or_none(tokens, next, ".") != no_token && next + 1 < tokens.size();
       ++n) {
    auto modifier = tokens[next + 1].text;
    static constexpr std::array<std::string_view, 6> off{"skip",    "todo",  "fails",
                                                         "failing", "fixme", "skipIf"};
    out.skipped = out.skipped || any_of(off, modifier);
    out.focused = out.focused || modifier == "only";
    if (modifier == "describe") out.group = true;
    next += 2;
    bool table =
        modifier == "each" || modifier == "skipIf" || modifier == "runIf" || modifier == "for";
    if (!table || next >= tokens.size()) continue;
    if (tokens[next].kind == Kind::string)
      ++next;
    else if (tokens[next].is("(") && tokens[next].partner != no_token)
      next = tokens[next].partner + 1;
  }
  auto open = at_or_none(tokens, next, "(");
  if (open == no_token || open + 1 >= tokens.size() || tokens[open + 1].kind != Kind::string)
    return std::nullopt;
  out.name = bounded_name(tokens[open + 1].text);
  out.body = open;
  if (tokens[open].partner != no_token) read_options(tokens, open + 2, tokens[open].partner, out);
  return out;
}

// ---- C++ ----

bool hidden_tags(std::string_view tags) {
  for (const char* tag : {"[.", "[!hide]", "[!mayfail]", "[!shouldfail]"})
    if (tags.find(tag) != std::string_view::npos) return true;
  return false;
}

/// TEST_CASE("name", "[tags]") {, TEST(Suite, Name) {, SECTION("name") {.
std::optional<Opening> open_cxx(const Tokens& tokens, std::size_t at) {
  static constexpr std::array<std::string_view, 7> named{"TEST",
                                                         "TEST_F",
                                                         "TEST_P",
                                                         "TYPED_TEST",
                                                         "TYPED_TEST_P",
                                                         "BOOST_AUTO_TEST_CASE",
                                                         "BOOST_FIXTURE_TEST_CASE"};
  static constexpr std::array<std::string_view, 11> texts{"TEST_CASE",
                                                          "SCENARIO",
                                                          "TEST_CASE_METHOD",
                                                          "TEMPLATE_TEST_CASE",
                                                          "SECTION",
                                                          "SUBCASE",
                                                          "GIVEN",
                                                          "WHEN",
                                                          "THEN",
                                                          "AND_WHEN",
                                                          "AND_THEN"};
  bool by_name = any_of(named, tokens[at].text);
  auto open = at_or_none(tokens, at + 1, "(");
  if ((!by_name && !any_of(texts, tokens[at].text)) || open == no_token ||
      tokens[open].partner == no_token)
    return std::nullopt;
  auto close = tokens[open].partner;
  Opening out;
  out.body = at_or_none(tokens, close + 1, "{");
  if (out.body == no_token) return std::nullopt;
  std::string name;
  bool second = false;  // behind the first comma: tags
  for (auto k = open + 1; k < close && k < open + 40; ++k) {
    const auto& token = tokens[k];
    if (token.is(",") && token.depth == tokens[open].depth + 1) {
      second = second || !name.empty();
      if (by_name) name += '.';
    } else if (token.kind == Kind::string && second) {
      out.skipped = out.skipped || hidden_tags(token.text);
    } else if (by_name ? token.kind == Kind::word : token.kind == Kind::string) {
      name += token.text;
    } else if (token.word("skip")) {
      out.skipped = true;  // doctest
    }
  }
  if (auto off = name.find("DISABLED_"); off != std::string::npos) {
    out.skipped = true;
    name.erase(off, 9);
  }
  out.name = bounded_name(name);
  return out;
}

// ---- The others ----

std::optional<Opening> open_go(const Tokens& tokens, std::size_t at) {
  Opening out;
  bool run = tokens[at].word("Run") && at > 1 && tokens[at - 1].is(".") && tokens[at - 2].is("t");
  if (run) {
    out.body = at_or_none(tokens, at + 1, "(");
    if (out.body == no_token || at + 2 >= tokens.size()) return std::nullopt;
    for (auto k = at + 2; k < tokens.size() && k < at + 8 && !tokens[k].is(","); ++k)
      out.name += tokens[k].text;
    out.name = bounded_name(out.name);
    return out;
  }
  if (!tokens[at].word("func") || at + 2 >= tokens.size()) return std::nullopt;
  auto name = tokens[at + 1].text;
  if (!name.starts_with("Test") && !name.starts_with("Fuzz") && !name.starts_with("Example"))
    return std::nullopt;
  out.name = bounded_name(name);
  out.body = body_from(tokens, at + 2, 6);
  return out;
}

std::optional<Opening> open_rust(const Tokens& tokens, std::size_t at, Pending& pending) {
  if (tokens[at].is("#") && at_or_none(tokens, at + 1, "[") != no_token) {
    auto close = tokens[at + 1].partner;
    if (close == no_token) return std::nullopt;
    std::string_view name;  // the last word of its path
    for (auto k = at + 2; k < close && !tokens[k].is("(") && !tokens[k].is("="); ++k)
      if (tokens[k].kind == Kind::word) name = tokens[k].text;
    for (auto k = at + 2; k < close && k < at + 40; ++k)
      if (tokens[k].word("ignore") || tokens[k].word("should_panic")) pending.skipped = true;
    if (name == "test" || name == "rstest" || name == "test_case" || name == "case")
      pending.test = true;
    return std::nullopt;
  }
  static constexpr std::array<std::string_view, 5> items{"struct", "impl", "use", "enum", "const"};
  if (any_of(items, tokens[at].text) && tokens[at].first) pending = {};
  bool function = tokens[at].word("fn");
  if ((!function && !tokens[at].word("mod")) || at + 1 >= tokens.size()) return std::nullopt;
  auto had = std::exchange(pending, {});
  if (function && !had.test) return std::nullopt;
  Opening out;
  out.group = !function;
  out.skipped = had.skipped;
  out.name = bounded_name(tokens[at + 1].text);
  out.body = body_from(tokens, at + 2, 40);
  if (out.body == no_token) return std::nullopt;
  return out;
}

std::optional<Opening> open_java(const Tokens& tokens, std::size_t at, Pending& pending) {
  const auto& token = tokens[at];
  bool annotation = at > 0 && tokens[at - 1].is("@");
  if (annotation) {
    static constexpr std::array<std::string_view, 6> tests{
        "Test", "ParameterizedTest", "RepeatedTest", "TestFactory", "Property", "TestTemplate"};
    if (any_of(tests, token.text)) pending.test = true;
    if (is_skip_word(token.text)) pending.skipped = true;
    return std::nullopt;
  }
  // @Test(enabled = false)
  if (pending.test && token.word("enabled") && at + 2 < tokens.size() && tokens[at + 2].is("false"))
    pending.skipped = true;
  Opening out;
  if (token.word("class") && at + 1 < tokens.size() && !(at > 0 && tokens[at - 1].is("."))) {
    out.group = true;
    out.skipped = std::exchange(pending, {}).skipped;
    out.name = bounded_name(tokens[at + 1].text);
    out.body = body_from(tokens, at + 2, 40);
    if (out.body == no_token) return std::nullopt;
    return out;
  }
  // Kotlin: fun `adds two numbers`()
  bool quoted = token.word("fun") && at + 1 < tokens.size() && tokens[at + 1].kind == Kind::string;
  if (quoted) ++at;
  auto open = at_or_none(tokens, at + 1, "(");
  bool typed = at > 0 && (tokens[at - 1].kind == Kind::word || tokens[at - 1].is(">"));
  bool old_style = typed && tokens[at - 1].word("void") && tokens[at].text.starts_with("test");
  if (open == no_token || !typed || (!pending.test && !old_style) ||
      tokens[open].partner == no_token)
    return std::nullopt;
  out.skipped = std::exchange(pending, {}).skipped;
  out.name = bounded_name(tokens[at].text);
  out.body = body_from(tokens, tokens[open].partner + 1, 16);
  if (out.body == no_token) return std::nullopt;
  return out;
}

std::optional<Opening> open_shell(const Tokens& tokens, std::size_t at) {
  Opening out;
  if (tokens[at].is("@") && at + 3 < tokens.size() && tokens[at + 1].word("test") &&
      tokens[at + 2].kind == Kind::string) {
    out.name = bounded_name(tokens[at + 2].text);
    out.body = at_or_none(tokens, at + 3, "{");
  } else if (tokens[at].first && tokens[at].text.starts_with("test_") &&
             tokens[at].kind == Kind::word && at_or_none(tokens, at + 1, "(") != no_token) {
    out.name = bounded_name(tokens[at].text);
    out.body = body_from(tokens, at + 1, 4);
  }
  if (out.body == no_token) return std::nullopt;
  return out;
}

/// "def test_x(", "class TestX:"; decorators wait in `pending`.
std::optional<Opening> open_python(const Tokens& tokens, std::size_t at, Pending& pending) {
  const auto& token = tokens[at];
  if (token.is("@") && token.first) {
    auto end = at + 1;
    for (; end < tokens.size() && end < at + 200; ++end) {
      if (tokens[end].first && tokens[end].depth <= token.depth) break;
      if (tokens[end].kind == Kind::word && is_skip_word(tokens[end].text)) pending.skipped = true;
    }
    return std::nullopt;
  }
  bool is_class = token.word("class") && token.first;
  if ((!is_class && !token.word("def")) || at + 1 >= tokens.size()) return std::nullopt;
  auto had = std::exchange(pending, {});
  auto name = tokens[at + 1].text;
  if (!is_class && !name.starts_with("test")) return std::nullopt;
  Opening out;
  out.group = is_class;
  out.skipped = had.skipped;
  out.name = bounded_name(name);
  return out;
}

// ---- Markers inside ----

/// t.Skip(), pytest.skip(), this.skip(), GTEST_SKIP(), assumeTrue(): the rest is not run.
bool is_skip_call(CodeLanguage language, const Tokens& tokens, std::size_t at) {
  const auto& token = tokens[at];
  if (token.kind != Kind::word) return false;
  auto word = token.text;
  bool dotted = at > 1 && tokens[at - 1].is(".");
  bool called = at_or_none(tokens, at + 1, "(") != no_token;
  auto receiver = dotted ? tokens[at - 2].text : std::string_view();
  switch (language) {
    case CodeLanguage::javascript: {
      static constexpr std::array<std::string_view, 6> receivers{"t",    "this",    "ctx",
                                                                 "test", "context", "testInfo"};
      return called && ((dotted && (word == "skip" || word == "todo" || word == "fixme") &&
                         any_of(receivers, receiver)) ||
                        (!dotted && word == "pending"));
    }
    case CodeLanguage::python:
      return (called && dotted && (word == "skip" || word == "xfail") && receiver == "pytest") ||
             (called && word == "skipTest") || word == "SkipTest";
    case CodeLanguage::go:
      return called && dotted && (word == "Skip" || word == "Skipf" || word == "SkipNow");
    case CodeLanguage::java:
      return called && (word == "assumeTrue" || word == "assumeFalse" || word == "assumeThat" ||
                        (word == "abort" && receiver == "Assumptions"));
    case CodeLanguage::cxx:
      return word == "GTEST_SKIP" || (word == "SKIP" && called);
    case CodeLanguage::shell:
      return word == "skip" && token.first;
    default:
      return false;
  }
}

/// pytestmark = pytest.mark.skip: all of the file, or of the class.
bool is_python_mark(const Tokens& tokens, std::size_t at) {
  if (!tokens[at].word("pytestmark") || at_or_none(tokens, at + 1, "=") == no_token) return false;
  for (auto k = at + 2; k < tokens.size() && k < at + 40; ++k) {
    if (tokens[k].first && tokens[k].depth <= tokens[at].depth) return false;
    if (tokens[k].kind == Kind::word && is_skip_word(tokens[k].text)) return true;
  }
  return false;
}

/// "catch (e) {}", "except Exception: pass": whatever fails in there is not told.
bool is_empty_handler(CodeLanguage language, const Tokens& tokens, std::size_t at) {
  if (language == CodeLanguage::python && tokens[at].word("except")) {
    auto colon = at + 1;
    while (colon < tokens.size() && colon < at + 20 && !tokens[colon].is(":")) ++colon;
    return at_or_none(tokens, colon + 1, "pass") != no_token && colon < at + 20;
  }
  if (!tokens[at].word("catch") || (at > 0 && tokens[at - 1].is("."))) return false;
  auto body = body_from(tokens, at + 1, 2);
  return body != no_token && tokens[body].partner == body + 1;
}

/// The block of "if (false) {", "if false {": its last token; no_token when it is no such block.
std::size_t never_run_until(const Tokens& tokens, std::size_t at) {
  if (!tokens[at].word("if")) return no_token;
  bool brackets = at_or_none(tokens, at + 1, "(") != no_token;
  auto value = at + (brackets ? 2U : 1U);
  if (value >= tokens.size() || !(tokens[value].is("false") || tokens[value].is("0")))
    return no_token;
  auto open = value + 1;
  if (brackets && at_or_none(tokens, open++, ")") == no_token) return no_token;
  return at_or_none(tokens, open, "{") == no_token ? no_token : tokens[open].partner;
}

/// A "return" that is always reached: what comes behind it in the test is not run.
bool is_bare_return(CodeLanguage language, const Tokens& tokens, std::size_t at) {
  if (!tokens[at].word("return") || language == CodeLanguage::shell) return false;
  if (at + 1 >= tokens.size()) return true;
  return tokens[at + 1].is(";") || tokens[at + 1].is("}") || tokens[at + 1].line != tokens[at].line;
}

// ---- The walk ----

struct Scope {
  Opening opening;
  std::size_t end = no_token;  ///< index of its last token; Python: none
  int indent = 0;
  std::size_t depth = 0;         ///< open brackets where it began
  std::size_t found = no_token;  ///< its index in the cases; none for a group
  int body_indent = 0;           ///< Python: of its first statement
  bool left = false;             ///< behind a bare return
};

class Walk {
 public:
  Walk(CodeLanguage language, const Tokens& tokens) : language_(language), tokens_(tokens) {}

  TestFileContent run() {
    for (std::size_t at = 0; at < tokens_.size(); ++at) step(at);
    rest_.line = 1;
    out_.cases.push_back(std::move(rest_));
    return std::move(out_);
  }

 private:
  void step(std::size_t at) {
    close_scopes(at);
    note_if(at);
    if (auto opening = open_at(at)) push(at, std::move(*opening));
    if (is_skip_call(language_, tokens_, at)) mark_skipped();
    if (language_ == CodeLanguage::python && is_python_mark(tokens_, at)) mark_skipped();
    note_body(at);
    note_return(at);
    note_never(at);
    if (is_empty_handler(language_, tokens_, at)) ++here().swallowed;
    if (assertions_ < max_assertions) note_assertion(at);
    hash_token(at);
  }

  void note_assertion(std::size_t at) {
    auto assertion = assertion_at(language_, tokens_, at, condition_);
    if (!assertion) return;
    asserting_ = at;
    if (dead()) return;
    ++assertions_;
    here().assertions.push_back(std::move(*assertion));
  }

  std::optional<Opening> open_at(std::size_t at) {
    if (tokens_[at].kind == Kind::string || out_.cases.size() >= max_cases) return std::nullopt;
    switch (language_) {
      case CodeLanguage::javascript:
        return open_javascript(tokens_, at);
      case CodeLanguage::python:
        return open_python(tokens_, at, pending_);
      case CodeLanguage::go:
        return open_go(tokens_, at);
      case CodeLanguage::rust:
        return open_rust(tokens_, at, pending_);
      case CodeLanguage::java:
        return open_java(tokens_, at, pending_);
      case CodeLanguage::cxx:
        return open_cxx(tokens_, at);
      case CodeLanguage::shell:
        return open_shell(tokens_, at);
      default:
        return std::nullopt;
    }
  }

  void push(std::size_t at, Opening opening) {
    if (scopes_.size() >= max_depth) return;
    Scope scope;
    const auto& token = tokens_[at];
    scope.indent = token.indent;
    scope.depth = token.depth;
    if (opening.body != no_token) scope.end = tokens_[opening.body].partner;
    if (language_ != CodeLanguage::python && scope.end == no_token) return;
    bool around = !scopes_.empty() && scopes_.back().opening.skipped;
    opening.skipped = opening.skipped || around;
    if (!opening.group) {
      TestCase found;
      found.name = opening.name;
      for (const auto& outer : scopes_)
        if (found.path.size() < 4 * max_name) found.path += outer.opening.name + " > ";
      found.path += opening.name;
      found.line = token.line;
      found.skipped = opening.skipped;
      found.focused = opening.focused;
      found.nested = innermost() != nullptr;
      scope.found = out_.cases.size();
      out_.cases.push_back(std::move(found));
    }
    scope.opening = std::move(opening);
    scopes_.push_back(std::move(scope));
  }

  void close_scopes(std::size_t at) {
    const auto& token = tokens_[at];
    while (!scopes_.empty()) {
      const auto& scope = scopes_.back();
      bool over = language_ == CodeLanguage::python
                      ? token.first && token.indent <= scope.indent && token.depth <= scope.depth
                      : at > scope.end;
      if (!over) return;
      scopes_.pop_back();
    }
  }

  /// The test case around what is read now.
  TestCase* innermost() {
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope)
      if (scope->found != no_token) return &out_.cases[scope->found];
    return nullptr;
  }
  TestCase& here() {
    auto* inner = innermost();
    return inner ? *inner : rest_;
  }
  [[nodiscard]] bool dead() const {
    return never_ ||
           std::any_of(scopes_.begin(), scopes_.end(), [](const Scope& s) { return s.left; });
  }

  void mark_skipped() {
    if (auto* inner = innermost()) {
      inner->skipped = true;
    } else if (!scopes_.empty()) {
      scopes_.back().opening.skipped = true;
    } else {
      out_.skipped = true;
    }
  }

  /// Python: the indentation of a test's statements is that of the first one.
  void note_body(std::size_t at) {
    if (language_ != CodeLanguage::python || scopes_.empty()) return;
    auto& scope = scopes_.back();
    const auto& token = tokens_[at];
    if (scope.body_indent == 0 && token.first && token.indent > scope.indent &&
        token.depth <= scope.depth)
      scope.body_indent = token.indent;
  }

  void note_return(std::size_t at) {
    if (scopes_.empty() || scopes_.back().found == no_token) return;
    auto& scope = scopes_.back();
    const auto& token = tokens_[at];
    if (scope.left || !is_bare_return(language_, tokens_, at)) return;
    if (language_ == CodeLanguage::python) {
      scope.left = token.first && token.indent == scope.body_indent;
      return;
    }
    // A function that is an argument stands in the call's brackets and in its own braces.
    auto inside = tokens_[scope.opening.body].is("(") ? 2U : 1U;
    scope.left = token.depth == scope.depth + inside;
  }

  /// What stands under "if (false)" does not run.
  void note_never(std::size_t at) {
    const auto& token = tokens_[at];
    bool python = language_ == CodeLanguage::python;
    if (never_) {
      bool over = python ? token.first && token.indent <= tokens_[never_at_].indent &&
                               token.depth <= tokens_[never_at_].depth
                         : at > never_end_;
      if (!over) return;
      never_ = false;
    }
    if (python) {
      never_ = token.word("if") && token.first && at + 2 < tokens_.size() &&
               (tokens_[at + 1].is("False") || tokens_[at + 1].is("0")) && tokens_[at + 2].is(":");
    } else {
      never_end_ = never_run_until(tokens_, at);
      never_ = never_end_ != no_token;
    }
    never_at_ = at;
  }

  /// What is no assertion: the setup.
  void hash_token(std::size_t at) {
    const auto& token = tokens_[at];
    if (asserting_ != no_token) {
      bool over = at != asserting_ && token.first && token.depth <= tokens_[asserting_].depth;
      if (!over) return;
      asserting_ = no_token;
    }
    if (language_ == CodeLanguage::go && if_at_ != no_token) return;  // a condition asserts
    auto& setup = here().setup;
    setup = setup * 1099511628211U + std::hash<std::string_view>()(token.text);
  }

  /// Go: the condition of the "if" whose block this is.
  void note_if(std::size_t at) {
    if (language_ != CodeLanguage::go) return;
    const auto& token = tokens_[at];
    if (token.word("if")) if_at_ = at;
    if (token.is("{")) {
      bool begins = if_at_ != no_token && token.depth == tokens_[if_at_].depth;
      conditions_.push_back(begins ? std::optional<TokenRange>({if_at_ + 1, at}) : std::nullopt);
      if (begins) if_at_ = no_token;
    }
    if (token.is("}") && !conditions_.empty()) conditions_.pop_back();
    condition_ = conditions_.empty() ? std::nullopt : conditions_.back();
    if (condition_ && condition_->from >= condition_->to) condition_.reset();
  }

  CodeLanguage language_;
  const Tokens& tokens_;
  TestFileContent out_;
  TestCase rest_;
  Pending pending_;
  std::vector<Scope> scopes_;
  std::size_t assertions_ = 0;
  std::size_t if_at_ = no_token;
  std::vector<std::optional<TokenRange>> conditions_;
  std::optional<TokenRange> condition_;
  bool never_ = false;  // in a block that does not run: it began at never_at_
  std::size_t never_at_ = 0;
  std::size_t never_end_ = no_token;
  std::size_t asserting_ = no_token;  // the statement that begins there asserts
};

}  // namespace

TestFileContent read_test_file(CodeLanguage language, std::string_view text) {
  auto tokens = code_tokens(language, text);
  return Walk(language, tokens).run();
}

}  // namespace muster
