#include "runtime/core/test_assertions.hpp"

#include <algorithm>
#include <array>

#include "runtime/core/text.hpp"

namespace muster {
namespace {

using Tokens = std::vector<CodeToken>;
using Kind = CodeToken::Kind;

constexpr std::size_t max_tokens = 400;  // of one argument; what is behind does not count
constexpr std::size_t max_args = 16;

template <std::size_t N>
bool any_of(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_literal_word(std::string_view word) {
  static constexpr std::array<std::string_view, 12> words{"true", "false",     "null", "None",
                                                          "nil",  "undefined", "True", "False",
                                                          "NULL", "nullptr",   "NaN",  "Infinity"};
  return any_of(words, word);
}

bool is_open(const CodeToken& token) { return token.is("(") || token.is("[") || token.is("{"); }

// ---- Arguments ----

bool is_close(const CodeToken& token) { return token.is(")") || token.is("]") || token.is("}"); }

/// The tokens with single blanks between them; `masked`: "#" for each number and string.
std::string text_of(const Tokens& tokens, TokenRange range, bool masked = false) {
  std::string out;
  auto to = std::min(range.to, range.from + max_tokens);
  for (auto at = range.from; at < to; ++at) {
    const auto& token = tokens[at];
    if (token.is(",") && at + 1 < to && is_close(tokens[at + 1])) continue;  // layout
    if (!out.empty()) out += ' ';
    bool hidden = masked && (token.kind == Kind::string || token.kind == Kind::number);
    if (hidden)
      out += '#';
    else if (token.kind == Kind::string)
      ((out += '"') += bounded_head(token.text, 2000)) += '"';
    else
      out += bounded_head(token.text, 2000);
  }
  return out;
}

/// Numbers, strings, true, null, and lists and objects of them.
bool is_literal(const Tokens& tokens, TokenRange range) {
  if (range.from >= range.to) return false;
  auto to = std::min(range.to, range.from + max_tokens);
  bool any = false;
  for (auto at = range.from; at < to; ++at) {
    const auto& token = tokens[at];
    if (token.kind == Kind::word && !is_literal_word(token.text)) {
      bool key = at + 1 < to && tokens[at + 1].is(":");
      if (!key) return false;
    }
    any = any || token.kind != Kind::punct || token.is("[") || token.is("{");
  }
  return any;
}

void add_arg(TestAssertion& out, const Tokens& tokens, TokenRange range) {
  if (range.from >= range.to || out.args.size() >= max_args) return;
  out.args.push_back(text_of(tokens, range));
  out.shapes.push_back(text_of(tokens, range, true));
  out.literal.push_back(is_literal(tokens, range));
}

/// The ranges between commas inside the bracket at `open`; empty when it never closes.
std::vector<TokenRange> split_args(const Tokens& tokens, std::size_t open) {
  std::vector<TokenRange> out;
  auto close = tokens[open].partner;
  if (close == no_token) return out;
  auto from = open + 1;
  std::size_t looked = 0;
  for (auto at = from; at < close && out.size() < max_args; ++at) {
    if (++looked > 4 * max_tokens) break;
    if (is_open(tokens[at]) && tokens[at].partner != no_token) {
      at = tokens[at].partner;
      continue;
    }
    if (!tokens[at].is(",")) continue;
    out.push_back({from, at});
    from = at + 1;
  }
  if (from < close) out.push_back({from, close});
  return out;
}

// ---- Comparisons ----

struct Comparison {
  std::string op;
  TokenRange left;
  TokenRange right;
};

bool is_comparison(const CodeToken& token) {
  static constexpr std::array<std::string_view, 8> ops{
      "==", "!=", "===", "!==", "<", ">", "<=", ">="};
  return token.kind == Kind::punct && any_of(ops, token.text);
}

/// "a == b", "a is not b", "a not in b" outside of brackets.
std::optional<Comparison> comparison_in(CodeLanguage language, const Tokens& tokens,
                                        TokenRange range) {
  auto to = std::min(range.to, range.from + max_tokens);
  for (auto at = range.from; at < to; ++at) {
    if (is_open(tokens[at]) && tokens[at].partner < to) {
      at = tokens[at].partner;
      continue;
    }
    if (is_comparison(tokens[at]))
      return Comparison{std::string(tokens[at].text), {range.from, at}, {at + 1, range.to}};
    if (language != CodeLanguage::python) continue;
    bool next_not = at + 1 < to && tokens[at + 1].word("not");
    if (tokens[at].word("is"))
      return Comparison{
          next_not ? "is not" : "is", {range.from, at}, {at + (next_not ? 2U : 1U), range.to}};
    if (tokens[at].word("in")) {
      bool is_not = at > range.from && tokens[at - 1].word("not");
      return Comparison{
          is_not ? "not in" : "in", {range.from, is_not ? at - 1 : at}, {at + 1, range.to}};
    }
  }
  return std::nullopt;
}

/// "x || true", "x or True": whatever x is.
bool or_true(const Tokens& tokens, TokenRange range) {
  auto to = std::min(range.to, range.from + max_tokens);
  for (auto at = range.from; at + 1 < to; ++at)
    if ((tokens[at].is("||") || tokens[at].is("or")) &&
        (tokens[at + 1].is("true") || tokens[at + 1].is("True") || tokens[at + 1].is("1") ||
         tokens[at + 1].is(":")))
      return true;
  return false;
}

// ---- Ranks ----

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

template <std::size_t N>
bool has_any(std::string_view text, const std::array<std::string_view, N>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return has(text, part); });
}

constexpr std::array<std::string_view, 13> near_words{
    "closeto",   "_near",  "almostequal", "indelta",   "inepsilon", "approx", "withinabs",
    "withinrel", "within", "allclose",    "double_eq", "float_eq",  "ulp"};
constexpr std::array<std::string_view, 6> throw_words{"throw",  "raises",     "panic",
                                                      "reject", "assert_err", "warns"};
constexpr std::array<std::string_view, 22> part_words{
    "contain",    "match",    "include",     "greater",  "less",     "length", "_size", "hassize",
    "startswith", "endswith", "haskey",      "property", "instance", "typeof", "like",  "subset",
    "regex",      "assertin", "assertnotin", "_lt",      "_gt",      "_le"};
constexpr std::array<std::string_view, 4> null_words{"null", "nil", "none", "undefined"};
constexpr std::array<std::string_view, 18> some_words{
    "true",          "false",          "truthy",   "falsy",
    "defined",       "exist",          "notempty", "tohavebeencalled",
    "to.be.ok",      "assert.ok",      "noerror",  "nothrow",
    "assert_called", "tohavereturned", "verify",   "t.ok",
    "t.pass",        "isnan"};

/// What an assertion of that name demands, when it is not negated.
AssertionRank rank_of_name(const std::string& name) {
  if (has(name, "calledwith") || has(name, "called_with") || has(name, "calledtimes") ||
      has(name, "called_once_with") || has(name, "snapshot"))
    return AssertionRank::whole;
  if (has(name, "nothrow") || has(name, "no_throw") || has(name, "notthrow"))
    return AssertionRank::some;
  if (has_any(name, near_words)) return AssertionRank::part;
  if (has_any(name, throw_words)) return AssertionRank::part;
  if (has(name, "equal")) return AssertionRank::whole;
  if (has_any(name, null_words)) return AssertionRank::part;
  if (has_any(name, part_words)) return AssertionRank::part;
  if (has_any(name, some_words)) return AssertionRank::some;
  static constexpr std::array<std::string_view, 14> bare{
      "assert", "check", "require", "assert!", "debug_assert!", "expect",     "test",
      "[",      "[[",    "assert.", "t.",      "static_assert", "assertthat", "static_require"};
  return any_of(bare, name) ? AssertionRank::some : AssertionRank::whole;
}

AssertionRank rank_of_op(const std::string& op) {
  if (op == "==" || op == "===" || op == "is" || op == "!=" || op == "!==" || op == "is not" ||
      op == "=" || op == "-eq" || op == "-ne")
    return AssertionRank::whole;
  return AssertionRank::part;
}

bool op_negates(const std::string& op) {
  return op == "!=" || op == "!==" || op == "is not" || op == "not in" || op == "-ne";
}

bool name_negates(const std::string& name) {
  if (has(name, "not") || has(name, "refute") || has(name, "false") || has(name, "falsy"))
    return true;
  return name.ends_with("_ne") || name == "assert_ne!" || name.ends_with(".ne") ||
         name == "debug_assert_ne!";
}

bool is_boolean(const std::string& arg) {
  return arg == "true" || arg == "false" || arg == "True" || arg == "False";
}

bool is_null(const std::string& arg) {
  return arg == "null" || arg == "None" || arg == "nil" || arg == "undefined" || arg == "nullptr" ||
         arg == "NULL";
}

/// Any value of a kind: expect.anything(), mock.ANY.
bool is_wildcard(const std::string& arg) {
  return has(arg, "expect . any") || has(arg, "mock . ANY") || arg == "ANY";
}

bool is_any_exception(const std::string& arg) {
  static constexpr std::array<std::string_view, 8> names{
      "Exception",         "BaseException",     "Error",
      "Throwable . class", "Exception . class", "RuntimeException . class",
      "std : : exception", "std :: exception"};
  return any_of(names, arg);
}

bool same_twice(const TestAssertion& out) {
  return out.args.size() == 2 && out.args[0] == out.args[1] && out.base_rank != AssertionRank::some;
}

bool always_true(const TestAssertion& out) {
  if (out.args.empty() || out.negated || has(to_lower(out.name), "fail")) return false;
  bool literals = std::all_of(out.literal.begin(), out.literal.end(), [](bool x) { return x; });
  return literals || same_twice(out);
}

/// What is special about the arguments, then the negation.
void settle_rank(CodeLanguage language, TestAssertion& out, bool tautology) {
  auto lower = to_lower(out.name);
  out.base_rank = out.rank;
  auto any = [&](bool (*what)(const std::string&)) {
    return std::any_of(out.args.begin(), out.args.end(), what);
  };
  if (out.rank == AssertionRank::whole && language != CodeLanguage::javascript &&
      (any(is_boolean) || any(is_null))) {
    // "x == true" demands no more than "x".
    if (any(is_boolean)) out.rank = AssertionRank::some;
    if (any(is_null)) out.rank = AssertionRank::part;
  }
  // Which exception it is says more than that there is one.
  bool type_alone = has(lower, "raises") || has(lower, "warns");
  if (has_any(lower, throw_words) && out.base_rank == AssertionRank::part &&
      (out.args.size() < (type_alone ? 1U : 2U) || any(is_any_exception)))
    out.rank = AssertionRank::some;
  if (any(is_wildcard)) out.rank = AssertionRank::some;
  if (out.negated && out.rank > AssertionRank::some) out.rank = AssertionRank::some;
  if (tautology || always_true(out)) out.rank = AssertionRank::nothing;
}

// ---- Shapes of assertions ----

std::size_t arity_of(const std::string& lower, std::size_t count) {
  if (has_any(lower, near_words)) return 3;
  if (has_any(lower, throw_words)) return 2;
  static constexpr std::array<std::string_view, 19> one{
      "true",      "false",   "truthy",  "falsy",         "null",         "nil",  "none",
      "undefined", "defined", "empty",   "error",         ".ok",          "fail", "noerror",
      "assert",    "assert!", "assert.", "debug_assert!", "static_assert"};
  for (auto word : one)
    if (lower.ends_with(word)) return 1;
  if (lower == "check" || lower == "require" || lower == "expect_true") return 1;
  return std::min<std::size_t>(count, 2);
}

bool is_number(const Tokens& tokens, TokenRange range) {
  return range.to - range.from <= 2 && range.to > range.from &&
         tokens[range.to - 1].kind == Kind::number;
}

/// Takes out what is no operand: "t" of Go, a message in front (JUnit 4), messages behind.
std::vector<TokenRange> operands(CodeLanguage language, const std::string& lower,
                                 const Tokens& tokens, std::vector<TokenRange> args) {
  auto first_is = [&](std::string_view word) {
    return !args.empty() && args[0].to == args[0].from + 1 && tokens[args[0].from].is(word);
  };
  if (language == CodeLanguage::go && (first_is("t") || first_is("tb") || first_is("b")))
    args.erase(args.begin());
  auto arity = arity_of(lower, args.size());
  if (language == CodeLanguage::java && args.size() == arity + 1 && args.size() <= 3 &&
      args[0].to == args[0].from + 1 && tokens[args[0].from].kind == Kind::string &&
      !is_number(tokens, args.back()))
    args.erase(args.begin());
  // A third number is a tolerance: assertEquals(a, b, 0.01).
  if (args.size() == 3 && arity == 2 && has(lower, "equal") && is_number(tokens, args[2]))
    arity = 3;
  if (args.size() > arity) args.resize(arity);
  return args;
}

/// name(args...), or name(a == b).
TestAssertion call(CodeLanguage language, const Tokens& tokens, std::string name,
                   std::size_t open) {
  TestAssertion out;
  out.line = tokens[open].line;
  auto lower = to_lower(name);
  out.rank = rank_of_name(lower);
  out.negated = name_negates(lower);
  auto all = split_args(tokens, open);
  auto args = operands(language, lower, tokens, all);
  bool tautology = false;
  for (auto arg : args) tautology = tautology || (!out.negated && or_true(tokens, arg));
  if (args.size() == 1 && out.rank == AssertionRank::some && !has(lower, "called")) {
    if (auto compared = comparison_in(language, tokens, args[0])) {
      name += " " + compared->op;
      out.rank = rank_of_op(compared->op);
      out.negated = out.negated != op_negates(compared->op);
      args = {compared->left, compared->right};
    } else if (tokens[args[0].from].is("!") || tokens[args[0].from].word("not")) {
      out.negated = !out.negated;
      ++args[0].from;
    }
  }
  out.name = std::move(name);
  for (auto arg : args) add_arg(out, tokens, arg);
  settle_rank(language, out, tautology);
  return out;
}

/// expect(x).not.toBe(y), assertThat(x).isEqualTo(y), expect(x).to.be.true: `open` is the bracket
/// behind the first word.
TestAssertion chain(CodeLanguage language, const Tokens& tokens, const std::string& first,
                    std::size_t open) {
  TestAssertion out;
  out.line = tokens[open].line;
  auto subject = split_args(tokens, open);
  if (!subject.empty()) add_arg(out, tokens, subject[0]);
  std::string name;
  bool called = false;
  auto at = tokens[open].partner;
  for (int words = 0; at != no_token && at + 2 < tokens.size() && words < 12; ++words) {
    if (!tokens[at + 1].is(".") || tokens[at + 2].kind != Kind::word) break;
    auto word = tokens[at + 2].text;
    if (word == "not" || word == "isNot") out.negated = !out.negated;
    // What only describes, or waits, demands nothing.
    bool described = word == "as" || word == "describedAs" || word == "withFailMessage";
    bool filler = described || word == "not" || word == "resolves";
    if (!filler) name += (name.empty() ? "" : ".") + std::string(bounded_head(word, 100));
    at += 2;
    if (at + 1 >= tokens.size() || !tokens[at + 1].is("(")) continue;
    for (auto arg : split_args(tokens, at + 1))
      if (!described) add_arg(out, tokens, arg);
    at = tokens[at + 1].partner;
    called = true;
  }
  auto lower = to_lower(name);
  if (!called && lower.empty() && subject.size() > 1) return call(language, tokens, first, open);
  if (name_negates(lower) && !has(lower, "notthrow")) out.negated = !out.negated;
  out.rank = name.empty() ? AssertionRank::nothing : rank_of_name(lower);
  if (lower == "tobe" || lower.ends_with(".equal") || lower.ends_with("eql"))
    out.rank = AssertionRank::whole;
  out.name = name.empty() ? first : name;
  bool nothing = name.empty();
  settle_rank(language, out, nothing);
  return out;
}

/// "assert a == b, message" up to the end of the logical line.
TestAssertion python_statement(const Tokens& tokens, std::size_t at) {
  TestAssertion out;
  out.line = tokens[at].line;
  out.name = "assert";
  out.rank = AssertionRank::some;
  TokenRange range{at + 1, at + 1};
  while (range.to < tokens.size() && range.to - at < max_tokens) {
    const auto& token = tokens[range.to];
    if ((token.first && token.depth <= tokens[at].depth) || token.is(";") ||
        (token.is(",") && token.depth <= tokens[at].depth))
      break;
    ++range.to;
  }
  bool tautology = or_true(tokens, range);
  bool whole_in_brackets = range.from < range.to && tokens[range.from].is("(") &&
                           tokens[range.from].partner == range.to - 1;
  if (whole_in_brackets) range = {range.from + 1, range.to - 1};
  if (range.from < range.to && tokens[range.from].word("not")) {
    out.negated = true;
    ++range.from;
  }
  if (auto compared = comparison_in(CodeLanguage::python, tokens, range)) {
    out.name += " " + compared->op;
    out.rank = rank_of_op(compared->op);
    out.negated = out.negated != op_negates(compared->op);
    add_arg(out, tokens, compared->left);
    add_arg(out, tokens, compared->right);
    if (std::any_of(out.args.begin(), out.args.end(), [](const std::string& arg) {
          return has(arg, "approx (") || has(arg, "Approx (");
        }))
      out.rank = AssertionRank::part;
  } else {
    add_arg(out, tokens, range);
  }
  settle_rank(CodeLanguage::python, out, tautology);
  return out;
}

/// Go's t.Errorf under "if got != want": it asserts the opposite of the condition.
TestAssertion complaint(const Tokens& tokens, std::size_t at, std::string name,
                        std::optional<TokenRange> condition) {
  TestAssertion out;
  out.line = tokens[at].line;
  out.name = std::move(name);
  out.rank = AssertionRank::some;
  bool tautology = false;
  if (condition) {
    out.line = tokens[condition->from].line;
    // "if err := f(); err != nil": the condition is the last part.
    for (auto k = condition->from; k < condition->to; ++k)
      if (tokens[k].is(";") && tokens[k].depth == tokens[condition->from].depth)
        condition->from = k + 1;
    tautology = condition->to == condition->from + 1 && tokens[condition->from].is("false");
    if (auto compared = comparison_in(CodeLanguage::go, tokens, *condition)) {
      out.name += " if " + compared->op;
      out.rank = rank_of_op(compared->op);
      out.negated = compared->op == "==";
      add_arg(out, tokens, compared->left);
      add_arg(out, tokens, compared->right);
    } else {
      add_arg(out, tokens, *condition);
    }
    for (auto k = condition->from; k + 1 < condition->to; ++k)
      tautology = tautology || (tokens[k].is("&&") && tokens[k + 1].is("false"));
  }
  bool literal_condition = condition && !tautology;
  settle_rank(CodeLanguage::go, out, tautology);
  if (literal_condition && out.rank == AssertionRank::nothing && out.args.size() < 2)
    out.rank = AssertionRank::some;  // "if true { t.Fatal() }" always fails
  return out;
}

/// "[ "$x" = 3 ]", "assert_equal a b", "grep -q x file": a command, to the end of its line.
TestAssertion shell_command(const Tokens& tokens, std::size_t at) {
  TestAssertion out;
  out.line = tokens[at].line;
  out.name = std::string(tokens[at].text);
  bool bracket = tokens[at].is("[");
  out.rank = bracket || tokens[at].is("test") ? AssertionRank::some : AssertionRank::whole;
  auto end = at + 1;
  while (end < tokens.size() && end - at < 60 && !tokens[end].first && !tokens[end].is(";")) ++end;
  bool tautology = or_true(tokens, {at, end});
  for (auto k = at + 1; k < end; ++k) {
    const auto& token = tokens[k];
    if (token.is("||") || token.is("&&")) break;
    bool option = token.is("-") && k + 1 < end && tokens[k + 1].kind == Kind::word;
    if (option || token.is("=") || token.is("==") || token.is("!=")) {
      auto op =
          option ? "-" + std::string(bounded_head(tokens[++k].text, 20)) : std::string(token.text);
      out.name += " " + op;
      if (bracket || out.name.starts_with("test")) out.rank = rank_of_op(op);
      out.negated = out.negated || op_negates(op);
    } else if (token.kind != Kind::punct) {
      add_arg(out, tokens, {k, k + 1});
      // What the shell expands is computed, also in quotes.
      if (!out.literal.empty() && has(token.text, "$")) out.literal.back() = false;
    }
  }
  settle_rank(CodeLanguage::shell, out, tautology);
  return out;
}

// ---- Where one begins ----

bool after_dot(const Tokens& tokens, std::size_t at) {
  return at > 0 && (tokens[at - 1].is(".") || tokens[at - 1].is("::"));
}

std::size_t next(const Tokens& tokens, std::size_t at, std::string_view text) {
  return at + 1 < tokens.size() && tokens[at + 1].is(text) ? at + 1 : no_token;
}

/// A definition: "void assertFoo(", "def assert_foo(", "function assertFoo(".
bool is_defined_here(const Tokens& tokens, std::size_t at) {
  if (at == 0 || tokens[at - 1].kind != Kind::word || tokens[at - 1].line != tokens[at].line)
    return false;
  static constexpr std::array<std::string_view, 9> before{
      "return", "await", "else", "throw", "yield", "do", "case", "co_await", "goto"};
  return !any_of(before, tokens[at - 1].text);
}

std::optional<TestAssertion> javascript_at(const Tokens& tokens, std::size_t at) {
  auto word = tokens[at].text;
  auto open = next(tokens, at, "(");
  if (word == "expect" && !is_defined_here(tokens, at)) {
    if (open == no_token && next(tokens, at, ".") != no_token && at + 3 < tokens.size() &&
        (tokens[at + 2].word("soft") || tokens[at + 2].word("poll")) && tokens[at + 3].is("("))
      open = at + 3;
    if (open != no_token) return chain(CodeLanguage::javascript, tokens, "expect", open);
    return std::nullopt;
  }
  if (after_dot(tokens, at) && word != "assert") return std::nullopt;
  if (word == "assert" && open != no_token && !is_defined_here(tokens, at))
    return call(CodeLanguage::javascript, tokens, "assert", open);
  bool receiver = word == "assert" || word == "t" || word == "tap";
  if (!receiver || next(tokens, at, ".") == no_token || at + 3 >= tokens.size())
    return std::nullopt;
  auto name = at + 2;
  if (word == "assert" && tokens[name].word("strict") && tokens[at + 3].is(".")) name += 2;
  if (name + 1 >= tokens.size() || tokens[name].kind != Kind::word || !tokens[name + 1].is("("))
    return std::nullopt;
  static constexpr std::array<std::string_view, 29> methods{
      "is",          "not",        "deepEqual",    "notDeepEqual", "equal",          "notEqual",
      "equals",      "same",       "strictSame",   "strictEqual",  "notStrictEqual", "ok",
      "notOk",       "true",       "false",        "truthy",       "falsy",          "throws",
      "throwsAsync", "rejects",    "match",        "regex",        "like",           "fail",
      "error",       "deepEquals", "strictEquals", "notThrows",    "doesNotThrow"};
  if (word != "assert" && !any_of(methods, tokens[name].text)) return std::nullopt;
  return call(CodeLanguage::javascript, tokens,
              std::string(word) + "." + std::string(bounded_head(tokens[name].text, 100)),
              name + 1);
}

std::optional<TestAssertion> python_at(const Tokens& tokens, std::size_t at) {
  auto word = tokens[at].text;
  bool statement =
      tokens[at].first || (at > 0 && (tokens[at - 1].is(":") || tokens[at - 1].is(";")));
  if (word == "assert" && statement) return python_statement(tokens, at);
  auto open = next(tokens, at, "(");
  if (open == no_token || is_defined_here(tokens, at)) return std::nullopt;
  bool raises = (word == "raises" || word == "warns" || word == "fail") && after_dot(tokens, at);
  if (!raises && !word.starts_with("assert")) return std::nullopt;
  auto out = call(CodeLanguage::python, tokens, std::string(bounded_head(word, 100)), open);
  // mock.assert_called_with(3): the mock is what is looked at.
  bool of_mock = word.starts_with("assert_called") || word.starts_with("assert_not_called") ||
                 word.starts_with("assert_any_call") || word.starts_with("assert_has_calls");
  if (of_mock && at >= 2 && tokens[at - 2].kind == Kind::word) {
    out.args.insert(out.args.begin(), std::string(bounded_head(tokens[at - 2].text, 100)));
    out.shapes.insert(out.shapes.begin(), out.args.front());
    out.literal.insert(out.literal.begin(), false);
    if (out.rank == AssertionRank::nothing) out.rank = rank_of_name(std::string(word));
  }
  return out;
}

std::optional<TestAssertion> go_at(const Tokens& tokens, std::size_t at,
                                   std::optional<TokenRange> condition) {
  auto word = tokens[at].text;
  auto open = next(tokens, at, "(");
  if ((word == "Expect" || word == "Ω") && open != no_token)
    return chain(CodeLanguage::go, tokens, "Expect", open);
  if (open == no_token || !after_dot(tokens, at) || at < 2) return std::nullopt;
  auto receiver = tokens[at - 2].text;
  if (receiver == "assert" || receiver == "require" || receiver == "is" || receiver == "check")
    return call(CodeLanguage::go, tokens, "assert." + std::string(bounded_head(word, 100)), open);
  static constexpr std::array<std::string_view, 6> ways{"Error",  "Errorf", "Fatal",
                                                        "Fatalf", "Fail",   "FailNow"};
  bool of_test = receiver == "t" || receiver == "tb" || receiver == "b" || receiver == ")";
  if (!of_test || !any_of(ways, word)) return std::nullopt;
  return complaint(tokens, at, "t." + std::string(word), condition);
}

std::optional<TestAssertion> rust_at(const Tokens& tokens, std::size_t at) {
  auto word = tokens[at].text;
  bool asserts = word.starts_with("assert") || word.starts_with("debug_assert") ||
                 word.starts_with("prop_assert");
  if (!asserts || next(tokens, at, "!") == no_token || at + 2 >= tokens.size() ||
      !is_open(tokens[at + 2]))
    return std::nullopt;
  return call(CodeLanguage::rust, tokens, std::string(bounded_head(word, 100)) + "!", at + 2);
}

std::optional<TestAssertion> java_at(const Tokens& tokens, std::size_t at) {
  auto word = tokens[at].text;
  auto open = next(tokens, at, "(");
  bool statement = word == "assert" && open == no_token && at + 1 < tokens.size();
  if (statement) return std::nullopt;
  if (open == no_token || is_defined_here(tokens, at)) return std::nullopt;
  if (word == "assertThat" || word == "expectThat" || word == "assertThatThrownBy")
    return chain(CodeLanguage::java, tokens, std::string(word), open);
  if (word == "verify") return chain(CodeLanguage::java, tokens, "verify", open);
  if (!word.starts_with("assert") && !(word == "fail" && !after_dot(tokens, at)) &&
      !word.starts_with("shouldThrow"))
    return std::nullopt;
  return call(CodeLanguage::java, tokens, std::string(bounded_head(word, 100)), open);
}

std::optional<TestAssertion> cxx_at(const Tokens& tokens, std::size_t at) {
  auto word = tokens[at].text;
  auto open = next(tokens, at, "(");
  if (open == no_token || is_defined_here(tokens, at)) return std::nullopt;
  static constexpr std::array<std::string_view, 7> prefixes{
      "CHECK", "REQUIRE", "EXPECT_", "ASSERT_", "BOOST_CHECK", "BOOST_REQUIRE", "BOOST_TEST"};
  bool macro = std::any_of(prefixes.begin(), prefixes.end(),
                           [&](std::string_view prefix) { return word.starts_with(prefix); });
  bool plain = word == "assert" || word == "static_assert" || word == "STATIC_REQUIRE" ||
               word == "FAIL" || word == "ADD_FAILURE" || word.starts_with("assert_");
  if (!macro && !plain) return std::nullopt;
  std::string name(bounded_head(word, 100));
  for (const char* prefix : {"BOOST_", "EXPECT_", "ASSERT_"})  // one may stand for the other
    if (name.starts_with(prefix) && name[0] != 'B') name = "EXPECT_" + name.substr(7);
  auto out = call(CodeLanguage::cxx, tokens, name, open);
  if (name.ends_with("_FALSE") && name[0] != 'E' && out.args.size() == 1) out.negated = true;
  return out;
}

std::optional<TestAssertion> shell_at(const Tokens& tokens, std::size_t at) {
  const auto& token = tokens[at];
  static constexpr std::array<std::string_view, 6> starts{"{", ";", "&&", "then", "do", "else"};
  bool begins = token.first || (at > 0 && any_of(starts, tokens[at - 1].text));
  if (!begins) return std::nullopt;
  static constexpr std::array<std::string_view, 6> commands{"[",   "test", "diff",
                                                            "cmp", "grep", "fail"};
  auto text = token.text;
  if (!any_of(commands, text) && !text.starts_with("assert") && !text.starts_with("refute"))
    return std::nullopt;
  if (next(tokens, at, "(") != no_token) return std::nullopt;  // assert_foo() { ... }
  return shell_command(tokens, at);
}

}  // namespace

std::optional<TestAssertion> assertion_at(CodeLanguage language, const Tokens& tokens,
                                          std::size_t at, std::optional<TokenRange> condition) {
  const auto& token = tokens[at];
  if (language == CodeLanguage::shell && token.kind != Kind::string) return shell_at(tokens, at);
  if (token.kind != Kind::word) return std::nullopt;
  switch (language) {
    case CodeLanguage::javascript:
      return javascript_at(tokens, at);
    case CodeLanguage::python:
      return python_at(tokens, at);
    case CodeLanguage::go:
      return go_at(tokens, at, condition);
    case CodeLanguage::rust:
      return rust_at(tokens, at);
    case CodeLanguage::java:
      return java_at(tokens, at);
    case CodeLanguage::cxx:
      return cxx_at(tokens, at);
    default:
      return std::nullopt;
  }
}

std::string TestAssertion::key() const {
  std::string out = name + (negated ? "!" : "");
  if (rank == AssertionRank::nothing) out += "~";
  for (const auto& arg : args) out += "\n" + arg;
  return out;
}

std::string TestAssertion::text() const {
  std::string out = name + (negated && name.find("not") == std::string::npos ? " (not)" : "") + "(";
  for (std::size_t n = 0; n < args.size(); ++n)
    out += (n == 0 ? "" : ", ") + std::string(bounded_head(args[n], 80));
  return one_line(out + ")", 160);
}

}  // namespace muster
