// Whether this OpenCode is one that the plugin was tested with. Outside of it the plugin says so once
// and works on.

import type { Client } from "./types.ts"

/// The first and the last version that the tests have run with.
export const tested = ["1.18.33", "1.18.33"]

const numbers = (version: string) => version.split(".").map((part) => Number.parseInt(part, 10) || 0)

function compare(a: string, b: string): number {
  const [left, right] = [numbers(a), numbers(b)]
  for (let i = 0; i < 3; ++i) if (left[i] !== right[i]) return (left[i] ?? 0) - (right[i] ?? 0)
  return 0
}

const needed: [keyof Client, string[]][] = [
  ["session", ["get", "update", "messages", "status", "prompt"]],
  ["config", ["get", "providers"]],
  ["tui", ["showToast"]],
]

export function checkHost(client: Client, say: (message: string) => void) {
  let said = false
  const once = (message: string) => {
    if (said) return
    said = true
    say(message)
  }
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
