// muster in OpenCode. This file puts the parts together; docs/opencode.md says what they promise.
//
// OpenCode loads it once for each folder that it serves, in its own process, and may load it twice.
// It imports nothing but Node's own modules and is run as it is.

import { commandHooks, commandNames, registerCommands } from "./commands.ts"
import { Engine } from "./engine.ts"
import { localModel } from "./local_model.ts"
import { deliver, toast } from "./session.ts"
import { checkHost } from "./self_test.ts"
import type { Client, Config, Hooks, PluginInput, PluginOptions } from "./types.ts"

/// An engine that nobody has asked anything for so long, and that has no mission, is let go, so that
/// `muster run` can have the workspace.
const idleMs = 30_000

async function server(input: PluginInput, options: PluginOptions = {}): Promise<Hooks> {
  const client: Client = input.client
  const engine = new Engine({
    binary: options.binary ?? process.env.MUSTER_BIN ?? "muster",
    directory: input.directory,
    idleMs,
    on: {
      "opencode.toast": (params) => toast(client, params.message, params.variant),
      "opencode.say": (params) => deliver(client, engine, params),
    },
    tell: (message, variant) => toast(client, message, variant),
  })
  const local = localModel()
  const own = commandNames()
  const host = checkHost(client, (message) => toast(client, message, "warning"))
  return {
    config: async (config: Config) => {
      registerCommands(config, own)
      local.register(config)
    },
    ...commandHooks({ client, engine, local, own, host }),
    dispose: async () => engine.close(),
  }
}

export default { id: "muster", server }
