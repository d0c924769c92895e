#include "adapters/store/lane_memory.hpp"

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>

#include "tests/adapters/store/store_fixture.hpp"

namespace muster {
namespace {

using Lanes = std::map<std::string, std::string>;

struct Book {
  std::vector<std::string> said;
  std::shared_ptr<LaneMemory> open(const std::string& path) {
    return std::make_shared<LaneMemory>(path, std::make_shared<InlineBlocking>(),
                                        [this](const std::string& text) { said.push_back(text); });
  }
};

}  // namespace

TEST_CASE("D3 what lanes remember is there for the next engine, and forgotten when they are well") {
  test::TempFolder folder;
  auto path = folder.path() + "/lanes.json";
  Book book;
  auto first = book.open(path);
  CHECK(first->recall().empty());
  first->remember("p/a", R"({"x":1})");
  first->remember("p/b", "{}");
  first->remember("p/a", R"({"x":2})");
  first->remember("p/b", "");
  CHECK(book.open(path)->recall() == Lanes{{"p/a", R"({"x":2})"}});
  CHECK(book.said.empty());
  CHECK_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_CASE("a damaged or newer file of lanes is said, and no lane counts as unwell") {
  test::TempFolder folder;
  auto path = folder.path() + "/lanes.json";
  for (const auto* text : {"", "{", "[]", R"({"v":2,"lanes":{}})", R"({"v":1,"lanes":[7]})"}) {
    std::ofstream(path) << text;
    Book book;
    CHECK(book.open(path)->recall().empty());
    REQUIRE(book.said.size() == 1);
    CHECK(book.said[0].find(path) == 0);
  }
}

TEST_CASE("a file of lanes that cannot be written is said, and written at the next change") {
  test::TempFolder folder;
  auto path = folder.path() + "/gone/lanes.json";
  Book book;
  auto memory = book.open(path);
  memory->remember("p/a", "{}");
  REQUIRE(book.said.size() == 1);
  std::filesystem::create_directory(folder.path() + "/gone");
  memory->remember("p/b", "{}");
  CHECK(book.said.size() == 1);
  CHECK(book.open(path)->recall().size() == 2);
}

}  // namespace muster
