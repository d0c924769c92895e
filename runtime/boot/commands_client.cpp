// Commands that talk to the engine of a workspace from a second terminal.

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "adapters/io/wall_clock.hpp"
#include "adapters/rpc/rpc_client.hpp"
#include "adapters/ui/actor_table.hpp"
#include "adapters/ui/format.hpp"
#include "adapters/ui/status_snapshot.hpp"
#include "adapters/ui/view.hpp"
#include "runtime/boot/commands.hpp"
#include "runtime/boot/mission_runner.hpp"
#include "runtime/core/text.hpp"

namespace muster::commands {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto connect_patience = 2s;
constexpr auto call_patience = 15s;
constexpr std::size_t status_columns = 160;

Result<rpc::RpcClient> connect(const Workspace& workspace) {
  auto client = rpc::RpcClient::connect(workspace.paths.socket, connect_patience);
  if (!client && client.error().code == ErrorCode::unavailable)
    return Error{ErrorCode::unavailable, "no engine is at work in " + workspace.paths.workspace};
  return client;
}

}  // namespace

int request(const Workspace& workspace, const std::string& method, const json& params) {
  auto client = connect(workspace);
  if (!client) return complain(client.error());
  auto answer = client->call(method, params, call_patience);
  if (!answer) return complain(answer.error());
  if (answer->is_object() && !answer->empty()) fmt::print("{}\n", answer->dump(-1, ' ', true));
  return cli::exit_sealed;
}

int status(const cli::StatusCommand& command, const Workspace& workspace) {
  auto client = connect(workspace);
  if (!client) return complain(client.error());
  // The engine's actors are there without a mission, too, and when none of them answers.
  auto answer = command.actors ? client->call("actors", json::object(), call_patience)
                               : client->call("status", {{"actors", command.json}}, call_patience);
  if (!answer) return complain(answer.error());
  if (command.json) {
    fmt::print("{}\n", answer->dump(2, ' ', true));
    return cli::exit_sealed;
  }
  if (command.actors) {
    fmt::print("{}", ui::actor_table(*answer));
    return cli::exit_sealed;
  }
  auto snapshot = ui::status_from_json(*answer);
  if (!snapshot) return complain(snapshot.error());
  fmt::print("{}", ui::status_text(*snapshot, status_columns, wall_ms()));
  return cli::exit_sealed;
}

int ps(const cli::PsCommand& command, const Workspace& workspace) {
  auto client = connect(workspace);
  if (!client) return complain(client.error());
  auto answer = client->call("status", json::object(), call_patience);
  if (!answer) return complain(answer.error());
  auto snapshot = ui::status_from_json(*answer);
  if (!snapshot) return complain(snapshot.error());
  if (command.json)
    fmt::print("{}\n", json{{"schema_version", 1},
                            {"mission", answer->value("mission", "")},
                            {"agents", answer->value("agents", json::array())},
                            {"jobs", answer->value("jobs", json::array())}}
                           .dump(2, ' ', true, json::error_handler_t::replace));
  else
    fmt::print("{}", ui::process_text(*snapshot, status_columns, wall_ms()));
  return cli::exit_sealed;
}

int attach(const cli::AttachCommand& command, const Workspace& workspace) {
  auto client = connect(workspace);
  if (!client) return complain(client.error());
  if (auto attached = client->call("attach", json::object(), call_patience); !attached)
    return complain(attached.error());
  auto view = choose_view(command.view, workspace.environment);
  while (true) {
    auto next = client->next(500ms);
    if (!next) return complain(next.error());
    if (*next) {
      const auto& params = (*next)->params;
      if ((*next)->method != "event") continue;
      ui::UiEvent event{params.value("seq", std::uint64_t{0}), wall_ms(), params.value("type", ""),
                        params.value("data", json::object())};
      view->on_event(event);
      if (event.type != "mission_ended") continue;
      auto outcome = event.data;
      outcome["mission"] = params.value("mission", "");
      view->finish(outcome, wall_ms());
      return outcome.value("exit_code", 1);
    }
    if (auto answer = client->call("status", json::object(), call_patience))
      if (auto snapshot = ui::status_from_json(*answer)) view->on_status(*snapshot);
    view->tick(wall_ms());
  }
}

}  // namespace muster::commands
