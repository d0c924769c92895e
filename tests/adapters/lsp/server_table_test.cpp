#include "adapters/lsp/server_table.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include "config/load.hpp"
#include "tests/adapters/lsp/support.hpp"

using namespace muster;
using namespace muster::lsp;
using namespace muster::lsp::test;
using Catch::Matchers::ContainsSubstring;

namespace {

config::LanguageServers table() {
  return config::config_from_json(config::default_json()).language_servers;
}

const config::LanguageServer& server_named(const config::LanguageServers& table,
                                           const std::string& name) {
  for (const auto& server : table.servers)
    if (server.name == name) return server;
  throw std::runtime_error("no server " + name);
}

std::string server_for(const std::string& path) {
  const auto all = table();
  const auto found = servers_of(all, path);
  return found.empty() ? "" : found.front().server->command + " " + found.front().language_id;
}

const std::string program = "#!/bin/sh\n";

}  // namespace

TEST_CASE("the end of a name or the whole name says which servers know a file") {
  CHECK(server_for("/a/b.cpp") == "clangd cpp");
  CHECK(server_for("x.d.ts") == "typescript-language-server typescript");
  CHECK(server_for("go.mod") == "gopls go.mod");
  CHECK(server_for("not-go.mod").empty());
  CHECK(server_for("a/.ts").empty());
  CHECK(server_for("README").empty());
  auto all = table();
  all.servers.push_back(server_named(all, "python"));
  all.servers.back().name = "other";
  CHECK(servers_of(all, "a.py").size() == 2);
  for (auto& server : all.servers) server.enabled = false;
  CHECK(servers_of(all, "a.py").empty());
}

TEST_CASE("a server is started for the nearest folder with a marker") {
  const TempFolder folder;
  folder.put("tsconfig.json", "{}");
  folder.put("packages/one/package.json", "{}");
  const auto all = table();
  const auto& server = server_named(all, "typescript");
  CHECK(server_root(server, folder.str(), folder.path("packages/one/src/a.ts")) ==
        folder.path("packages/one"));
  CHECK(server_root(server, folder.str(), folder.path("other/a.ts")) == folder.str());
  CHECK(server_root(server, folder.path("packages"), folder.path("packages/two/a.ts")) ==
        folder.path("packages"));
  CHECK(server_root(server, folder.str(), "/elsewhere/a.ts") == folder.str());
}

TEST_CASE("a program in PATH is found, one of a workspace only when that is trusted") {
  const TempFolder outside;
  const TempFolder workspace;
  outside.put_program("bin/tool", program);
  outside.put("bin/plain", program);
  workspace.put_program("node_modules/.bin/tool", program);
  workspace.put_program("node_modules/.bin/own", program);
  std::filesystem::create_symlink(workspace.path("node_modules/.bin/own"),
                                  outside.path("bin/link"));
  ServerPlace place;
  place.workspace = workspace.str();
  place.path_variable =
      "relative:.::" + workspace.path("node_modules/.bin") + ":" + outside.path("bin");
  CHECK(*find_program("tool", place) == outside.path("bin/tool"));
  CHECK(*find_program(outside.path("bin/tool"), place) == outside.path("bin/tool"));
  for (const char* name : {"own", "link", "plain", "missing"}) {
    const auto found = find_program(name, place);
    REQUIRE_FALSE(found);
    CHECK(found.error().code == ErrorCode::not_found);
  }
  place.trusted = true;
  CHECK(*find_program("tool", place) == workspace.path("node_modules/.bin/tool"));
  CHECK(*find_program("own", place) == workspace.path("node_modules/.bin/own"));
}

TEST_CASE("what is missing is said with the way to get it") {
  const TempFolder folder;
  const auto all = table();
  ServerPlace place;
  place.workspace = folder.path("work");
  place.path_variable = folder.path("bin");
  const auto text_of = [&](const std::string& name) {
    const auto options = client_options(all, server_named(all, name), place, place.workspace);
    REQUIRE_FALSE(options);
    return options.error().text();
  };
  CHECK(text_of("typescript") ==
        "typescript: typescript-language-server is not installed (npm i -g "
        "typescript-language-server typescript)");
  folder.put_program("bin/bash-language-server", program);
  CHECK_THAT(text_of("bash"), ContainsSubstring("shellcheck, which it needs, is not installed"));
  folder.put_program("bin/rust-analyzer", program);
  CHECK_THAT(text_of("rust"), ContainsSubstring("this workspace is not trusted"));
  place.trusted = true;
  CHECK(client_options(all, server_named(all, "rust"), place, place.workspace));
}

TEST_CASE("a workspace that is not trusted does not bring its own tsserver") {
  const TempFolder folder;
  const auto all = table();
  const auto& server = server_named(all, "typescript");
  folder.put_program("lib/node_modules/typescript-language-server/lib/cli.mjs", program);
  folder.put("work/node_modules/typescript/lib/tsserver.js", "");
  std::filesystem::create_directories(folder.path("bin"));
  std::filesystem::create_symlink(
      folder.path("lib/node_modules/typescript-language-server/lib/cli.mjs"),
      folder.path("bin/typescript-language-server"));
  ServerPlace place;
  place.workspace = folder.path("work");
  place.path_variable = folder.path("bin");
  const auto without = client_options(all, server, place, place.workspace);
  REQUIRE_FALSE(without);
  CHECK_THAT(without.error().message, ContainsSubstring("no typescript/lib/tsserver.js beside"));
  const auto own = folder.put("lib/node_modules/typescript/lib/tsserver.js", "");
  const auto with = client_options(all, server, place, place.workspace);
  REQUIRE(with);
  CHECK(with->initialization_options["tsserver"]["path"] == own);
  CHECK(with->initialization_options["disableAutomaticTypingAcquisition"] == true);
  place.trusted = true;
  place.unset_env = {"OPENAI_API_KEY"};
  const auto trusted = client_options(all, server, place, place.workspace);
  REQUIRE(trusted);
  CHECK_FALSE(trusted->initialization_options.contains("tsserver"));
  CHECK(trusted->unset_env == place.unset_env);
}

TEST_CASE("a workspace is trusted when its folder, or one above it, is named") {
  config::LanguageServers all;
  all.trusted_workspaces = {"/home/me/work/", "/srv"};
  CHECK(all.trusts("/home/me/work"));
  CHECK(all.trusts("/home/me/work/a/b"));
  CHECK(all.trusts("/srv/x"));
  CHECK_FALSE(all.trusts("/home/me/workshop"));
  CHECK_FALSE(all.trusts("/home/me"));
  CHECK_FALSE(config::LanguageServers{}.trusts("/srv"));
}
