// /task and its kin in a real OpenCode, answered without a call to the user's provider.

import assert from "node:assert/strict"
import path from "node:path"
import test from "node:test"

import { asking, polite, sealed, slow, told, withMission, working } from "./support/mission.mjs"
import { pluginFile, sourceDir, Stage, textOf, until } from "./support/stage.mjs"

test("/task runs a mission to its seal and tells its end in the session", async (t) => {
  const stage = await Stage.make(t)
  await withMission(stage, polite)
  const openCode = await stage.openCode()
  await openCode.watch()
  const session = await openCode.session()

  const status = await openCode.command(session, "status")
  assert.match(textOf(status), /No mission is at work here/)
  assert.equal(status.info.providerID, "muster")

  const started = await openCode.command(session, "task", "Be polite")
  assert.match(textOf(started), /^Mission \S+ has started: Be polite/)
  const summary = await sealed(openCode, session)
  assert.match(summary.text, /evidence  make test: \w+, exit 0, [0-9.]+ s, tree [0-9a-f]/)
  assert.equal(stage.read("greet.sh"), 'echo "good day, $1"\n')

  await openCode.event("tui.toast.show", (toast) => toast.message === "SEALED" && toast.variant === "success")
  assert.equal(stage.model.requests.length, 0, "the user's provider was asked")

  // A second mission in the same engine, and a summary for each.
  const again = await openCode.command(session, "task", "Be polite again")
  assert.match(textOf(again), /has started/)
  await until("the end", async () => (await told(openCode, session, "SEALED")).length + (await told(openCode, session, "FAILED")).length === 2)

  // What follows is between the user and their own model, and that model knows the summary only.
  const plain = await openCode.prompt(session, "thanks")
  assert.equal(plain.info.providerID, "scripted")
  const words = JSON.stringify(stage.model.requests.at(-1).body.messages)
  assert.match(words, /SEALED/)
  assert.doesNotMatch(words, /has started|No mission is at work|\/status/)
})

test("a question reaches the session, /answer reaches the agent", async (t) => {
  const stage = await Stage.make(t)
  await withMission(stage, asking)
  const openCode = await stage.openCode()
  await openCode.watch()
  const session = await openCode.session()
  await openCode.command(session, "task", "Be polite")
  const question = await until("the question", async () => (await told(openCode, session, "muster needs you"))[0])
  assert.match(question.text, /Q1: .*Which greeting\?/)
  assert.match(textOf(await openCode.command(session, "status")), /M1\.T1/)
  assert.match(textOf(await openCode.command(session, "answer", "")), /usage: \/answer/)
  assert.match(textOf(await openCode.command(session, "answer", "a formal one")), /answer to Q1/)
  await sealed(openCode, session)
  assert.equal((await told(openCode, session, "muster needs you")).length, 1)
  assert.equal(stage.model.requests.length, 0)
})

test("/stop ends a mission, and its end is told at once", async (t) => {
  const stage = await Stage.make(t)
  await withMission(stage, slow(600_000))
  const openCode = await stage.openCode()
  await openCode.watch()
  const session = await openCode.session()
  await openCode.command(session, "task", "Be polite")
  await working(openCode, session)
  const conflict = await openCode.command(session, "task", "Something else")
  assert.match(textOf(conflict), /is at work in this workspace/)

  const asked = Date.now()
  const stopped = await openCode.command(session, "stop")
  assert.match(textOf(stopped), /^Mission \S+ ends/)
  await until("its end", async () => (await told(openCode, session, "STOPPED"))[0])
  const took = Date.now() - asked
  t.diagnostic(`stopped and told after ${took} ms`)
  assert.equal(stage.read("greet.sh"), 'echo "hello, $1"\n')
  assert.match(textOf(await openCode.command(session, "stop")), /has ended|no mission/)

  await openCode.event("tui.toast.show", (toast) => /stopped/.test(toast.message))
  assert.equal(stage.model.requests.length, 0)
})

test("the end that comes while /stop waits to be answered is told after the answer, not in its place", async (t) => {
  // Another plugin of the user's holds the message of /stop back; its mission ends meanwhile.
  const slowPlugin = path.join(sourceDir, "tests/opencode/fixtures/slow_stop.js")
  const stage = await Stage.make(t, { plugins: [pluginFile, slowPlugin] })
  await withMission(stage, slow(600_000))
  const openCode = await stage.openCode()
  const session = await openCode.session()
  await openCode.command(session, "task", "Be polite")
  await working(openCode, session)
  assert.match(textOf(await openCode.command(session, "stop")), /^Mission \S+ ends/)
  await until("its end", async () => (await told(openCode, session, "STOPPED"))[0])
  assert.equal(stage.model.requests.length, 0, "the user's provider was asked")
})

test("with agents in the engine and without a model a mission does not start, and the answer says what to do", async (t) => {
  const stage = await Stage.make(t)
  stage.writeAt(path.join(stage.environment.XDG_CONFIG_HOME, "muster/config.json"), '{"host": "direct"}')
  const openCode = await stage.openCode()
  const session = await openCode.session()
  assert.match(textOf(await openCode.command(session, "task", "Be polite")), /No model is set/)
})

test("in a session that is at work a command is answered by a toast and does not disturb the turn", async (t) => {
  let release
  const held = new Promise((resolve) => (release = resolve))
  const stage = await Stage.make(t, { model: async () => (await held, { text: "at last" }) })
  const openCode = await stage.openCode()
  await openCode.watch()
  const session = await openCode.session({ title: "chat" })
  const answer = openCode.prompt(session, "think long")
  await openCode.event("session.status", (it) => it.status.type === "busy")
  await until("the call", () => stage.model.requests.length === 1)
  await assert.rejects(openCode.command(session, "status"))
  await openCode.event("tui.toast.show", (toast) => /No mission is at work/.test(toast.message))
  release()
  assert.equal(textOf(await answer), "at last")
  assert.equal((await openCode.messages(session)).length, 2)
  assert.equal(stage.model.requests.length, 1)
})
