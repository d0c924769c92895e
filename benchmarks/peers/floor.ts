// The least that any program costs that has muster's conversations in OpenCode: the plugin's own host with an engine that
// decides at once, and neither plans, snapshots, verifies, reviews nor lands anything. What is left is OpenCode's own
// time, which muster cannot go below.

import fs from "node:fs"
import path from "node:path"

import { agentHost, askTable, registerAgents } from "../../adapters/opencode/plugin/host.ts"

const workers = Number(process.env.FLOOR_WORKERS ?? "8")
/// About as long as the engine's own briefings.
const filler = "These are the rules of the mission, and what is known of the project.\n".repeat(30)

export default {
  id: "floor",
  server: async ({ client, directory }: any) => {
    const table = await askTable(process.env.MUSTER_BIN!)
    const asks = new Map<number, { at: string; then: (call: any) => void }>()
    let number = 0
    const calls = new Map<string, (call: any) => void>() // session -> what its tool calls lead to
    const engine = {
      request: async (method: string, params: any) => {
        if (method === "opencode.tool") {
          calls.get(params.session)?.(params)
          return { text: "taken" }
        }
        if (method === "opencode.done" && params.result?.session) {
          calls.set(params.result.session, asks.get(params.id)!.then)
          asks.delete(params.id)
        }
        return {}
      },
    }
    const host = agentHost(client, engine as any, table as any)
    const open = (role: string, task: string, parent: string, then: (call: any) => void) => {
      asks.set(++number, { at: role, then })
      const text = `[muster agent=${role} task=${task} turn=1]\n${filler}`
      void host.carryOut({ id: number, do: "open", title: `floor: ${role} ${task}`, parent, context: "", state: "", agent: `muster-${role}`, model: "scripted/m1", prompt: number, text })
    }
    const closed = (call: any) => void host.carryOut({ id: ++number, do: "close", session: call.session })
    /// One task after the other is handed in and looked at; `done` when all are.
    const work = (parent: string, done: () => void) => {
      let left = workers
      for (let task = 1; task <= workers; ++task)
        open("worker", `M1.T${task}`, parent, (call) => {
          if (call.tool === "write") return fs.writeFileSync(path.join(directory, call.arguments.path), call.arguments.content)
          closed(call)
          open("reviewer", `M1.T${task}`, parent, (verdict) => (closed(verdict), --left === 0 && done()))
        })
    }
    const mission = (parent: string) => {
      fs.mkdirSync(path.join(directory, "parts"), { recursive: true })
      const seal = () => open("commander", "- request_seal", parent, (call) => (closed(call), fs.writeFileSync(path.join(directory, ".floor"), "")))
      const master = () => open("master_reviewer", "-", parent, (call) => (closed(call), seal()))
      const plan = () => open("planner", "-", parent, (call) => (closed(call), work(parent, master)))
      open("commander", "-", parent, (call) => (closed(call), plan()))
    }
    return {
      config: async (config: any) => {
        config.command = { ...config.command, task: { template: "$ARGUMENTS" } }
        registerAgents(config, table as any)
      },
      tool: host.tool,
      ...host.hooks,
      "command.execute.before": async (input: any) => mission(input.sessionID),
    }
  },
}
