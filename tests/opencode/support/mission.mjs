// Missions that the scripted model plays (docs/scenarios.md), and the engine's configuration for them.

import fs from "node:fs"
import path from "node:path"

import { musterBinary, pluginFile, Stage, textOf, until } from "./stage.mjs"

const call = (name, args) => ({ name, arguments: args })
const rule = (when, ...calls) => ({ when, then: { tool_calls: calls } })
const silence = { when: {}, then: { fault: { kind: "status", status: 400, body: "the scenario has no words for this" } } }

const files = {
  "greet.sh": 'echo "hello, $1"\n',
  "tests/greet_test.sh": 'said="$(sh greet.sh Ada)"\n[ "$said" = "hello, Ada" ] || { echo "greet.sh:1: error: it said $said"; exit 1; }\n',
  Makefile: "test:\n\t@sh tests/greet_test.sh\n\n.PHONY: test\n",
}
const task = {
  id: "M1.T1",
  title: "Change greet.sh",
  description: "Change greet.sh",
  files: ["greet.sh", "tests/greet_test.sh"],
  depends_on: [],
  acceptance: ["its test passes"],
  verification: [{ command: "make test" }],
}
const edit = (name) => call("edit", { path: name, old_text: "hello", new_text: "good day" })
const triage = rule({ agent: "commander" }, call("submit_triage", { kind: "small", reason: "one line", task }))
const submit = call("submit_result", { summary: "done, with a test", changed_files: task.files })
const approve = rule({ agent: ["reviewer", "master_reviewer"] }, call("submit_verdict", { verdict: "approve", summary: "good", findings: [] }))

/// One task that is done at the first try.
export const polite = [
  triage,
  rule({ agent: "worker", turn: 1 }, edit("tests/greet_test.sh"), edit("greet.sh")),
  rule({ agent: "worker", turn: 2 }, submit),
  approve,
]
/// The same, but its worker asks first.
export const asking = [
  triage,
  rule({ agent: "worker", turn: 1 }, call("ask_user", { question: "Which greeting?" })),
  rule({ agent: "worker", text_matches: "The user answers: a formal one" }, edit("tests/greet_test.sh"), edit("greet.sh")),
  rule({ agent: "worker", last_tool: "edit" }, submit),
  approve,
]
/// The same, but its worker's first call waits `ms` for the model; the second time it does not.
export const slow = (ms) => [
  triage,
  { when: { agent: "worker", turn: 1, nth: 1 }, then: { latency_ms: ms, tool_calls: [edit("tests/greet_test.sh"), edit("greet.sh")] } },
  ...polite.slice(1),
]

/// The same, but its worker's first call fails in that way; without a reason to end, three times.
export const fault = (what) => [
  triage,
  { when: { agent: "worker" }, times: what.kind === "no_finish" ? 3 : 1, then: { text: "well", fault: what } },
  rule({ agent: "worker", last_tool: "edit" }, submit),
  rule({ agent: "worker" }, edit("tests/greet_test.sh"), edit("greet.sh")),
  approve,
]

/// `tasks` files, written by as many workers, each model call after `latency` ms.
export const parts = (tasks, latency) => ({
  name: "parts",
  defaults: { latency_ms: latency },
  stochastic: { seed: 7, tasks, files_per_task: 1, roles: { worker: { success: 1 } } },
})

/// Puts the project in place and starts the model that plays `rules`, or a whole scenario; the address of it.
async function play(stage, rules) {
  for (const [name, content] of Object.entries(files)) stage.write(name, content)
  stage.git("add", "-A")
  stage.git("commit", "-q", "-m", "greets")
  const scenario = path.join(stage.folder, "scenario.json")
  stage.writeAt(scenario, JSON.stringify(Array.isArray(rules) ? { name: "test", rules: [...rules, silence] } : rules))
  const server = stage.start(musterBinary, ["model-server", "--scenario", scenario])
  return (await until("the scripted model", () => /listening on (http:\S+)/.exec(server.said)))[1]
}

/// Agents that the engine runs itself: the project, and the user's muster configuration.
export async function withMission(stage, rules) {
  const url = await play(stage, rules)
  const config = { host: "direct", model: "scripted/model", providers: { scripted: { base_url: url, api_key: "none" } } }
  stage.writeAt(path.join(stage.environment.XDG_CONFIG_HOME, "muster/config.json"), JSON.stringify(config))
}

/// Agents in OpenCode, whose own provider is the model that plays `rules`; `muster`: the user's configuration of it.
export async function hosted(t, rules, { muster, ...options } = {}) {
  const stage = await Stage.make(t, options)
  const url = await play(stage, rules)
  const config = stage.baseConfig()
  config.provider.scripted.options.baseURL = url
  stage.reconfigure = (more) => stage.configure({ ...config, ...more })
  stage.reconfigure({ plugin: [pluginFile] })
  if (muster) stage.writeAt(path.join(stage.environment.XDG_CONFIG_HOME, "muster/config.json"), JSON.stringify(muster))
  stage.modelStats = async () => (await fetch(new URL("/stats", url))).json()
  stage.otherProject = (name) => {
    const folder = path.join(path.dirname(stage.project), name)
    fs.cpSync(stage.project, folder, { recursive: true })
    return folder
  }
  return stage
}

/// Waits for the summary of a sealed mission.
export const sealed = (openCode, session) => until("the summary", async () => (await told(openCode, session, "SEALED"))[0])
/// Waits until a worker is at work.
export const working = (openCode, session) =>
  until("a worker", async () => /worker/.test(textOf(await openCode.command(session, "status"))))

/// The messages of a session that begin with `start`.
export async function told(openCode, session, start) {
  const messages = await openCode.messages(session)
  return messages.flatMap((it) => it.parts).filter((part) => part.type === "text" && part.text.startsWith(start))
}
