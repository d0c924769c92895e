#include "adapters/treesitter/shell_parser.hpp"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using namespace muster;

namespace {

ShellProgram parse(std::string_view text) {
  const auto program = TreeSitterShellParser().parse(text);
  REQUIRE(program.ok());
  return *program;
}

std::string words_of(const ShellCommand& command) {
  std::string out;
  for (const auto& word : command.words) out += (out.empty() ? "" : "|") + word.text;
  return out;
}

std::vector<std::string> commands_of(std::string_view text) {
  std::vector<std::string> out;
  const auto program = parse(text);
  CHECK_FALSE(program.has_error);
  for (const auto& command : program.commands) out.push_back(words_of(command));
  return out;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("quotes, escapes and continuations are removed", "[shell]") {
  CHECK(commands_of(R"(echo a'b c'"d e"f\ g)") == Lines{"echo|ab cd ef g"});
  CHECK(commands_of(R"(r''m "-r"f)") == Lines{"rm|-rf"});
  CHECK(commands_of(R"(\r\m x)") == Lines{"rm|x"});
  CHECK(commands_of(R"($'\x72\155' $'a\tb\'')") == Lines{"rm|a\tb'"});
  CHECK(commands_of("r\\\nm -r\\\nf a\\\n b") == Lines{"rm|-rf|a|b"});
  CHECK(commands_of(R"("a\"b\$c\d" '')") == Lines{"a\"b$c\\d|"});
}

TEST_CASE("braces, globs, tildes and expansions are told apart", "[shell]") {
  CHECK(commands_of("cp x{a,b{1,2}}y {z}") == Lines{"cp|xay|xb1y|xb2y|{z}"});
  const auto words =
      parse(R"(ls *.c "*.c" ~/x '~/y' $HOME '$HOME' `id` <(id) a{1..3} \*)").commands.front().words;
  CHECK(words.at(1).glob);
  CHECK_FALSE(words.at(2).glob);
  CHECK(words.at(3).tilde);
  CHECK_FALSE(words.at(4).tilde);
  CHECK(words.at(5).dynamic);
  CHECK_FALSE(words.at(6).dynamic);
  CHECK(words.at(7).dynamic);
  CHECK(words.at(8).dynamic);
  CHECK(words.at(9).dynamic);
  CHECK_FALSE(words.at(10).glob);
}

TEST_CASE("every command is seen, wherever it stands", "[shell]") {
  CHECK(commands_of("a; b && c || d & e\nf") == Lines{"a", "b", "c", "d", "e", "f"});
  CHECK(commands_of("(a; { b; })") == Lines{"a", "b"});
  CHECK(commands_of("if a; then b; elif c; then d; else e; fi") == Lines{"a", "b", "c", "d", "e"});
  CHECK(commands_of("for x in $(a); do b; done; while c; do d; done; until e; do f; done") ==
        Lines{"a", "b", "c", "d", "e", "f"});
  CHECK(commands_of("case $(a) in $(b)) c;; *) d;; esac") == Lines{"a", "b", "c", "d"});
  CHECK(commands_of("f() { a; }; function g { b; }; h() (c)") == Lines{"a", "b", "c"});
  CHECK(commands_of("echo \"$(a \"$(b)\")\" `c`") ==
        Lines{"echo|\"$(a \"$(b)\")\"|`c`", "a|\"$(b)\"", "b", "c"});
  CHECK(commands_of("x=$(a) y=${z:-$(b)}") == Lines{"", "a", "b"});
  CHECK(commands_of("[[ -f $(a) ]]; ((x = $(b)))") == Lines{"[[", "a", "((", "b"});
  CHECK(commands_of("diff <(a) > >(b)").size() == 3);
  CHECK(commands_of("f() { a; } > $(b)") == Lines{"a", "b"});
  CHECK(commands_of("[ `a` = $(b) ]; a=(`c` $(d)); e > \"`f`\"; x[`g`]=1") ==
        Lines{"[", "a", "b", "", "c", "d", "e", "f", "", "g"});
  CHECK(commands_of("! a | b") == Lines{"a", "b"});
  CHECK(commands_of("cat <<X\n$(a) $b\nX\nc") == Lines{"cat", "a", "c"});
  CHECK(commands_of("cat <<'X'\n$(a)\nX") == Lines{"cat"});
  CHECK(commands_of("cat <<X && a | b\nx\nX\nc") == Lines{"cat", "a", "b", "c"});
  CHECK(commands_of("") == Lines{});
  CHECK(commands_of("# a\nb # c") == Lines{"b"});
}

TEST_CASE("words after a redirect are the command's", "[shell]") {
  CHECK(commands_of("> x rm -rf /") == Lines{"rm|-rf|/"});
  CHECK(commands_of("make > log all") == Lines{"make|all"});
  const auto command = parse("a 2>&1 >>b <c &>d").commands.front();
  REQUIRE(command.redirects.size() == 4);
  CHECK(command.redirects.at(0).op == ">&");
  CHECK(command.redirects.at(1).op == ">>");
  CHECK(command.redirects.at(1).target.text == "b");
  CHECK(command.redirects.at(3).op == "&>");
}

TEST_CASE("here-documents and here-strings are redirects with their text", "[shell]") {
  const auto plain = parse("sh <<'E'\nrm x\nE\n").commands.front().redirects.front();
  CHECK(plain.op == "<<");
  CHECK(plain.target.text == "rm x\n");
  CHECK_FALSE(plain.target.dynamic);
  CHECK(parse("sh <<E\nrm $x\nE\n").commands.front().redirects.front().target.dynamic);
  CHECK(parse("sh <<< 'rm x'").commands.front().redirects.front().target.text == "rm x");
  CHECK(parse("sh <<-E\n\trm x\n\tE\n").commands.front().redirects.front().target.text == "rm x\n");
}

TEST_CASE("how commands are joined is kept", "[shell]") {
  const auto program = parse("a && b | c || d; (e) &\nf $(g)");
  REQUIRE(program.commands.size() == 7);
  const auto& commands = program.commands;
  CHECK(commands[0].joined_by.empty());
  CHECK(commands[1].joined_by == "&&");
  CHECK(commands[2].joined_by == "|");
  CHECK(commands[2].reads_pipe);
  CHECK(commands[3].joined_by == "||");
  CHECK(commands[4].joined_by == ";");
  CHECK(commands[4].background);
  CHECK_FALSE(commands[3].background);
  CHECK(commands[5].top_level);
  CHECK(commands[5].line == 2);
  CHECK(commands[6].substitution);
  CHECK_FALSE(commands[6].top_level);
  CHECK(parse("! a").commands.front().negated);
  CHECK_FALSE(parse("if a; then b; fi").commands.front().top_level);
}

TEST_CASE("a function's body knows its function, a group its pipe", "[shell]") {
  const auto bomb = parse(":(){ :|:& };:");
  CHECK(bomb.functions == Lines{":"});
  CHECK(bomb.commands.at(0).function == ":");
  CHECK(bomb.commands.at(1).reads_pipe);
  CHECK(bomb.commands.at(2).function.empty());
  CHECK(parse("a | (b; c)").commands.at(2).reads_pipe);
  CHECK(parse("a > >(b)").commands.at(1).reads_pipe);
}

TEST_CASE("F2 what is not understood says so", "[shell]") {
  for (const auto* text :
       {"echo 'open", "echo \"open", "a | | b", "if a; then b", "(a", "a )", "echo $(a",
        "cat <<X\nnever ends", "cat <<EOF\nfoo\n EOF\nrm -rf /\nEOF\n", "{rm,-rf,/}",
        "echo `a \\`b\\``", "for x in",
        // The grammar does not see the commands in these; a shell runs them.
        "cat <<X\n`b`\nX\nc", "e \"${x:-`b`}\"", "e ${x//$(a)/`b`}", "e \"a ${x:=`a` `b`} `c`\"",
        "e \"${x:-'$(b)'}\"", "e ${x:-<(a)}"})
    CHECK(parse(text).has_error);
}

TEST_CASE("F6 hostile text is bounded in time and depth", "[shell]") {
  const TreeSitterShellParser parser({.max_time = std::chrono::milliseconds(300)});
  for (const std::string unit :
       {"(",   "$(", "{ ",    "a|", "a&&",      "a;",  "\"", "'",  "`",    "<<E\n",   "if ",
        "x=(", "((", "${x:-", ">",  "[[ a && ", "<<<", "!",  "\\", "\x80", "\xE2\x82"}) {
    std::string text;
    while (text.size() + unit.size() < 20'000) text += unit;
    const auto program = parser.parse(text);
    if (program.ok() && unit != "!" && unit != "\\" && unit[0] != '\x80' && unit[0] != '\xE2')
      CHECK((program->has_error || program->commands.size() <= 2000));
  }
  CHECK(parser.parse(std::string(70'000, 'a')).error().code == ErrorCode::limit_reached);
  CHECK(parser.parse(std::string("a\0b", 3)).error().code == ErrorCode::invalid_argument);
  std::string deep = "a";
  for (int i = 0; i < 100; ++i) deep = "$(" + deep + ")";
  CHECK(parser.parse(deep).error().code == ErrorCode::limit_reached);
}
