// The ways in which OpenCode finds the plugin, and one engine for a folder however often it is loaded.

import assert from "node:assert/strict"
import fs from "node:fs"
import path from "node:path"
import test from "node:test"

import { slow, told, withMission } from "./support/mission.mjs"
import { pluginFile, Stage, textOf, until } from "./support/stage.mjs"

const pluginFolder = path.dirname(pluginFile)

async function answers(stage) {
  const openCode = await stage.openCode()
  const session = await openCode.session({ title: "chat" })
  const status = await openCode.command(session, "status")
  assert.match(textOf(status), /No mission is at work here/)
  await openCode.stop()
}

test("the plugin loads by the path of its file, of its folder, and by its npm name", async (t) => {
  const stage = await Stage.make(t)
  await answers(stage)
  stage.configure({ ...stage.baseConfig(), plugin: [[pluginFolder, { binary: stage.environment.MUSTER_BIN }]] })
  await answers(stage)
  // Where OpenCode looks for a package before it asks a registry.
  const installed = path.join(stage.environment.XDG_CACHE_HOME, "opencode/packages/opencode-muster@latest/node_modules/opencode-muster")
  fs.mkdirSync(installed, { recursive: true })
  fs.cpSync(pluginFolder, installed, { recursive: true })
  stage.configure({ ...stage.baseConfig(), plugin: ["opencode-muster"] })
  await answers(stage)
})

/// The processes that serve a project: the engine, and bridges to it.
function servers(stage) {
  return fs.readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`serve\0--stdio\0--opencode\0--workspace\0${stage.project}`)
    } catch {
      return false
    }
  })
}

test("loaded twice it finds one engine, and only the one that was asked is told", async (t) => {
  const stage = await Stage.make(t)
  await withMission(stage, slow(600_000))
  const one = await stage.openCode()
  const two = await stage.openCode()
  await one.watch()
  await two.watch()
  const first = await one.session({ title: "one" })
  const second = await two.session({ title: "two" })
  // At once: both find no engine.
  const [started, other] = await Promise.all([one.command(first, "task", "Be polite"), two.command(second, "agents")])
  assert.match(textOf(started), /has started/)
  assert.match(textOf(other), /commander/)
  assert.match(textOf(await two.command(second, "status")), /Be polite/)
  assert.equal(servers(stage).length, 2)
  await two.command(second, "stop")
  await until("the end", async () => (await told(one, first, "STOPPED"))[0])
  await one.event("tui.toast.show", (toast) => /stopped/.test(toast.message))
  assert.deepEqual(two.toasts(), [])
  await Promise.all([one.stop(), two.stop()])
  await until("no process of muster's", () => servers(stage).length === 0)
})

test("another version of OpenCode is said once, and everything works on", async (t) => {
  const stage = await Stage.make(t)
  const older = path.join(stage.folder, "plugin")
  fs.cpSync(pluginFolder, older, { recursive: true })
  const file = path.join(older, "self_test.ts")
  const text = fs.readFileSync(file, "utf8")
  fs.writeFileSync(file, text.replace(/tested = \[.*\]/, 'tested = ["1.18.1", "1.18.9"]'))
  stage.configure({ ...stage.baseConfig(), plugin: [older] })
  const openCode = await stage.openCode()
  await openCode.watch()
  for (const title of ["one", "two"]) {
    const session = await openCode.session({ title })
    assert.match(textOf(await openCode.command(session, "status")), /No mission is at work here/)
  }
  const said = openCode.toasts().filter((toast) => /is not one that muster was tested with \(1\.18\.1 to 1\.18\.9\)/.test(toast.message))
  assert.equal(said.length, 1)
})

test("the plugin stays small: under 600 lines of code", () => {
  const lines = fs.readdirSync(pluginFolder).filter((name) => name.endsWith(".ts")).flatMap((name) => fs.readFileSync(path.join(pluginFolder, name), "utf8").split("\n"))
  const code = lines.filter((line) => line.trim() !== "" && !line.trim().startsWith("//"))
  assert.ok(code.length < 600, `${code.length} lines`)
})
