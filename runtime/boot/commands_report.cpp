// What a mission did and cost, from its journal.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "adapters/git/git_version_control.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "adapters/ui/format.hpp"
#include "adapters/ui/report_page.hpp"
#include "runtime/boot/commands.hpp"
#include "runtime/boot/output_file.hpp"
#include "runtime/core/events.hpp"
#include "runtime/core/junit_xml.hpp"
#include "runtime/core/report.hpp"
#include "runtime/core/sarif.hpp"
#include "runtime/core/text.hpp"

namespace muster::commands {
namespace {

using nlohmann::json;

constexpr std::size_t page_patch = 2U << 20U;

Result<MissionReport> read_report(const Workspace& workspace, const std::string& mission) {
  auto store = SqliteStore::open({workspace.paths.state_dir + "/journal"});
  if (!store) return store.error();
  MissionReport report;
  std::optional<Error> failure;
  auto take = [&](StoredRecord&& record) {
    auto event =
        event_from_json(json::parse(record.row.empty() ? record.body : record.row, nullptr, false));
    if (event) return report.on_event(*event, record.at_ms);
    if (!failure)
      failure = Error{event.error().code, event.error().message,
                      "mission " + mission + " record " + std::to_string(record.seq)};
  };
  if (auto read = (*store)->read(mission, {{}, {"event"}}, take); !read) return read.error();
  if (failure) return *failure;
  return report;
}

/// Why there is none is a part of the page, and no reason not to make it.
json diff_for_page(const Workspace& workspace, const std::string& mission) {
  git::GitVersionControl tree(tree_options(workspace, mission));
  auto opened = tree.open();
  auto diff = opened ? tree.mission_diff(page_patch) : Result<Diff>(opened.error());
  if (!diff) return {{"error", "The changes cannot be shown: " + diff.error().text()}};
  json files = json::array();
  for (const auto& file : diff->files)
    files.push_back({{"path", file.path},
                     {"status", std::string(1, file.status)},
                     {"added", file.added},
                     {"removed", file.removed}});
  return {{"files", files}, {"patch", diff->patch}, {"truncated", diff->truncated}};
}

std::string in_form(const MissionReport& report, cli::ReportCommand::Form form,
                    const Workspace& workspace, const std::string& mission) {
  using Form = cli::ReportCommand::Form;
  switch (form) {
    case Form::json:
      return report.to_json().dump(2, ' ', true, json::error_handler_t::replace) + "\n";
    case Form::sarif:
      return sarif_log(report.receipts());
    case Form::junit:
      return junit_xml(report.state().objective, report.receipts());
    case Form::html:
      return ui::report_page(report.to_json(), diff_for_page(workspace, mission));
    case Form::text:
      break;
  }
  return report_text(report.to_json());
}

json cost_json(const MissionReport& report) {
  auto all = report.to_json();
  return {{"schema_version", 1},
          {"mission", all["mission"]},
          {"outcome", all["outcome"]},
          {"tokens", all["tokens"]}};
}

/// Money is known where the model's prices are.
std::string cost_line(const std::string& role, const json& used) {
  const auto usd = used.value("cost_usd", 0.0);
  return fmt::format("{:<16} {:>9} {:>9} {:>9} {:>10}\n", one_line(role, 16),
                     ui::count_text(used.value("input", std::int64_t{0})),
                     ui::count_text(used.value("cached_input", std::int64_t{0})),
                     ui::count_text(used.value("output", std::int64_t{0})),
                     usd > 0 ? ui::cost_text(usd) : "-");
}

std::string cost_table(const json& cost) {
  auto out =
      fmt::format("{:<16} {:>9} {:>9} {:>9} {:>10}\n", "role", "in", "cached", "out", "cost");
  for (const auto& [role, used] : cost.at("tokens").at("by_role").items())
    out += cost_line(role, used);
  return out + cost_line("all", cost.at("tokens"));
}

}  // namespace

int report(const cli::ReportCommand& command, const Workspace& workspace) {
  auto mission = choose_mission(workspace, command.mission);
  if (!mission) return complain(mission.error());
  auto report = read_report(workspace, *mission);
  if (!report) return complain(report.error());
  const auto text = in_form(*report, command.form, workspace, *mission);
  if (command.output.empty()) {
    fmt::print("{}", text);
    return cli::exit_sealed;
  }
  if (auto written = write_output_file(command.output, text); !written)
    return complain(written.error());
  fmt::print(stderr, "muster: the report of {} is in {}\n", *mission, command.output);
  return cli::exit_sealed;
}

int cost(const cli::CostCommand& command, const Workspace& workspace) {
  auto mission = choose_mission(workspace, command.mission);
  if (!mission) return complain(mission.error());
  auto report = read_report(workspace, *mission);
  if (!report) return complain(report.error());
  const auto cost = cost_json(*report);
  if (command.json)
    fmt::print("{}\n", cost.dump(2, ' ', true, json::error_handler_t::replace));
  else
    fmt::print("{}", cost_table(cost));
  return cli::exit_sealed;
}

}  // namespace muster::commands
