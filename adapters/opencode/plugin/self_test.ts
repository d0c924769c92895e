// Whether this OpenCode is one that the plugin was tested with. Outside of it the plugin says so once
// and works on.

import type { Client } from "./types.ts"

/// The first and the last version that the tests have run with.
export const tested = ["1.18.33", "1.18.33"]

const compare = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true })

const needed: [keyof Client, string[]][] = [
  ["session", ["get", "create", "update", "messages", "status", "prompt", "promptAsync", "abort", "delete"]],
  ["config", ["get", "providers"]],
  ["tui", ["showToast"]],
]

export function checkHost(client: Client, say: (message: string) => void) {
  let said = false
  const once = (message: string) => void (said || ((said = true), say(message)))
  const lacks = (group: string, name: string) => typeof (client as any)[group]?.[name] !== "function"
  const missing = needed.flatMap(([group, names]) => names.filter((name) => lacks(group, name)).map((name) => `${group}.${name}`))
  if (missing.length > 0) once(`this OpenCode lacks what muster needs: ${missing.join(", ")}`)
  return {
    /// The version becomes known with the first session.
    seen(version: string) {
      if (compare(version, tested[0]) < 0 || compare(version, tested[1]) > 0)
        once(`OpenCode ${version} is not one that muster was tested with (${tested[0]} to ${tested[1]})`)
    },
  }
}
