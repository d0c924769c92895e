// The same mission, in the same OpenCode, with the same model, by either system; README.md has the method.
//
//   scripts/bench-peers [--missions N] [--latencies 0,50,300,1500] [--workers N] [--systems muster,opencode-orchestrator,floor]

import fs from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"

import { pluginFile, Stage, until } from "../../tests/opencode/support/stage.mjs"
import { musterAgents, orchestratorAgents, startPlayer, tokensOf } from "./model.mjs"

const option = (name, otherwise) => {
  const at = process.argv.indexOf(name)
  return at < 0 ? otherwise : process.argv[at + 1]
}
const missions = Number(option("--missions", "20"))
const latencies = option("--latencies", "0,50,300,1500").split(",").map(Number)
const workers = Number(option("--workers", "8"))
/// A mission that has not ended after so long beyond its model's time is stalled.
const patience = 30_000

const messagesOf = async (openCode, session) => JSON.stringify(await openCode.messages(session))

const systems = {
  muster: {
    plugins: [pluginFile],
    agents: musterAgents,
    /// OpenCode is asked only when the last file is there, which it is at the seal: it has one thread, and asking it every
    /// 20 ms for a session's messages would be a part of what is measured.
    ended: async (stage, openCode, session, age) =>
      age > patience || fs.existsSync(path.join(stage.project, `parts/p${workers}.txt`))
        ? /"(SEALED|FAILED|muster needs you)/.exec(await messagesOf(openCode, session))?.[1]
        : undefined,
    sealed: "SEALED",
  },
  "opencode-orchestrator": {
    plugins: [process.env.PEER_PLUGIN],
    agents: orchestratorAgents,
    /// It ends a mission by taking its state away; what counts is that the TODO was done by then.
    ended: async (stage) => {
      const file = (name) => path.join(stage.project, ".opencode", name)
      if (fs.existsSync(file("loop-state.json")) || !fs.existsSync(file("todo.md"))) return undefined
      return /- \[ \]/.test(fs.readFileSync(file("todo.md"), "utf8")) ? "open TODO" : "done"
    },
    sealed: "done",
  },
  /// What OpenCode itself needs for muster's conversations: floor.ts.
  floor: {
    plugins: [path.join(path.dirname(fileURLToPath(import.meta.url)), "floor.ts")],
    agents: musterAgents,
    ended: async (stage) => (fs.existsSync(path.join(stage.project, ".floor")) ? "done" : undefined),
    sealed: "done",
  },
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]
const memory = (pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024
/// Of OpenCode and of all that it started.
function memoryOfTree(pid) {
  const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean)
  return children.reduce((sum, child) => sum + memoryOfTree(Number(child)), memory(pid))
}

async function mission(system, stage, openCode, base, latency) {
  const session = await openCode.session({ title: "chat" })
  const begun = performance.now()
  const answered = openCode.command(session, "task", "Write the parts").catch(() => {})
  let how
  try {
    how = await until("the end", () => system.ended(stage, openCode, session, performance.now() - begun), patience + latency * 20)
  } catch {
    how = "stalled"
  }
  const took = performance.now() - begun
  if (how === "stalled") await openCode.command(session, "stop").catch(() => {})
  await answered
  const complete = Array.from({ length: workers }, (_, i) => fs.existsSync(path.join(stage.project, `parts/p${i + 1}.txt`))).every(Boolean)
  stage.git("reset", "-q", "--hard", base)
  stage.git("clean", "-fdxq")
  return { took, sealed: how === system.sealed && complete, how }
}

async function series(name, latency) {
  const system = systems[name]
  const cleanups = []
  const stage = await Stage.make({ after: (cleanup) => cleanups.push(cleanup) }, { plugins: system.plugins })
  stage.environment.FLOOR_WORKERS = String(workers)
  const model = await startPlayer(system.agents(workers), latency)
  const config = stage.baseConfig()
  config.provider.scripted.options.baseURL = model.url
  stage.configure({ ...config, plugin: system.plugins })
  const base = stage.git("rev-parse", "HEAD").trim()
  try {
    const openCode = await stage.openCode()
    await mission(system, stage, openCode, base, latency) // warm
    model.requests.length = 0
    const runs = []
    for (let i = 0; i < missions; ++i) runs.push(await mission(system, stage, openCode, base, latency))
    const sealed = runs.filter((it) => it.sealed)
    const took = (sealed.length > 0 ? sealed : runs).map((it) => it.took)
    return {
      name, latency, missions, sealed: sealed.length,
      wall: { median: Math.round(median(took)), min: Math.round(Math.min(...took)), max: Math.round(Math.max(...took)) },
      calls: model.requests.length / missions, tokens: Math.round(model.requests.reduce((sum, it) => sum + tokensOf(it.raw), 0) / missions), rss: Math.round(memoryOfTree(openCode.child.pid)),
      ends: runs.map((it) => it.how),
    }
  } finally {
    for (const cleanup of cleanups) await cleanup()
    await model.close()
  }
}

const rows = []
console.log(`| model | system | sealed | wall, median (min to max) | calls | prompt tokens | RSS |`)
console.log(`|---:|---|---:|---:|---:|---:|---:|`)
for (const latency of latencies)
  for (const name of option("--systems", Object.keys(systems).join(",")).split(",")) {
    const row = await series(name, latency)
    rows.push(row)
    console.log(`| ${latency} ms | ${name} | ${row.sealed} of ${missions} | ${row.wall.median} ms (${row.wall.min} to ${row.wall.max}) | ${row.calls.toFixed(1)} | ${row.tokens} | ${row.rss} MB |`)
  }
if (process.env.PEERS_JSON) fs.writeFileSync(process.env.PEERS_JSON, JSON.stringify(rows, null, 1) + "\n")
