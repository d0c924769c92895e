#include "runtime/core/briefing.hpp"

namespace muster {
namespace {

constexpr std::size_t max_section = 24000;

std::string bounded(const std::string& text, std::size_t max = max_section) {
  if (text.size() <= max) return text;
  auto end = max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + "\n[... " + std::to_string(text.size() - end) + " more bytes]";
}

void section(std::string& out, const char* title, const std::string& text) {
  if (text.empty()) return;
  out += "\n## ";
  out += title;
  out += "\n" + bounded(text);
  if (out.back() != '\n') out += '\n';
}

std::string bullets(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items) out += "- " + item + "\n";
  return out;
}

std::string commands_text(const State& state) {
  std::string out;
  for (const auto& command : state.commands)
    out += "- " + command.check + ": `" + command.command + "`" +
           (command.cwd.empty() ? "" : " in " + command.cwd) + " (found in " + command.found_in +
           ")\n";
  return out;
}

std::string baseline_text(const State& state) {
  std::string out;
  for (const auto& [name, receipt] : state.baseline) out += describe_receipt(receipt);
  return out;
}

std::string findings_text(const std::vector<ReviewFinding>& findings) {
  std::string out;
  for (const auto& finding : findings) {
    out += "- ";
    if (!finding.file.empty())
      out += finding.file + (finding.line > 0 ? ":" + std::to_string(finding.line) : "") + ": ";
    out += finding.message + "\n";
  }
  return out;
}

void project(std::string& out, const State& state, const BriefingExtras& extras) {
  std::string stack;
  for (const auto& name : state.stack) stack += (stack.empty() ? "" : ", ") + name;
  section(out, "Stack", stack);
  section(out, "Commands", commands_text(state));
  section(out, "Files", extras.tree);
  section(out, "Rules of this repository", extras.rules);
}

std::string task_text(const TaskState& task) {
  const auto& spec = task.spec;
  std::string out = spec.id + ": " + spec.title + "\n";
  if (!spec.description.empty()) out += spec.description + "\n";
  if (!spec.files.empty()) {
    out += "Files that are yours to change:\n" + bullets(spec.files);
  }
  if (!spec.acceptance.empty()) out += "Acceptance:\n" + bullets(spec.acceptance);
  out += "The engine will verify by running:\n";
  for (const auto& check : spec.verification)
    out += check.command.empty()
               ? "- " + check.check + " " + check.path +
                     (check.pattern.empty() ? "" : " /" + check.pattern + "/") + "\n"
               : "- `" + check.command + "`\n";
  return out;
}

std::string receipts_text(const std::vector<Receipt>& receipts) {
  std::string out;
  for (const auto& receipt : receipts) out += describe_receipt(receipt);
  return out;
}

}  // namespace

std::string briefing_header(const std::string& agent, const std::string& task, int attempt,
                            const std::string& session) {
  return "[muster agent=" + agent + " task=" + (task.empty() ? "-" : task) +
         " attempt=" + std::to_string(attempt) + " session=" + session + "]\n";
}

std::string brief_commands_before(const std::string& commands) {
  if (commands.empty()) return {};
  std::string out;
  section(
      out, "Commands that were run before you took over",
      commands +
          "The session before you was cut off. None of these was started again, and none may be "
          "repeated blindly: look first at what it has done.");
  return out;
}

std::string describe_receipt(const Receipt& receipt) {
  const auto& facts = receipt.facts();
  auto verdict = receipt.passed()   ? std::string("passed")
                 : facts.timed_out  ? std::string("TIMED OUT")
                 : facts.signal > 0 ? "FAILED (signal " + std::to_string(facts.signal) + ")"
                                    : "FAILED (exit code " + std::to_string(facts.exit_code) + ")";
  auto line = "- " + facts.check + ": `" + facts.command + "` " + verdict + " in " +
              std::to_string(facts.duration_ms) + " ms\n";
  if (!receipt.passed() && !facts.output_tail.empty())
    line += "```\n" + bounded(facts.output_tail, 4000) + "\n```\n";
  return line;
}

std::string describe_plan(const State& state) {
  std::string out = state.plan_summary.empty() ? "" : state.plan_summary + "\n\n";
  for (const auto& task : state.tasks) {
    if (task.stage == Stage::dropped) continue;
    out += "- [ ] " + task.spec.id + " " + task.spec.title + "\n";
    for (const auto& file : task.spec.files) out += "      file: " + file + "\n";
    for (const auto& id : task.spec.depends_on) out += "      after: " + id + "\n";
    for (const auto& check : task.spec.verification)
      out += "      verify: " +
             (check.command.empty() ? check.check + " " + check.path : check.command) + "\n";
  }
  return out;
}

std::string brief_triage(const State& state, const BriefingExtras& extras) {
  std::string out;
  section(out, "Objective", state.objective);
  section(out, "What the user said", bullets(state.guidance));
  project(out, state, extras);
  out +=
      "\nLook as far as you need, then call submit_triage: question (give the answer), small (give "
      "the one task), or large.\n";
  return out;
}

std::string brief_search(const State& state, const BriefingExtras& extras) {
  std::string out;
  section(out, "Find", state.objective);
  section(out, "What the user said", bullets(state.guidance));
  project(out, state, extras);
  out +=
      "\nSearch this repository, then call answer with what you found: paths with line numbers, "
      "and what they mean.\n";
  return out;
}

std::string brief_plan(const State& state, const BriefingExtras& extras) {
  std::string out;
  section(out, "Objective", state.objective);
  section(out, "What the user said", bullets(state.guidance));
  project(out, state, extras);
  section(out, "Map of the code, what matters to the objective first", extras.map);
  section(out, "Baseline: what the checks say before any change", baseline_text(state));
  section(out, "Your last plan was refused", bullets(state.plan_problems));
  section(out, "The engine sees no progress; go another way", state.intervention);
  std::string past;
  for (const auto& task : state.tasks)
    past += "- " + task.spec.id + " (" + std::string(name_of(task.stage)) + ") " + task.spec.title +
            (task.reason.empty() ? "" : ": " + task.reason) + "\n";
  section(out, "Earlier tasks; plan again for what failed, with new ids", past);
  out += "\nAt most " + std::to_string(state.limits.max_files_per_task) +
         " files a task; tasks that share no file and no dependency run in parallel. Use ids of "
         "milestone M" +
         std::to_string(state.iteration) + ". Call submit_plan.\n";
  return out;
}

std::string brief_work(const State& state, const TaskState& task, const BriefingExtras& extras) {
  std::string out;
  section(out, "Task", task_text(task));
  section(out, "It is part of the objective", state.objective);
  section(out, "What the user said", bullets(task.guidance));
  section(out, "The engine sees no progress; go another way", state.intervention);
  section(out, "An earlier attempt was thrown away; this was held against it",
          findings_text(task.findings));
  project(out, state, extras);
  out +=
      "\nYour snapshot is the working directory. When the task is done and its verification "
      "passes, call submit_result.\n";
  return out;
}

std::string brief_fix(const State& state, const TaskState& task, const BriefingExtras& extras) {
  std::string out;
  section(out, "Mend these findings", findings_text(task.findings));
  section(out, "Task", task_text(task));
  section(out, "It is part of the objective", state.objective);
  section(out, "What the user said", bullets(task.guidance));
  section(out, "What the author said", task.summary);
  section(out, "The engine sees no progress; go another way", state.intervention);
  section(out, "Changes so far", extras.diff);
  project(out, state, extras);
  out +=
      "\nYour snapshot is the working directory, with the changes so far. Mend the findings, then "
      "call submit_result.\n";
  return out;
}

std::string brief_decompose(const State& state, const TaskState& task,
                            const BriefingExtras& extras) {
  std::string out;
  section(out, "Cut this task into parts", task_text(task));
  section(out, "Why: its agent got nowhere", task.reason);
  section(out, "What was held against its work", findings_text(task.findings));
  section(out, "What the user said", bullets(task.guidance));
  section(out, "It is part of the objective", state.objective);
  section(out, "What it changed so far; this is thrown away", extras.diff);
  project(out, state, extras);
  out +=
      "\nLook at the code, then call submit_plan with two or more smaller tasks that together do "
      "the same: ids " +
      task.spec.id + ".S1, " + task.spec.id + ".S2, ..., at most " +
      std::to_string(state.limits.max_files_per_task) +
      " files each, each with a verification of its own. They may depend on each other, not on " +
      task.spec.id + ".\n";
  return out;
}

std::string brief_review(const State& state, const TaskState& task, const BriefingExtras& extras) {
  std::string out;
  section(out, "Task", task_text(task));
  section(out, "It is part of the objective", state.objective);
  section(out, "Executed verification (by the engine, on exactly this tree)",
          receipts_text(task.receipts));
  section(out, "Noticed by the engine", findings_text(task.engine_findings));
  section(out, "What the author said", task.summary);
  section(out, "Diff", extras.diff);
  section(out, "Rules of this repository", extras.rules);
  out +=
      "\nThe working directory is the changed tree. Judge the change against task and acceptance, "
      "then call submit_verdict.\n";
  return out;
}

std::string brief_master_review(const State& state, const BriefingExtras& extras) {
  std::string out;
  section(out, "Objective", state.objective);
  std::string todo;
  for (const auto& task : state.tasks)
    if (task.stage != Stage::dropped)
      todo += "- [" + std::string(task.stage == Stage::done ? "x" : " ") + "] " + task.spec.id +
              " " + task.spec.title + "\n";
  section(out, "Tasks", todo);
  std::string checks;
  for (const auto& [name, receipt] : state.final_receipts)
    checks += describe_receipt(receipt) + "  -> " +
              std::string(name_of(judge_check(state, receipt))) + "\n";
  section(out, "Executed checks on the integrated tree", checks);
  section(out, "Diff of the whole mission", extras.diff);
  section(out, "Rules of this repository", extras.rules);
  out +=
      "\nThe working directory is the integrated tree. Does it meet the objective? Call "
      "submit_verdict; each finding becomes a task.\n";
  return out;
}

std::string brief_seal(const State& state) {
  std::string out;
  section(out, "Objective", state.objective);
  std::string todo;
  for (const auto& task : state.tasks)
    if (task.stage == Stage::done)
      todo +=
          "- " + task.spec.id + " " + task.spec.title + ": " + bounded(task.summary, 300) + "\n";
  section(out, "Done, reviewed and landed", todo);
  section(out, "The plan was", state.plan_summary);
  out +=
      "\nAll checks passed and the master review approved. Call request_seal with a summary for "
      "the user: what changed and what to know.\n";
  return out;
}

}  // namespace muster
