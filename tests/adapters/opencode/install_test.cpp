#include "adapters/opencode/install.hpp"

#include <sys/stat.h>

#include <algorithm>

#include <catch2/catch_test_macros.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "config/embedded.hpp"
#include "runtime/core/jsonc_edit.hpp"

namespace muster::opencode {
namespace {

namespace fs = std::filesystem;

class Home {
 public:
  Home() {
    auto pattern = (fs::temp_directory_path() / "muster-install-XXXXXX").string();
    root = ::mkdtemp(pattern.data());
    environment = {{"HOME", root + "/home"}};
  }
  ~Home() {
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    const auto path = fs::path(root) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Names of the files beside one.
  static std::vector<std::string> beside(const std::string& path) {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path()))
      out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  [[nodiscard]] InstallPlaces global() const {
    auto places = global_places(environment);
    REQUIRE(places.ok());
    return *places;
  }

  std::string root;
  config::Environment environment;
};

const std::string commented =
    "// my configuration\n{\n  \"$schema\": \"https://opencode.ai/config.json\",\n"
    "  /* the model */ \"model\": \"a/b\",\n  \"plugin\": [\n    \"mine\", // keep\n  ],\n}\n";

nlohmann::json plugins_of(const std::string& path) {
  auto value = parse_jsonc(Home::read(path));
  REQUIRE(value.ok());
  return value->value("plugin", nlohmann::json::array());
}

}  // namespace

TEST_CASE("a commented configuration gets one line, and uninstall brings it back") {
  Home home;
  const auto file = home.write("home/.config/opencode/opencode.jsonc", commented);
  ::chmod(file.c_str(), 0640);
  auto done = install(home.global(), "/usr/bin/muster");
  REQUIRE(done.ok());
  CHECK(done->changed);
  CHECK(done->config_file == file);
  auto plugins = plugins_of(file);
  REQUIRE(plugins.size() == 2);
  CHECK(plugins[1][0] == home.root + "/home/.local/share/muster/opencode-plugin");
  CHECK(plugins[1][1]["binary"] == "/usr/bin/muster");
  CHECK(Home::read(file).find("\"mine\", // keep\n    [") != std::string::npos);
  CHECK(Home::read(file + ".before-muster") == commented);
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);

  auto again = install(home.global(), "/usr/bin/muster");
  REQUIRE(again.ok());
  CHECK_FALSE(again->changed);
  auto moved = install(home.global(), "/opt/muster");
  REQUIRE(moved.ok());
  CHECK(moved->changed);
  CHECK(plugins_of(file).size() == 2);
  CHECK(Home::read(file + ".before-muster") == commented);

  auto gone = uninstall(home.global());
  REQUIRE(gone.ok());
  CHECK(gone->changed);
  CHECK(Home::read(file) == commented);
  CHECK(Home::beside(file) == std::vector<std::string>{"opencode.jsonc"});
  auto nothing = uninstall(home.global());
  REQUIRE(nothing.ok());
  CHECK_FALSE(nothing->changed);
}

TEST_CASE("the plugin's files are put in place, all of them") {
  Home home;
  REQUIRE(install(home.global(), "/usr/bin/muster").ok());
  const auto folder = home.global().plugin_folder;
  const std::string source = "adapters/opencode/plugin/";
  CHECK(config::embedded_files(source).size() >= 8);
  for (const auto name : config::embedded_files(source))
    CHECK(Home::read(folder + "/" + std::string(name.substr(source.size()))) ==
          config::embedded(name));
}

TEST_CASE("without a configuration one is made, and goes again") {
  Home home;
  REQUIRE(install(home.global(), "/usr/bin/muster").ok());
  const auto file = home.root + "/home/.config/opencode/opencode.json";
  CHECK(plugins_of(file).size() == 1);
  REQUIRE(uninstall(home.global()).ok());
  CHECK_FALSE(fs::exists(file));
}

TEST_CASE("which file: the one with a plugin list, else the one that is read last") {
  Home home;
  const auto json = home.write("home/.config/opencode/opencode.json", "{\"plugin\": [\"x\"]}");
  const auto jsonc = home.write("home/.config/opencode/opencode.jsonc", "{}");
  CHECK(home.global().config_file == json);
  home.write("home/.config/opencode/opencode.json", "{}");
  CHECK(home.global().config_file == jsonc);
  home.environment["XDG_CONFIG_HOME"] = home.root + "/xdg";
  CHECK(home.global().config_file == home.root + "/xdg/opencode/opencode.json");
  home.environment["OPENCODE_CONFIG_DIR"] = home.root + "/own";
  CHECK(home.global().config_file == home.root + "/own/opencode.json");
  home.environment["XDG_DATA_HOME"] = home.root + "/data";
  CHECK(home.global().plugin_folder == home.root + "/data/muster/opencode-plugin");

  const auto project = home.root + "/project";
  fs::create_directories(project);
  auto places = project_places(home.environment, project);
  REQUIRE(places.ok());
  CHECK(places->config_file == project + "/opencode.json");
  CHECK_FALSE(fs::exists(project + "/.opencode"));
  const auto inner = home.write("project/.opencode/opencode.jsonc", "{}");
  CHECK(project_places(home.environment, project)->config_file == inner);
  CHECK_FALSE(global_places({}).ok());
}

TEST_CASE("a link to the configuration stays a link") {
  Home home;
  const auto target = home.write("dotfiles/opencode.json", "{\n  \"model\": \"a/b\"\n}\n");
  const auto link = home.root + "/home/.config/opencode/opencode.json";
  fs::create_directories(fs::path(link).parent_path());
  fs::create_symlink(target, link);
  REQUIRE(install(home.global(), "/usr/bin/muster").ok());
  CHECK(fs::is_symlink(link));
  CHECK(plugins_of(target).size() == 1);
  REQUIRE(uninstall(home.global()).ok());
  CHECK(Home::read(link) == "{\n  \"model\": \"a/b\"\n}\n");
}

TEST_CASE("a configuration that cannot be read is left alone, and nothing else is written") {
  Home home;
  const std::string broken = "{\n  \"model\": \"a/b\"\n  \"plugin\": []\n}\n";
  const auto file = home.write("home/.config/opencode/opencode.json", broken);
  auto done = install(home.global(), "/usr/bin/muster");
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == ErrorCode::invalid_argument);
  CHECK(done.error().context == file + ": line 3");
  CHECK(Home::read(file) == broken);
  CHECK(Home::beside(file) == std::vector<std::string>{"opencode.json"});
  CHECK_FALSE(fs::exists(home.global().plugin_folder));
  CHECK_FALSE(uninstall(home.global()).ok());
}

TEST_CASE("what somebody else wrote meanwhile stays, and is no success") {
  Home home;
  const auto file = home.write("home/.config/opencode/opencode.json", "{}");
  auto done = install(home.global(), "/usr/bin/muster", [&] {
    home.write("home/.config/opencode/opencode.json", "{\"theirs\": 1}");
  });
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == ErrorCode::conflict);
  CHECK(Home::read(file) == "{\"theirs\": 1}");
}

TEST_CASE("entries in every form are found") {
  Home home;
  const auto folder = home.global().plugin_folder;
  const auto file =
      home.write("home/.config/opencode/opencode.json",
                 "{\"plugin\": [\"opencode-muster\", \"opencode-muster@1.2.3\", \"file://" +
                     folder + "\", [\"" + folder + "\", {}], \"opencode-muster-not\", 7, []]}");
  REQUIRE(uninstall(home.global()).ok());
  CHECK(plugins_of(file) == nlohmann::json::parse("[\"opencode-muster-not\", 7, []]"));
}

}  // namespace muster::opencode
