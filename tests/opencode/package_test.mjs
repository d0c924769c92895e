// The way of a new user: the package is packed, installed into an empty home, OpenCode is started, /task
// is typed, and the mission is sealed. Nothing of muster's is in the path, and no network is asked.

import assert from "node:assert/strict"
import fs from "node:fs"
import path from "node:path"
import test from "node:test"
import { execFileSync } from "node:child_process"

import { hosted, polite, sealed } from "./support/mission.mjs"
import { musterBinary, sourceDir, textOf } from "./support/stage.mjs"

/// Packs the program of this build; the path of the package.
function pack(t, stage) {
  const made = execFileSync(path.join(sourceDir, "scripts/package"), ["--binary", musterBinary, "--to", path.join(stage.folder, "npm")], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  })
  const file = made.trim()
  t.diagnostic(`${path.basename(file)}: ${Math.round(fs.statSync(file).size / 1000)} kB`)
  return file
}

function npmInstall(stage, folder, file) {
  fs.mkdirSync(folder, { recursive: true })
  const begun = performance.now()
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", "--prefix", folder, file], { cwd: folder, env: stage.environment, stdio: "ignore" })
  return Math.round(performance.now() - begun)
}

async function sealsAMission(stage) {
  const openCode = await stage.openCode({ MUSTER_BIN: undefined })
  const session = await openCode.session({ title: "chat" })
  assert.match(textOf(await openCode.command(session, "task", "Be polite")), /has started/)
  await sealed(openCode, session)
  assert.equal(stage.read("greet.sh"), 'echo "good day, $1"\n')
  await openCode.stop()
}

test("by its npm name, where OpenCode keeps packages", async (t) => {
  const stage = await hosted(t, polite)
  const file = pack(t, stage)
  const folder = path.join(stage.environment.XDG_CACHE_HOME, "opencode/packages/opencode-muster@latest")
  t.diagnostic(`installed in ${npmInstall(stage, folder, file)} ms`)
  stage.reconfigure({ plugin: ["opencode-muster"] })
  await sealsAMission(stage)
})

test("as a global package, by muster install opencode", async (t) => {
  const stage = await hosted(t, polite)
  npmInstall(stage, path.join(stage.environment.HOME, "npm"), pack(t, stage))
  const program = path.join(stage.environment.HOME, "npm/node_modules/.bin/muster")
  stage.reconfigure({ plugin: [] })
  execFileSync(program, ["install", "opencode"], { cwd: stage.project, env: stage.environment, stdio: "ignore" })
  await sealsAMission(stage)
})
