// What the real OpenCode does with the means that the plugin and the OpenCode host build on.

import assert from "node:assert/strict"
import fs from "node:fs"
import path from "node:path"
import test from "node:test"
import { fileURLToPath } from "node:url"

import { assertSameText, Stage, textOf, until } from "./support/stage.mjs"

const fixture = fileURLToPath(new URL("fixtures/mechanisms.ts", import.meta.url))
const toolsOf = (request) => (request.body.tools ?? []).map((tool) => tool.function.name).sort()

async function openCodeWith(stage) {
  const log = path.join(stage.folder, "hooks.jsonl")
  fs.writeFileSync(log, "")
  const openCode = await stage.openCode({ MECHANISMS_LOG: log })
  openCode.hooks = () => fs.readFileSync(log, "utf8").trim().split("\n").filter(Boolean).map((line) => JSON.parse(line))
  return openCode
}

async function chat(stage) {
  const openCode = await openCodeWith(stage)
  const session = await openCode.session({ title: "chat" })
  await openCode.prompt(session, "hello")
  await openCode.stop()
  return stage.model.requests.at(-1)
}

test("tools that one pattern denies and hidden agents leave a plain chat's request as it was", async (t) => {
  const stage = await Stage.make(t, { plugins: [] })
  const without = await chat(stage)
  stage.configure({ ...stage.baseConfig(), plugin: [fixture] })
  const within = await chat(stage)
  assert.ok(!toolsOf(within).includes("muster_shell"))
  assertSameText(within.raw, without.raw)
})

test("an agent gets muster_shell in place of bash and task, and its call reaches the plugin", async (t) => {
  const model = (body) =>
    body.messages.at(-1).role === "tool" ? { text: "done" } : { toolCalls: [{ name: "muster_shell", arguments: { command: "make" } }] }
  const stage = await Stage.make(t, { plugins: [fixture], model })
  const openCode = await openCodeWith(stage)
  const session = await openCode.session({ title: "muster: worker" })
  const answer = await openCode.prompt(session, "work", { agent: "muster_worker" })
  assert.equal(textOf(answer), "done")
  assert.deepEqual(toolsOf(stage.model.requests[0]), ["muster_shell", "read"])
  assert.deepEqual(openCode.hooks().filter((it) => it.hook === "tool"), [{ hook: "tool", args: { command: "make" }, agent: "muster_worker" }])
  assert.match(JSON.stringify(stage.model.requests[1].body.messages.at(-1)), /ran make/)
})

test("of a command the first that is heard, and once, is command.execute.before", async (t) => {
  const stage = await Stage.make(t, { plugins: [fixture] })
  const openCode = await openCodeWith(stage)
  const session = await openCode.session({ title: "chat" })
  await openCode.command(session, "begin", "it")
  await until("the event", () => openCode.hooks().some((it) => it.hook === "command.executed"))
  const hooks = openCode.hooks().map((it) => it.hook)
  assert.deepEqual(hooks.filter((it) => it !== "session.idle"), ["command.execute.before", "chat.message", "command.executed"])
  // The event comes after the model's answer: too late to decide about it.
  assert.ok(hooks.indexOf("command.executed") > hooks.indexOf("session.idle"))
})
