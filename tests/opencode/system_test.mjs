// What muster says in the system prompts of its own sessions, and in no other's: who they work for and how the mission
// stands, the same bytes from one compaction to the next.

import assert from "node:assert/strict"
import test from "node:test"

import { musterAgents } from "../../benchmarks/peers/model.mjs"
import { sealed } from "./support/mission.mjs"
import { Stage, textOf } from "./support/stage.mjs"

const contentOf = (message) => (typeof message.content === "string" ? message.content : message.content.map((it) => it.text ?? "").join(""))
const systemOf = (request) => request.body.messages.filter((it) => it.role === "system").map(contentOf).join("\n")
const ours = /<muster-notice>This session works for mission \S+ as "(muster: [^"]+)"\. Mission \S+: Write the parts\..*<\/muster-notice>$/s

test("sessions of a mission know it by their system prompts, which stay the same; a chat's do not have it", async (t) => {
  const agents = musterAgents(2)
  const stage = await Stage.make(t, { model: (body) => agents(body) })
  const openCode = await stage.openCode()
  const session = await openCode.session({ title: "chat" })
  await openCode.command(session, "task", "Write the parts")
  await sealed(openCode, session)
  const sessions = new Map()
  for (const it of stage.model.requests) sessions.set(it.headers["x-session-id"], [...(sessions.get(it.headers["x-session-id"]) ?? []), it])
  assert.equal(sessions.size, 8, "triage, plan, 2 workers, 2 reviewers, master review, seal")
  for (const [id, requests] of sessions) {
    const [, title] = ours.exec(systemOf(requests[0])) ?? []
    assert.equal(title, (await openCode.get(`/session/${id}`)).title)
    for (const request of requests) assert.equal(systemOf(request), systemOf(requests[0]))
    const users = (await openCode.get(`/session/${id}/message`)).filter((it) => it.info.role === "user")
    for (const part of users.flatMap((it) => it.parts)) assert.equal(part.synthetic, true, "not a person's words")
  }
  await openCode.prompt(session, "thanks")
  assert.doesNotMatch(systemOf(stage.model.requests.at(-1)), /muster-notice/)
})

test("a compaction keeps what the session is for, and tells it how the mission stands now", async (t) => {
  const agents = musterAgents(1)
  const worker = []
  const model = async (body) => {
    const request = { body }
    if (!/as "muster: worker/.test(systemOf(request))) return /was given to do/.test(JSON.stringify(body.messages)) ? (worker.push(request), { text: "a summary" }) : agents(body)
    worker.push(request)
    const wrote = worker.filter((it) => it.body.tools?.length).length > 1
    if (!body.tools?.length) return { text: "a summary" }
    if (wrote) return { toolCalls: [{ name: "muster_submit_result", arguments: { summary: "written", changed_files: ["parts/p1.txt"] } }] }
    await new Promise((resolve) => setTimeout(resolve, 2500)) // the state of the mission is told once a second at most
    // More than the model takes: OpenCode compacts.
    const write = { name: "muster_write", arguments: { path: "parts/p1.txt", content: "Part 1\n" } }
    return { toolCalls: [write], usage: { prompt_tokens: 250_000, completion_tokens: 5, total_tokens: 250_005 } }
  }
  const stage = await Stage.make(t, { model })
  const openCode = await stage.openCode()
  const session = await openCode.session({ title: "chat" })
  await openCode.command(session, "task", "Write the parts")
  await sealed(openCode, session)
  assert.equal(worker.length, 3, "the work, the compaction, the rest of the work")
  assert.match(JSON.stringify(worker[1].body.messages), /What this session was given to do:.{0,20}\[muster agent=worker/)
  assert.match(systemOf(worker[2]), ours)
  assert.match(systemOf(worker[2]), /Tasks done: 0 of 1\./)
  const report = stage.muster("report")
  assert.doesNotMatch(report, /Continue if you have/)
  assert.equal(textOf(await openCode.prompt(session, "hello")), "ok")
})
