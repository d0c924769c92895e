// Missions whose agents' sessions run in the real OpenCode: children of the session where /task was
// typed, asked through OpenCode's own provider.

import assert from "node:assert/strict"
import fs from "node:fs"
import test from "node:test"

import { asking, fault, hosted, polite, sealed, slow, told, working } from "./support/mission.mjs"
import { enginePid, musterBinary, openCodeBinary, serverPid, textOf, until } from "./support/stage.mjs"

const children = (openCode, session) => openCode.get(`/session/${session.id}/children`)
const worker = async (openCode, session) =>
  until("the worker's session", async () => (await children(openCode, session)).find((it) => it.title === "muster: worker · M1.T1"))

const headless = (stage) =>
  stage.start(musterBinary, ["run", "Be polite", "--host", "opencode", "--model", "scripted/m1", "--json"], {
    MUSTER_OPENCODE_BINARY: openCodeBinary,
  })

async function begin(stage) {
  const openCode = await stage.openCode()
  await openCode.watch()
  const session = await openCode.session({ title: "chat" })
  assert.match(textOf(await openCode.command(session, "task", "Be polite")), /^Mission \S+ has started: Be polite/)
  return { openCode, session }
}

test("a mission runs in sessions of OpenCode and is sealed; no call too many, and all tokens are counted", async (t) => {
  const stage = await hosted(t, polite)
  const { openCode, session } = await begin(stage)
  await sealed(openCode, session)
  assert.equal(stage.read("greet.sh"), 'echo "good day, $1"\n')
  const titles = (await children(openCode, session)).map((it) => it.title).sort()
  assert.deepEqual(titles, ["muster: commander", "muster: master_reviewer", "muster: reviewer · M1.T1", "muster: worker · M1.T1"])

  const stats = await stage.modelStats()
  assert.equal(stats.calls, 5) // triage, two of the worker's, two verdicts
  const report = JSON.parse(stage.muster("report", "--json"))
  const spent = Object.values(report.tokens.by_role)
  assert.equal(spent.reduce((sum, it) => sum + it.input + it.output, 0), stats.tokens.prompt + stats.tokens.completion)
  assert.deepEqual(await openCode.get("/session/status"), {})
})

test("a question is asked in the user's session and answered there; it holds no slot and no model call", async (t) => {
  const stage = await hosted(t, asking)
  const { openCode, session } = await begin(stage)
  await until("the question", async () => (await told(openCode, session, "muster needs you"))[0])
  assert.match(textOf(await openCode.command(session, "answer", "a formal one")), /answer to Q1/)
  await sealed(openCode, session)
})

test("/stop ends all of its sessions within a second, and none of them calls its model any more", async (t) => {
  const stage = await hosted(t, slow(600_000))
  const { openCode, session } = await begin(stage)
  await working(openCode, session)
  await until("the call", async () => (await stage.modelStats()).in_flight === 1)
  const asked = Date.now()
  assert.match(textOf(await openCode.command(session, "stop")), /^Mission \S+ ends/)
  await until("the end of its sessions", async () => Object.keys(await openCode.get("/session/status")).length === 0)
  const ended = Date.now() - asked
  assert.ok(ended < 1000, `its sessions ended after ${ended} ms`)
  await until("its end", async () => (await told(openCode, session, "STOPPED"))[0])
  t.diagnostic(`stopped and told after ${Date.now() - asked} ms`)
  await until("the end of the call", async () => (await stage.modelStats()).in_flight === 0)
  assert.equal(stage.read("greet.sh"), 'echo "hello, $1"\n')
})

test("kill -9 of the engine: its sessions are ended, others go on in their place, and the mission is sealed", async (t) => {
  const stage = await hosted(t, slow(600_000))
  const { openCode, session } = await begin(stage)
  await worker(openCode, session)
  await until("the call", async () => (await stage.modelStats()).in_flight === 1)
  process.kill(enginePid(stage), "SIGKILL")
  await sealed(openCode, session)
  assert.equal(openCode.toasts().filter((toast) => /went away/.test(toast.message)).length, 1)
  assert.deepEqual(await openCode.get("/session/status"), {})
})

test("kill -9 of the engine, and a command before it is started again: the mission goes on all the same", async (t) => {
  const stage = await hosted(t, slow(600_000))
  const { openCode, session } = await begin(stage)
  await worker(openCode, session)
  await until("the call", async () => (await stage.modelStats()).in_flight === 1)
  process.kill(enginePid(stage), "SIGKILL")
  await until("the word of it", () => openCode.toasts().some((toast) => /went away/.test(toast.message)))
  await openCode.command(session, "status")
  await sealed(openCode, session)
})

test("kill -9 of OpenCode: the next one goes on with the mission, in new sessions", async (t) => {
  const stage = await hosted(t, slow(600_000))
  const { openCode, session } = await begin(stage)
  await worker(openCode, session)
  await until("the call", async () => (await stage.modelStats()).in_flight === 1)
  const engine = enginePid(stage)
  await openCode.stop("SIGKILL")
  await until("the engine's end", () => !fs.existsSync(`/proc/${engine}`))
  const second = await stage.openCode()
  assert.match(textOf(await second.command(session, "task", "")), /goes on/)
  await sealed(second, session)
})

for (const [name, what] of Object.entries({
  "a 429 with Retry-After": { kind: "status", status: 429, headers: { "retry-after": "1" }, body: "Too Many Requests" },
  "an answer that breaks off without a reason, again and again": { kind: "no_finish" },
  "a call that hangs": { kind: "hang_mid_stream" },
}))
  test(`${name} costs a retry and no mission`, async (t) => {
    const stage = await hosted(t, fault(what), { muster: { timeouts: { model_idle_ms: 3000 } } })
    const { openCode, session } = await begin(stage)
    await sealed(openCode, session)
    const stats = await stage.modelStats()
    t.diagnostic(`${stats.calls} calls`)
    assert.ok(stats.calls < 20)
  })

test("what a person writes into an agent's session reaches its model once, and the mission knows of it", async (t) => {
  const stage = await hosted(t, slow(3000))
  const { openCode, session } = await begin(stage)
  const agent = await worker(openCode, session)
  await until("the call", async () => (await stage.modelStats()).in_flight === 1)
  await openCode.post(`/session/${agent.id}/prompt_async`, { parts: [{ type: "text", text: "mind the comma" }], agent: "muster-worker" })
  await sealed(openCode, session)
  const words = (await openCode.messages(agent)).flatMap((it) => it.parts).filter((part) => part.text === "mind the comma")
  assert.equal(words.length, 1)
})

test("two projects in one server: each has its own engine, sessions and files", async (t) => {
  const stage = await hosted(t, polite)
  const other = stage.otherProject("other")
  const openCode = await stage.openCode()
  const sessions = await Promise.all([stage.project, other].map((folder) => openCode.session({ title: "chat" }, folder)))
  await Promise.all(sessions.map((it, i) => openCode.post(`/session/${it.id}/command`, { command: "task", arguments: "Be polite" }, [stage.project, other][i])))
  for (const [i, folder] of [stage.project, other].entries()) {
    await until("the summary", async () => JSON.stringify(await openCode.get(`/session/${sessions[i].id}/message`, folder)).includes("SEALED"))
    assert.equal(fs.readFileSync(`${folder}/greet.sh`, "utf8"), 'echo "good day, $1"\n')
    const made = await openCode.get(`/session/${sessions[i].id}/children`, folder)
    assert.equal(made.length, 4)
    for (const child of made) assert.equal(child.directory, folder)
  }
})

test("muster run --host opencode: a server of its own, without a person", async (t) => {
  const stage = await hosted(t, polite)
  const run = headless(stage)
  await until("its end", () => run.exitCode !== null)
  assert.equal(run.exitCode, 0, run.said)
  assert.equal(stage.read("greet.sh"), 'echo "good day, $1"\n')
  assert.equal((await stage.modelStats()).calls, 5)
})

test("kill -9 of the server of muster run: another one is started, and the mission is sealed", async (t) => {
  const stage = await hosted(t, slow(600_000))
  const run = headless(stage)
  await until("the call", async () => (await stage.modelStats()).calls > 1 && (await stage.modelStats()).in_flight === 1)
  const server = serverPid(stage)
  assert.ok(server > 0, "its server is there") // 0 would be this test's own processes
  process.kill(server, "SIGKILL")
  await until("its end", () => run.exitCode !== null)
  assert.equal(run.exitCode, 0, run.said)
  assert.match(run.said, /opencode serve: it ended/)
  assert.equal(stage.read("greet.sh"), 'echo "good day, $1"\n')
})

test("muster run with the address of a server", async (t) => {
  const stage = await hosted(t, polite)
  const openCode = await stage.openCode({ OPENCODE_SERVER_PASSWORD: "secret", MUSTER_OPENCODE_HOST: "1" })
  const environment = { MUSTER_OPENCODE_URL: openCode.url, MUSTER_HOST: "opencode" }
  const refused = stage.start(musterBinary, ["run", "Be polite", "--json"], environment)
  await until("its end", () => refused.exitCode !== null)
  assert.match(refused.said, /OpenCode refuses the password/)
  const run = stage.start(musterBinary, ["run", "Be polite", "--json"], { ...environment, OPENCODE_SERVER_PASSWORD: "secret" })
  await until("its end", () => run.exitCode !== null)
  assert.equal(run.exitCode, 0, run.said)
  assert.equal(openCode.child.exitCode, null, "the server is not ours to end")
})
