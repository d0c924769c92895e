// muster in OpenCode. This file puts the parts together; docs/opencode.md says what they promise.
//
// OpenCode loads it once for each folder that it serves, in its own process, and may load it twice.
// It imports nothing but Node's own modules and is run as it is.

import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"

import { commandHooks, registerCommands } from "./commands.ts"
import { Engine } from "./engine.ts"
import { agentHost, askTable, registerAgents } from "./host.ts"
import { localModel } from "./local_model.ts"
import { deliver, toast } from "./session.ts"
import { checkHost } from "./self_test.ts"
import type { Config, Plugin } from "./types.ts"

/// An engine that nobody has asked anything for so long, and that has no mission, is let go, so that
/// `muster run` can have the workspace.
const idleMs = 30_000

const server: Plugin = async ({ client, directory }, options = {}) => {
  const packaged = fileURLToPath(new URL("bin/muster", import.meta.url))
  const binary = options.binary ?? process.env.MUSTER_BIN ?? (existsSync(packaged) ? packaged : "muster")
  const forEngine = process.env.MUSTER_OPENCODE_HOST === "1" // started by an engine, to run its sessions
  const engine = new Engine({
    binary,
    directory,
    idleMs: forEngine ? 2 ** 31 - 1 : idleMs,
    host: forEngine,
    on: {
      "opencode.toast": (params) => toast(client, params.message, params.variant),
      "opencode.say": (params) => deliver(client, engine, params),
      "opencode.do": (params) => agents.carryOut(params),
    },
    lost: () => agents.abandon(),
    tell: (message, variant) => toast(client, message, variant),
  })
  const table = await askTable(binary)
  const agents = agentHost(client, engine, table)
  const local = localModel()
  const own = new Map<string, string>()
  const host = checkHost(client, (message) => toast(client, message, "warning"))
  const commands = commandHooks({ client, engine, local, own, host })
  if (forEngine) void engine.connect("").catch(() => {})
  return {
    config: async (config: Config) => {
      registerCommands(config, own)
      registerAgents(config, table)
      local.register(config)
    },
    tool: agents.tool,
    ...agents.hooks,
    ...commands,
    "chat.message": async (given, output) => {
      await commands["chat.message"](given, output)
      await agents.hooks["chat.message"](given, output)
    },
    dispose: async () => engine.close(),
  }
}

export default { id: "muster", server }
