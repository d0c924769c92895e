// An ask for a permission in a session of a mission is answered at once, by no: nobody is there to answer it, and
// muster's own tools need none.

import assert from "node:assert/strict"
import test from "node:test"

import { musterAgents } from "../../benchmarks/peers/model.mjs"
import { sealed } from "./support/mission.mjs"
import { Stage } from "./support/stage.mjs"

test("OpenCode asks whether the same call may be made again: refused, and the mission goes on to its seal", async (t) => {
  const agents = musterAgents(1)
  let calls = 0
  const model = (body) => {
    const isWorker = JSON.stringify(body.messages).includes("[muster agent=worker")
    if (!isWorker) return agents(body)
    calls += 1
    if (calls <= 3) return { toolCalls: [{ name: "muster_glob", arguments: { pattern: "*" } }] }
    if (calls === 4) return { toolCalls: [{ name: "muster_write", arguments: { path: "parts/p1.txt", content: "Part 1\n" } }] }
    return { toolCalls: [{ name: "muster_submit_result", arguments: { summary: "written", changed_files: ["parts/p1.txt"] } }] }
  }
  // What a user's own rules may make of an agent of muster's.
  const agent = { "muster-worker": { mode: "primary", hidden: true, prompt: "You work for muster.", permission: { "*": "deny", "muster_*": "allow", doom_loop: "ask" } } }
  const stage = await Stage.make(t, { model, config: { agent } })
  const openCode = await stage.openCode()
  await openCode.watch()
  const session = await openCode.session({ title: "chat" })
  await openCode.command(session, "task", "Write the parts")
  const asked = await openCode.event("permission.asked")
  assert.equal(asked.properties.permission, "doom_loop")
  const replied = await openCode.event("permission.replied")
  assert.equal(replied.properties.reply, "reject")
  await sealed(openCode, session)
  assert.deepEqual(await openCode.get("/permission"), [])
})
