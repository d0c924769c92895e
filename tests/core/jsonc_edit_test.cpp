#include "runtime/core/jsonc_edit.hpp"

#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <vector>

namespace muster {
namespace {

using nlohmann::json;

const json entry = json::array({"/data/muster/plugin", {{"binary", "/usr/bin/muster"}}});
const std::string written = R"(["/data/muster/plugin",{"binary":"/usr/bin/muster"}])";

bool ours(const json& element) { return element == entry; }

std::string added(const std::string& text) {
  auto out = add_to_list(text, "plugin", entry);
  INFO(text << (out.ok() ? "" : out.error().text()));
  REQUIRE(out.ok());
  return *out;
}

std::string removed(const std::string& text) {
  auto out = remove_from_list(text, "plugin", ours);
  INFO(text << (out.ok() ? "" : out.error().text()));
  REQUIRE(out.ok());
  return *out;
}

/// Adding changes the text to `after`, and removing brings it back.
void round_trip(const std::string& before, const std::string& after) {
  INFO(before);
  CHECK(added(before) == after);
  CHECK(removed(added(before)) == before);
}

}  // namespace

TEST_CASE("a list is made as the file's own style has it", "[jsonc]") {
  CHECK(added("") == "{\n  \"plugin\": [" + written + "]\n}\n");
  CHECK(added("{}") == "{\n  \"plugin\": [" + written + "]\n}");
  round_trip("{\n    \"model\": \"a/b\"\n}\n",
             "{\n    \"model\": \"a/b\",\n    \"plugin\": [" + written + "]\n}\n");
  round_trip("{ \"model\": \"a/b\" }", "{ \"model\": \"a/b\", \"plugin\": [" + written + "] }");
  round_trip("{\r\n\t\"model\": \"a/b\",\r\n}\r\n",
             "{\r\n\t\"model\": \"a/b\",\r\n\t\"plugin\": [" + written + "],\r\n}\r\n");
}

TEST_CASE("a list that is there gets one more element, comments stay where they are", "[jsonc]") {
  round_trip("{\"plugin\": [\"x\"]}", "{\"plugin\": [\"x\", " + written + "]}");
  round_trip(
      "{\n  // mine\n  \"plugin\": [\n    \"x\", // the best\n    \"y\" // the second\n  ]\n}\n",
      "{\n  // mine\n  \"plugin\": [\n    \"x\", // the best\n    \"y\", // the second\n    " +
          written + "\n  ]\n}\n");
  round_trip("{\n  \"plugin\": [\n    \"x\", /* a */ // b\n  ], // c\n  \"model\": \"m\"\n}\n",
             "{\n  \"plugin\": [\n    \"x\", /* a */ // b\n    " + written +
                 ",\n  ], // c\n  \"model\": \"m\"\n}\n");
  CHECK(added("{\"plugin\": []}") == "{\"plugin\": [" + written + "]}");
  round_trip("{\n  \"plugin\": [\n    // none yet\n  ]\n}\n",
             "{\n  \"plugin\": [\n    " + written + "\n    // none yet\n  ]\n}\n");
}

TEST_CASE("text that looks like structure is none", "[jsonc]") {
  round_trip(
      "{\n  \"a\": \"// no, \\\"comment\\\" ] }\", // \"plugin\": [1]\n  /* \"plugin\": [2], */\n  "
      "\"b\": {\"plugin\": [3]}\n}\n",
      "{\n  \"a\": \"// no, \\\"comment\\\" ] }\", // \"plugin\": [1]\n  /* \"plugin\": [2], */\n  "
      "\"b\": {\"plugin\": [3]},\n  \"plugin\": [" +
          written + "]\n}\n");
  round_trip("\xEF\xBB\xBF{\"plugin\": [\"x\"]}",
             "\xEF\xBB\xBF{\"plugin\": [\"x\", " + written + "]}");
}

TEST_CASE("an element goes wherever it stands, with its comma", "[jsonc]") {
  CHECK(removed("{\"plugin\": [" + written + ", \"x\"]}") == "{\"plugin\": [\"x\"]}");
  CHECK(removed("{\"plugin\": [\"x\", " + written + ", \"y\"]}") == "{\"plugin\": [\"x\", \"y\"]}");
  CHECK(removed("{\"plugin\": [\n  " + written + ", // ours\n  \"x\"\n]}") ==
        "{\"plugin\": [\n  // ours\n  \"x\"\n]}");
  CHECK(removed("{\"plugin\": [" + written + ", " + written + "], \"a\": 1}") == "{\"a\": 1}");
  CHECK(removed("{\"plugin\": [" + written + " /* why */]}") == "{\"plugin\": [ /* why */]}");
  CHECK(removed("{\"plugin\": [\"x\"]}") == "{\"plugin\": [\"x\"]}");
  CHECK(removed("{\"plugin\": []}") == "{\"plugin\": []}");
  CHECK(removed("{}") == "{}");
}

TEST_CASE("what cannot be edited is refused with its line", "[jsonc]") {
  auto broken = add_to_list("{\n  \"a\": 1\n  \"b\": 2\n}", "plugin", entry);
  REQUIRE_FALSE(broken.ok());
  CHECK(broken.error().code == ErrorCode::invalid_argument);
  CHECK(broken.error().context == "line 3");
  CHECK_FALSE(add_to_list("[1]", "plugin", entry).ok());
  CHECK_FALSE(add_to_list("{\"plugin\": \"x\"}", "plugin", entry).ok());
  CHECK_FALSE(add_to_list("{\"plugin\": [\"x\"", "plugin", entry).ok());
  CHECK_FALSE(add_to_list("{\"a\": \"unended}", "plugin", entry).ok());
  CHECK_FALSE(add_to_list("{ /* unended ", "plugin", entry).ok());
  CHECK_FALSE(add_to_list(std::string(100, '[') + std::string(100, ']'), "plugin", entry).ok());
}

namespace {

/// A configuration in a style of chance.
class Writer {
 public:
  explicit Writer(unsigned seed) : random_(seed) {}

  std::string file() {
    std::string out = gap() + "{" + gap();
    const int members = pick(4);
    const int plugin = pick(6);
    for (int i = 0; i < members; ++i) {
      out += i == plugin ? "\"plugin\"" + gap() + ":" + gap() + list()
                         : "\"k" + std::to_string(i) + "\":" + gap() + value(0);
      out += gap() + (i + 1 < members || pick(4) == 0 ? "," : "") + gap();
    }
    return out + "}" + gap();
  }

 private:
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  std::string gap() {
    static const std::vector<std::string> gaps{"",     " ",         "\n",           "\n  ", "\t",
                                               "\r\n", " // c,]\n", "/* } , \" */", "",     " "};
    return gaps[static_cast<std::size_t>(pick(10))];
  }

  std::string list() {
    std::string out = "[" + gap();
    const int elements = 1 + pick(3);
    for (int i = 0; i < elements; ++i)
      out += value(1) + gap() + (i + 1 < elements || pick(4) == 0 ? "," : "") + gap();
    return out + "]";
  }

  std::string value(int depth) {
    switch (pick(depth > 2 ? 4 : 6)) {
      case 0:
        return "12.5e3";
      case 1:
        return "\"a \\\" // ] , \\\\\"";
      case 2:
        return "null";
      case 3:
        return "{}";
      case 4:
        return "[" + gap() + value(depth + 1) + gap() + "]";
      default:
        return "{" + gap() + "\"plugin\":" + value(depth + 1) + gap() + "}";
    }
  }

  std::mt19937 random_;
};

}  // namespace

TEST_CASE("in a file of any style an entry is added and removed, and the rest means what it meant",
          "[jsonc][property]") {
  for (unsigned seed = 1; seed <= 20000; ++seed) {
    const auto before = Writer(seed).file();
    CAPTURE(seed, before);
    auto parsed = parse_jsonc(before);
    REQUIRE(parsed.ok());
    auto with = add_to_list(before, "plugin", entry);
    REQUIRE(with.ok());
    CAPTURE(*with);
    auto expected = *parsed;
    expected["plugin"].push_back(entry);
    auto meant = parse_jsonc(*with);
    REQUIRE(meant.ok());
    REQUIRE(*meant == expected);
    auto without = remove_from_list(*with, "plugin", ours);
    REQUIRE(without.ok());
    CAPTURE(*without);
    auto back = parse_jsonc(*without);
    REQUIRE(back.ok());
    REQUIRE(*back == *parsed);
    // Every comment is still there.
    for (const auto* comment : {"// c,]", "/* } , \" */"}) {
      auto count = [&](const std::string& text) {
        int found = 0;
        for (auto at = text.find(comment); at != std::string::npos; at = text.find(comment, at + 1))
          ++found;
        return found;
      };
      REQUIRE(count(*without) == count(before));
    }
  }
}

}  // namespace muster
