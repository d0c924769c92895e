// Hooks have two seconds, whatever does not answer them: in muster's own sessions they fail closed, elsewhere they pass.

import assert from "node:assert/strict"
import fs from "node:fs"
import path from "node:path"
import test from "node:test"

import { hosted, polite, sealed } from "./support/mission.mjs"
import { sourceDir, Stage, textOf } from "./support/stage.mjs"

const deafClient = path.join(sourceDir, "tests/opencode/fixtures/deaf_client.ts")
/// The deadline, and what a busy machine adds to it.
const mostMs = 2000 + 900

async function deafTo(stage, calls) {
  const log = path.join(stage.folder, "hooks.jsonl")
  fs.writeFileSync(log, "")
  const openCode = await stage.openCode({ DEAF_TO: calls, HOOKS_LOG: log })
  openCode.hooks = () => fs.readFileSync(log, "utf8").trim().split("\n").filter(Boolean).map((line) => JSON.parse(line))
  return openCode
}

const slowest = (openCode, name) => Math.max(...openCode.hooks().filter((it) => it.hook === name).map((it) => it.ms))

test("a command passes when OpenCode itself does not answer, and so does a plain message", async (t) => {
  const stage = await Stage.make(t, { plugins: [deafClient] })
  const openCode = await deafTo(stage, "status,get,update,messages,providers")
  const session = await openCode.session({ title: "chat" })
  assert.match(textOf(await openCode.command(session, "status")), /No mission is at work here/)
  const local = { providerID: "muster", modelID: "local" }
  assert.match(textOf(await openCode.prompt(session, "hello", { model: local })), /answers muster's own commands only|ok/)
  assert.equal(textOf(await openCode.prompt(session, "hello", { model: { providerID: "scripted", modelID: "m1" } })), "ok")
  const took = slowest(openCode, "command.execute.before")
  t.diagnostic(`the slowest hook took ${Math.round(Math.max(...openCode.hooks().map((it) => it.ms)))} ms`)
  assert.ok(took > 1500, "it did not wait at all: the test has lost its sense")
  for (const { hook, ms } of openCode.hooks()) assert.ok(ms < mostMs, `${hook} took ${ms} ms`)
})

test("a session of a mission that cannot be aborted makes no other call: its hook fails", async (t) => {
  const stage = await hosted(t, polite)
  stage.reconfigure({ plugin: [deafClient] })
  const openCode = await deafTo(stage, "abort")
  const session = await openCode.session({ title: "chat" })
  await openCode.command(session, "task", "Be polite")
  await sealed(openCode, session)
  assert.equal((await stage.modelStats()).calls, 5)
  for (const { hook, ms } of openCode.hooks()) assert.ok(ms < mostMs, `${hook} took ${ms} ms`)
})
