// The file tools on files in memory: arguments from models, as they come.
#include "actors/file_tools.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/fake_files.hpp"

namespace muster {
namespace {

using nlohmann::json;

struct Tools {
  std::shared_ptr<test::FileMap> map =
      std::make_shared<test::FileMap>(test::FileMap{{"a", "one two"}});
  test::FakeFiles files{map};
  Result<FileToolOutcome> run(const std::string& name, const std::string& arguments) {
    return run_file_tool(files, name, arguments);
  }
  ErrorCode code(const std::string& name, const std::string& arguments) {
    auto outcome = run(name, arguments);
    REQUIRE_FALSE(outcome.ok());
    return outcome.error().code;
  }
};

}  // namespace

TEST_CASE("file tools read, write and edit, and say what a write was") {
  Tools tools;
  CHECK(tools.run("read", R"({"path":"a","first_line":0})")->text == "1\tone two");
  CHECK(tools.run("read", R"({"path":"a","first_line":-3})")->text == "1\tone two");
  CHECK(tools.run("list", "")->text == "a\n");
  CHECK(tools.run("list", "  ")->text == "a\n");
  CHECK(tools.run("grep", R"({"pattern":"two"})")->text == "a\n");
  auto wrote = tools.run("write", R"({"path":"b","content":"x"})");
  REQUIRE(wrote->written.size() == 1);
  CHECK((wrote->text == "wrote b" && wrote->written[0].digest_before.empty()));
  CHECK(tools.run("write", R"({"path":"b","content":"x"})")->text ==
        "wrote b (unchanged: it already had this content)");
  CHECK(tools.run("edit", R"({"path":"a","old_text":"one","new_text":"1"})")->text == "edited a");
  CHECK(tools.map->at("a") == "1 two");
}

TEST_CASE("file tools answer arguments that are wrong with what is wrong") {
  Tools tools;
  CHECK(tools.code("read", "{") == ErrorCode::malformed);
  CHECK(tools.code("read", "[]") == ErrorCode::malformed);
  CHECK(tools.code("read", "{}") == ErrorCode::invalid_argument);
  CHECK(tools.code("read", R"({"path":7})") == ErrorCode::invalid_argument);
  CHECK(tools.code("write", R"({"path":"x"})") == ErrorCode::invalid_argument);
  CHECK(tools.code("edit", R"({"path":"a","old_text":"one"})") == ErrorCode::invalid_argument);
  CHECK(tools.code("shell", "{}") == ErrorCode::not_found);
  CHECK(tools.map->size() == 1);
  CHECK(written_path(R"({"path":"./src//a.cpp"})").value() == "src/a.cpp");
  CHECK_FALSE(written_path(R"({"path":"../a"})").ok());
  CHECK_FALSE(written_path("{}").ok());
}

TEST_CASE("an edit that was interrupted is made once, whatever became of it") {
  Tools tools;
  auto finish = [&](const char* before, const char* after, bool all = false) {
    const json args{{"path", "a"}, {"old_text", before}, {"new_text", after}, {"all", all}};
    return finish_edit(tools.files, "edit", args.dump());
  };
  auto made = finish("one", "1");
  CHECK(made->written.size() == 1);
  CHECK(tools.map->at("a") == "1 two");
  auto again = finish("one", "1");
  CHECK(again->written.empty());
  CHECK(again->text == "edited a");
  CHECK(tools.map->at("a") == "1 two");
  CHECK(finish("two", "two, two")->written.size() == 1);
  CHECK(finish("two", "two, two")->text.find("may or may not") != std::string::npos);
  CHECK(finish("neither", "nor")->text.find("may or may not") != std::string::npos);
  CHECK(tools.map->at("a") == "1 two, two");
  CHECK(finish_edit(tools.files, "edit", R"({"path":"gone","old_text":"a","new_text":"b"})")
            .error()
            .code == ErrorCode::not_found);
}

TEST_CASE("a call is described in a short line of whole characters") {
  CHECK(describe_call("read", R"({"path":"a"})") == "read a");
  CHECK(describe_call("shell", R"({"command":"one\ntwo"})") == "shell one");
  CHECK(describe_call("shell", "{") == "shell");
  std::string long_name = "x";
  for (int i = 0; i < 100; ++i) long_name += "\xd1\x8f";
  auto text = describe_call("read", json{{"path", long_name}}.dump());
  CHECK(text.size() <= 5 + 120);
  CHECK_NOTHROW(json(text).dump());
}

}  // namespace muster
