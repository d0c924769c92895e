// The real clangd and the real typescript-language-server (scripts/setup --tests).

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "adapters/lsp/diagnostics_report.hpp"
#include "adapters/lsp/diagnostics_run.hpp"
#include "config/load.hpp"
#include "runtime/core/code_places.hpp"
#include "tests/adapters/lsp/support.hpp"

using namespace muster;
using namespace muster::lsp;
using namespace muster::lsp::test;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A workspace and the built-in table, with the servers that the tests have.
class Stage {
 public:
  Stage() {
    place_.workspace = workspace_.str();
    place_.path_variable = std::string(MUSTER_LSP_PACKAGES) + "/node_modules/.bin:/usr/bin:/bin";
    table_ = config::config_from_json(config::default_json()).language_servers;
    for (auto& server : table_.servers)
      if (server.name == "cpp") server.command = "clangd-14";
  }
  [[nodiscard]] const TempFolder& workspace() const { return workspace_; }
  DiagnosticsReport run(const std::vector<std::string>& files) {
    IoLoop loop;
    DiagnosticsRequest request;
    request.files = files;
    return run_diagnostics(loop, table_, place_, request);
  }
  ClientOptions options(const std::string& name) {
    for (const auto& server : table_.servers) {
      if (server.name != name) continue;
      auto out = client_options(table_, server, place_, workspace_.str());
      if (!out) throw std::runtime_error(out.error().text());
      return *out;
    }
    throw std::runtime_error("no server " + name);
  }

 private:
  TempFolder workspace_;
  config::LanguageServers table_;
  ServerPlace place_;
};

std::string messages(const Server::Found& found) {
  if (!found) return "failed: " + found.error().text();
  std::string out;
  for (const auto& one : *found)
    out += std::to_string(one.range.start.line + 1) + ":" +
           std::to_string(one.range.start.character + 1) + " " +
           std::string(to_string(one.severity)) + " " + one.code + "\n";
  return out;
}

/// `answer` is defined in the first document and used in the last.
void two_files(Server& server, const DocumentText& first, std::vector<DocumentText> others) {
  const auto& user = others.back();
  LanguageQuestion question;
  question.kind = LanguageQuestion::Kind::references;
  question.documents = {first};
  question.documents.insert(question.documents.end(), others.begin(), others.end());
  question.offset = first.text.find("answer");
  const auto references = server.ask(question);
  REQUIRE(references);
  const auto uses = [](const LanguageAnswer& answer, const std::string& path) {
    return std::count_if(answer.places.begin(), answer.places.end(),
                         [&](const auto& place) { return place.path == path; });
  };
  CHECK(uses(*references, first.path) == 1);
  CHECK(uses(*references, user.path) >= 1);
  question.kind = LanguageQuestion::Kind::rename;
  question.new_name = "reply";
  const auto rename = server.ask(question);
  REQUIRE(rename);
  CHECK(rename->edits.size() == question.documents.size());
  for (const auto& edits : rename->edits) {
    const auto document = std::find_if(question.documents.begin(), question.documents.end(),
                                       [&](const auto& one) { return one.path == edits.path; });
    REQUIRE(document != question.documents.end());
    const auto text = apply_edits(document->text, edits, rename->encoding, "answer");
    REQUIRE(text);
    CHECK(text->find("answer") == std::string::npos);
  }
  question.documents = {user};
  question.offset = user.text.rfind("answer");
  question.kind = LanguageQuestion::Kind::definition;
  const auto definition = server.ask(question);
  REQUIRE(definition);
  REQUIRE(definition->places.size() == 1);
  CHECK(definition->places[0].path != user.path);
  question.kind = LanguageQuestion::Kind::hover;
  const auto hover = server.ask(question);
  REQUIRE(hover);
  CHECK_THAT(hover->text, ContainsSubstring("answer"));
}

}  // namespace

TEST_CASE("clangd: broken, mended, killed") {
  Stage stage;
  const auto path = stage.workspace().put("a.cpp", "");
  Server server(stage.options("cpp"));
  REQUIRE(server.ready());
  CHECK(messages(server.check(path, "cpp", "int main() { return nowhere_to_be_found; }\n")) ==
        "1:21 error undeclared_var_use\n");
  CHECK(messages(server.check(path, "cpp", "int main() { return 0; }\n")).empty());
  const std::string wide = "int main() { /* \xF0\x9F\x98\x80 */ return nowhere_to_be_found; }\n";
  CHECK(messages(server.check(path, "cpp", wide)) == "1:30 error undeclared_var_use\n");
  auto last = server.begin_check(path, "cpp", "#include <map>\n#include <regex>\nint x = 1;\n");
  server.kill();
  const auto killed = wait_for(std::move(last));
  REQUIRE_FALSE(killed);
  CHECK_THAT(killed.error().text(), ContainsSubstring("clangd-14: ended by signal 9 (Killed)"));
}

TEST_CASE("clangd: definition, references, hover and rename") {
  Stage stage;
  const std::string text = "int answer() { return 42; }\nint main() { return answer(); }\n";
  const auto path = stage.workspace().put("a.cpp", text);
  Server server(stage.options("cpp"));
  REQUIRE(server.ready());
  server.on_client([&](LspClient& client) { client.open(path, "cpp", text); });
  const auto use = text.rfind("answer");
  const auto definition = server.ask<std::vector<Location>>(
      [&](LspClient& client, auto answer) { client.definition(path, use, patience, answer); });
  REQUIRE(definition);
  CHECK(*definition == std::vector<Location>{{path, {{0, 4}, {0, 10}}}});
  const auto references = server.ask<std::vector<Location>>([&](LspClient& client, auto answer) {
    client.references(path, use, true, patience, answer);
  });
  REQUIRE(references);
  CHECK(references->size() == 2);
  const auto hover = server.ask<std::string>(
      [&](LspClient& client, auto answer) { client.hover(path, use, patience, answer); });
  REQUIRE(hover);
  CHECK_THAT(*hover, ContainsSubstring("answer"));
  const auto rename = server.ask<std::vector<FileEdits>>(
      [&](LspClient& client, auto answer) { client.rename(path, use, "reply", patience, answer); });
  REQUIRE(rename);
  REQUIRE(rename->size() == 1);
  CHECK(rename->front().edits.size() == 2);
  server.stop();
}

TEST_CASE("clangd: a name that two files use") {
  Stage stage;
  stage.workspace().put("compile_flags.txt", "-std=c++17\n");
  const std::string header = "#pragma once\nint answer();\n";
  const std::string text = "#include \"a.hpp\"\nint answer() { return 42; }\n";
  const std::string user = "#include \"a.hpp\"\nint twice() { return 2 * answer(); }\n";
  const auto a = stage.workspace().put("a.cpp", text);
  const auto h = stage.workspace().put("a.hpp", header);
  const auto b = stage.workspace().put("b.cpp", user);
  Server server(stage.options("cpp"));
  REQUIRE(server.ready());
  two_files(server, {a, "cpp", text}, {{h, "cpp", header}, {b, "cpp", user}});
  server.stop();
}

TEST_CASE("typescript-language-server: a name that two files use") {
  Stage stage;
  stage.workspace().put("tsconfig.json", R"({"compilerOptions":{"strict":true,"noEmit":true}})");
  const std::string text = "export function answer(): number { return 42; }\n";
  const std::string user = "import { answer } from \"./a\";\nexport const twice = 2 * answer();\n";
  const auto a = stage.workspace().put("a.ts", text);
  const auto b = stage.workspace().put("b.ts", user);
  Server server(stage.options("typescript"));
  REQUIRE(server.ready());
  two_files(server, {a, "typescript", text}, {{b, "typescript", user}});
  server.stop();
}

TEST_CASE("documents that are open together see each other, not the disk") {
  Stage stage;
  stage.workspace().put("tsconfig.json", R"({"compilerOptions":{"strict":true,"noEmit":true}})");
  const auto a = stage.workspace().put("a.ts", "export const one: number = 1;\n");
  const auto b = stage.workspace().put("b.ts", "");
  Server server(stage.options("typescript"));
  REQUIRE(server.ready());
  LanguageQuestion question;
  question.documents = {
      {b, "typescript", "import { one } from \"./a\";\nexport const s: string = one;\n"},
      {a, "typescript", "export const one: string = \"1\";\n"}};
  const auto answer = server.ask(question);
  REQUIRE(answer);
  CHECK(messages(answer->documents.at(0).found).empty());
  CHECK(messages(answer->documents.at(1).found).empty());
  question.documents.pop_back();  // now it is the disk's
  const auto again = server.ask(question);
  REQUIRE(again);
  CHECK(messages(again->documents.at(0).found) == "2:14 error 2322\n");
}

TEST_CASE("typescript-language-server: broken, mended, killed") {
  Stage stage;
  stage.workspace().put("tsconfig.json", R"({"compilerOptions":{"strict":true,"noEmit":true}})");
  const auto path = stage.workspace().put("a.ts", "");
  Server server(stage.options("typescript"));
  REQUIRE(server.ready());
  CHECK(messages(server.check(path, "typescript", "const s: string = 1;\nexport { s };\n")) ==
        "1:7 error 2322\n");
  CHECK(messages(server.check(path, "typescript", "const s: string = '1';\nexport { s };\n"))
            .empty());
  CHECK(messages(server.check(path, "typescript", "const = ;\n")) != "");
  CHECK(
      messages(server.check(path, "typescript", "export const x = /* \xF0\x9F\x98\x80 */ y;\n")) ==
      "1:27 error 2304\n");
  auto last = server.begin_check(path, "typescript", "export const a = 1;\n");
  server.kill();
  const auto killed = wait_for(std::move(last));
  REQUIRE_FALSE(killed);
  CHECK_THAT(killed.error().text(), ContainsSubstring("ended by signal 9 (Killed)"));
}

TEST_CASE("diagnostics in a TypeScript workspace of 5,000 files") {
  Stage stage;
  stage.workspace().put(
      "tsconfig.json",
      R"({"compilerOptions":{"strict":true,"noEmit":true,"skipLibCheck":true},"include":["src"]})");
  for (int i = 0; i < 5000; ++i) {
    const auto number = std::to_string(i);
    const auto before = i == 0 ? std::string("export const v0: number = 0;\n")
                               : "import { v" + std::to_string(i / 2) + " } from \"./m" +
                                     std::to_string(i / 2) + "\";\nexport const v" + number +
                                     ": number = v" + std::to_string(i / 2) + " + 1;\n";
    stage.workspace().put("src/m" + number + ".ts", before);
  }
  stage.workspace().put("src/m4999.ts",
                        "import { v1 } from \"./m1\";\nexport const s: string = v1;\n");
  const auto report = stage.run({"src/m0.ts", "src/m1000.ts", "src/m4999.ts"});
  CHECK(summary_text(report) == "1 error, 0 warnings in 3 checked files\n");
  CHECK_THAT(diagnostics_text(report),
             ContainsSubstring("src/m4999.ts:2:14: error: Type 'number'"));
}

TEST_CASE("diagnostics in a C++ workspace of 5,000 files") {
  Stage stage;
  auto commands = nlohmann::json::array();
  for (int i = 0; i < 5000; ++i) {
    const auto name = "src/f" + std::to_string(i) + ".cpp";
    stage.workspace().put(
        name, "#include \"common.hpp\"\nint f" + std::to_string(i) + "() { return LIMIT; }\n");
    commands.push_back(
        {{"directory", stage.workspace().str()},
         {"file", name},
         {"arguments", {"c++", "-std=c++17", "-DLIMIT=7", "-Iinclude", "-c", name}}});
  }
  stage.workspace().put("include/common.hpp", "#pragma once\n");
  stage.workspace().put("compile_commands.json", commands.dump());
  stage.workspace().put("src/f9.cpp",
                        "#include \"common.hpp\"\nint f9() { return LIMIT + nothing; }\n");
  const auto report = stage.run({"src/f0.cpp", "src/f9.cpp", "src/f4999.cpp"});
  CHECK(summary_text(report) == "1 error, 0 warnings in 3 checked files\n");
  CHECK_THAT(diagnostics_text(report), ContainsSubstring("src/f9.cpp:2:27: error: "));
  CHECK_FALSE(std::filesystem::exists(stage.workspace().path(".cache")));
}
