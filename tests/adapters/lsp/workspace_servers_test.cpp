#include "adapters/lsp/workspace_servers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cstdlib>

#include "tests/adapters/lsp/support.hpp"

using namespace muster;
using namespace muster::lsp;
using namespace muster::lsp::test;

TEST_CASE("a workspace has use for the servers that know its files") {
  TempFolder folder;
  folder.put("src/a.txt", "");
  folder.put("src/b.txt", "");
  folder.put("node_modules/c.x", "");
  folder.put(".hidden/c.x", "");
  folder.put("d.y", "");
  config::LanguageServers table;
  const auto add = [&](const std::string& name, const std::string& command,
                       const std::string& end) {
    config::LanguageServer server;
    server.name = name;
    server.command = command;
    server.files = {{end, name}};
    table.servers.push_back(std::move(server));
  };
  add("text", "node", ".txt");
  add("x", "node", ".x");
  add("y", "no-such-server", ".y");
  ServerPlace place;
  place.workspace = folder.str();
  place.path_variable = std::getenv("PATH");
  const auto found = workspace_servers(table, place);
  REQUIRE(found.size() == 2);
  CHECK((found[0].language == "text" && found[0].files == 2 && !found[0].problem));
  REQUIRE(found[1].problem);
  CHECK(found[1].problem->code == ErrorCode::not_found);
  CHECK(workspace_servers(table, place, 0).empty());
  CHECK(any_workspace_server(table, place));
  CHECK_FALSE(any_workspace_server(table, place, 0));
  table.servers.erase(table.servers.begin());  // x knows no file that counts, y is not installed
  CHECK_FALSE(any_workspace_server(table, place));
}
