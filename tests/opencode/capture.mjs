// Captures of the real terminal of OpenCode while a mission runs, for docs/opencode.md:
//
//   node tests/opencode/capture.mjs FOLDER      with $MUSTER_BINARY, $MUSTER_SOURCE_DIR, $MUSTER_OPENCODE_BINARY as ctest sets them
//
// Needs tmux. The pictures are plain text, a file for each.

import fs from "node:fs"
import path from "node:path"
import { execFileSync } from "node:child_process"

import { hosted, parts } from "./support/mission.mjs"
import { openCodeBinary, until } from "./support/stage.mjs"

const folder = process.argv[2] ?? "."
const cleanups = []
const stage = await hosted({ after: (cleanup) => cleanups.push(cleanup) }, parts(4, 1500))
const tmux = (...args) =>
  execFileSync("tmux", ["-L", `muster-capture-${process.pid}`, ...args], { encoding: "utf8", env: { ...stage.environment, TERM: "xterm-256color" } })
const screen = () => tmux("capture-pane", "-p")
/// Waits for words on the screen, and keeps it.
const capture = async (name, words) => {
  await until(`"${words}" on the screen`, () => screen().includes(words))
  fs.writeFileSync(path.join(folder, `${name}.txt`), screen().replaceAll(stage.project, "~/project").replace(/[ \n]+$/, "\n"))
}

try {
  tmux("new-session", "-d", "-x", "110", "-y", "30", "-c", stage.project, openCodeBinary)
  await until("the prompt", () => screen().includes("ctrl+p commands"))
  tmux("send-keys", "-l", "/task Write the parts")
  await capture("typed", "/task Write the parts")
  tmux("send-keys", "Enter")
  await new Promise((resolve) => setTimeout(resolve, 500)) // its list of commands closes with the first one
  tmux("send-keys", "Enter")
  await capture("started", "has started")
  await capture("under-way", "done  ┃")
  await capture("sealed", "SEALED")
} finally {
  tmux("kill-server")
  for (const cleanup of cleanups) await cleanup()
}
