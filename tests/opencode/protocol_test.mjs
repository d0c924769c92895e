// The methods between the plugin and the engine (docs/opencode.md), spoken by hand.

import assert from "node:assert/strict"
import { once } from "node:events"
import test from "node:test"

import { asking, polite, slow, withMission } from "./support/mission.mjs"
import { musterBinary, Stage, until } from "./support/stage.mjs"

/// A client of `muster serve --stdio`.
class Peer {
  constructor(stage) {
    this.child = stage.start(musterBinary, ["serve", "--stdio", "--workspace", stage.project])
    this.notes = []
    this.answers = new Map()
    this.next = 1
    let rest = ""
    this.child.stdout.on("data", (bytes) => {
      const lines = (rest + bytes).split("\n")
      rest = lines.pop()
      for (const line of lines) this.take(JSON.parse(line))
    })
  }
  take(message) {
    if (message.method) this.notes.push({ ...message, at: performance.now() })
    else this.answers.set(message.id, message)
  }
  async call(method, params) {
    const id = this.next++
    this.child.stdin.write(JSON.stringify({ jsonrpc: "2.0", id, method, params }) + "\n")
    return until(`the answer to ${method}`, () => this.answers.get(id))
  }
  async greet(more = {}) {
    await this.call("initialize", { protocol_version: 1 })
    return (await this.call("opencode.hello", { protocol: 1, pid: process.pid, directory: "/", ...more })).result
  }
  async command(name, args = "") {
    return (await this.call("opencode.command", { name, arguments: args, session: "ses_1" })).result
  }
  told(method, wanted = () => true) {
    return this.notes.filter((note) => note.method === method && wanted(note.params))
  }
  async end() {
    const ended = once(this.child, "exit")
    this.child.stdin.end()
    await ended
  }
}

test("hello comes first and names the protocol", async (t) => {
  const stage = await Stage.make(t)
  const peer = new Peer(stage)
  await peer.call("initialize", { protocol_version: 1 })
  assert.match((await peer.call("opencode.command", { name: "status", session: "s" })).error.message, /hello must come first/)
  assert.match((await peer.call("opencode.hello", { protocol: 2, pid: 1 })).error.message, /version 1/)
  assert.equal((await peer.call("opencode.hello", { protocol: 1 })).error.code, -32602)
  const hello = await peer.greet()
  assert.deepEqual([hello.protocol, hello.workspace, hello.at_work, hello.mission], [1, stage.project, false, ""])
  assert.equal((await peer.call("opencode.command", { name: "status" })).error.code, -32602)
  assert.deepEqual(await peer.command("dance"), { ok: false, text: "muster: no command 'dance'", mission: "", at_work: false })
  await peer.end()
})

test("the end is told until somebody has said it, and toasts come two seconds apart", async (t) => {
  const stage = await Stage.make(t)
  await withMission(stage, polite)
  const peer = new Peer(stage)
  await peer.greet()
  const started = await peer.command("task", "Be polite")
  assert.ok(started.ok && started.at_work)
  const [first] = await until("the end", () => peer.told("opencode.say").length > 0 && peer.told("opencode.say"))
  assert.equal(first.params.session, "ses_1")
  assert.ok(first.params.ended)
  assert.equal(first.params.id.split("/")[0], started.mission)
  await peer.call("opencode.said", { id: first.params.id, ok: false })
  const [, second] = await until("the end again", () => peer.told("opencode.say").length > 1 && peer.told("opencode.say"))
  assert.equal(second.params.id, first.params.id)
  await peer.call("opencode.said", { id: first.params.id, ok: true })

  await until("the last toast", () => peer.told("opencode.toast", (it) => it.message === "SEALED")[0])
  const toasts = peer.told("opencode.toast")
  assert.ok(toasts.length >= 2, "a toast for the beginning and one for the end")
  for (let i = 1; i < toasts.length; ++i) assert.ok(toasts[i].at - toasts[i - 1].at > 1900, "toasts come too fast")

  // It is on record: an engine that comes later does not tell it again.
  await peer.end()
  const later = new Peer(stage)
  await later.greet({ resume: started.mission })
  assert.match((await later.command("status")).text, /No mission is at work/)
  assert.equal(later.told("opencode.say").length, 0)
  await later.end()
})

test("an end that nobody has said is told by the next engine, in the same session", async (t) => {
  const stage = await Stage.make(t)
  await withMission(stage, polite)
  const peer = new Peer(stage)
  await peer.greet()
  const { mission } = await peer.command("task", "Be polite")
  const [told] = await until("the end", () => peer.told("opencode.say").length > 0 && peer.told("opencode.say"))
  peer.child.kill("SIGKILL")
  await once(peer.child, "exit")
  const later = new Peer(stage)
  await later.greet({ resume: mission })
  const [again] = await until("the end again", () => later.told("opencode.say").length > 0 && later.told("opencode.say"))
  assert.deepEqual([again.params.id, again.params.session, again.params.text], [told.params.id, "ses_1", told.params.text])
  await later.end()
})

test("every plugin of an engine learns whether a mission is at work; one of them is told its words", async (t) => {
  const stage = await Stage.make(t)
  await withMission(stage, asking)
  const one = new Peer(stage)
  await one.greet()
  const two = new Peer(stage)
  await two.greet()
  const { mission } = await two.command("task", "Be polite")
  // Who is refused does not become the one that is told.
  assert.match((await one.command("task", "Something else")).text, /is at work in this workspace/)
  await until("the state", () => one.told("opencode.state", (it) => it.mission === mission && it.at_work)[0])
  await until("the question", () => two.told("opencode.say", (it) => /Q1: Which greeting/.test(it.text))[0])
  await two.end()
  // Who asked is gone: the other one is told.
  await until("the question, elsewhere", () => one.told("opencode.say", (it) => /Q1/.test(it.text))[0])
  await one.command("answer", "a formal one")
  await until("the end", () => one.told("opencode.say", (it) => it.ended)[0])
  await one.end()
})

test("a mission whose engine has gone goes on, in the session that asks for it", async (t) => {
  const stage = await Stage.make(t)
  await withMission(stage, slow(600_000))
  const peer = new Peer(stage)
  await peer.greet()
  const { mission } = await peer.command("task", "Be polite")
  await until("a worker", async () => /worker/.test((await peer.command("status")).text))
  await peer.end()
  const later = new Peer(stage)
  assert.equal((await later.greet()).at_work, false)
  assert.match((await later.command("status")).text, /was interrupted/)
  assert.ok((await later.command("task")).at_work)
  const end = await until("the end", () => later.told("opencode.say", (it) => it.ended)[0])
  assert.equal(end.params.id.split("/")[0], mission)
  assert.match(end.params.text, /^SEALED/)
  assert.match((await later.command("cancel", "M9.T9")).text, /has ended|no task/)
  await later.end()
})
