#include <nlohmann/json.hpp>

#include "actors/session.hpp"
#include "runtime/core/plan.hpp"

// Tool calls that look at code by its structure, and all that change files: leases first, then the
// change, then its receipts.

namespace muster {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr auto lease_deadline = 30s;

Error not_a_writer(const std::string& role) {
  return {ErrorCode::permission_denied, "the role " + role + " may not write"};
}

}  // namespace

// ---- Files
// ------------------------------------------------------------------------------------------------------------------------

void Session::run_writing_tool(const ToolCall& call) {
  if (!spec_.profile->writes) return tool_failed(call, not_a_writer(spec_.profile->role));
  auto path = written_path(call.arguments);
  if (!path) return tool_failed(call, path.error());
  with_leases(call, {*path}, [this, call] { start_write(call); });
}

/// `then` runs when all files are this task's to change.
void Session::with_leases(const ToolCall& call, std::vector<std::string> files,
                          std::function<void()> then) {
  std::erase_if(files, [&](const std::string& file) { return spec_.leases.contains(file); });
  if (files.empty()) return then();
  MissionToolCall ask{spec_.session, spec_.profile->role, spec_.task, "lease",
                      json{{"files", files}}.dump()};
  compat::request(
      self_, owner_, lease_deadline,
      [this, files, then = std::move(then)](const std::string&) {
        spec_.leases.insert(files.begin(), files.end());
        then();
      },
      [this, call](const Error& error) { mission_refused(call, error); }, mission_tool_atom_v, ask);
}

void Session::start_write(const ToolCall& call) {
  auto tool = doubtful_.erase(call.id) > 0 ? finish_edit : run_file_tool;
  write_on_pool(call,
                [call, tool, files = files_] { return tool(*files, call.name, call.arguments); });
}

void Session::write_on_pool(const ToolCall& call, std::function<Result<FileToolOutcome>()> write) {
  if (finished_) return;
  ++writes_;
  on_pool(
      [write = std::move(write), epoch = spec_.epoch]() -> Result<FileToolOutcome> {
        if (epoch.current()) return write();
        return Error{ErrorCode::cancelled, "its task or mission was stopped"};
      },
      [this, call](const Result<FileToolOutcome>& outcome) { written(call, outcome); });
}

void Session::written(const ToolCall& call, const Result<FileToolOutcome>& outcome) {
  --writes_;
  if (outcome && !outcome->written.empty()) journal_writes(call, outcome->written);
  if (finished_) return tell_end();
  if (!outcome) return tool_failed(call, outcome.error());
  tool_result(call, outcome->text);
}

void Session::journal_writes(const ToolCall& call, const std::vector<WriteReceipt>& receipts) {
  JournalBatch batch{spec_.mission, {}};
  for (const auto& file : receipts) {
    json row{{"class", "C"},
             {"turn", turn_},
             {"call", call.id},
             {"path", file.path},
             {"before", file.digest_before},
             {"after", file.digest_after}};
    batch.records.push_back(
        {"effect", spec_.session, row.dump(-1, ' ', false, json::error_handler_t::replace), {}});
  }
  compat::send(self_, deps_.journal, append_lazy_atom_v, std::move(batch));
}

void Session::journal_effect(const std::string& row) {
  JournalBatch batch{spec_.mission, {{"effect", spec_.session, row, {}}}};
  compat::send(self_, deps_.journal, append_lazy_atom_v, std::move(batch));
}

// ---- Code
// -------------------------------------------------------------------------------------------------------------------------

/// The code of its tree, opened when it is first asked for.
Result<std::shared_ptr<WorkspaceCode>> Session::code() {
  if (code_) return code_;
  if (!deps_.open_code) return Error{ErrorCode::unavailable, "no parser is here"};
  auto opened = deps_.open_code(spec_.root, files_);
  if (opened) code_ = *opened;
  return opened;
}

void Session::run_code_query(const ToolCall& call) {
  auto opened = code();
  if (!opened) return tool_failed(call, opened.error());
  on_pool([call, code = *opened] { return run_code_tool(*code, call.name, call.arguments); },
          [this, call](const Result<std::string>& text) {
            text ? tool_result(call, *text) : tool_failed(call, text.error());
          });
}

/// A change whose files and contents only the code tells: planned, leased, made as one.
void Session::run_code_change(const ToolCall& call) {
  if (!spec_.profile->writes) return tool_failed(call, not_a_writer(spec_.profile->role));
  auto opened = code();
  if (!opened) return tool_failed(call, opened.error());
  on_pool(
      [call, code = *opened] { return plan_code_change(*code, call.name, call.arguments); },
      [this, call](const Result<std::vector<FileRewrite>>& plan) { lease_rewrites(call, plan); });
}

void Session::lease_rewrites(const ToolCall& call, const Result<std::vector<FileRewrite>>& plan) {
  if (finished_) return;
  if (!plan) return tool_failed(call, plan.error());
  std::vector<std::string> paths;
  for (const auto& rewrite : *plan) {
    auto path = normalise_path(rewrite.path);
    if (!path) return tool_failed(call, path.error());
    paths.push_back(*path);
  }
  with_leases(call, std::move(paths), [this, call, rewrites = *plan] {
    write_on_pool(call, [rewrites, files = files_] { return run_rewrite(*files, rewrites); });
  });
}

}  // namespace muster
