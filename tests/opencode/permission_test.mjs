// An ask for a permission in a session of a mission is answered at once, by no: nobody is there to answer it, and
// muster's own tools need none.

import assert from "node:assert/strict"
import path from "node:path"
import test from "node:test"

import { musterAgents } from "../../benchmarks/peers/model.mjs"
import { sealed } from "./support/mission.mjs"
import { sourceDir, Stage } from "./support/stage.mjs"

test("a permission that is asked for is refused, and the mission goes on to its seal", async (t) => {
  const agents = musterAgents(1)
  let writes = 0
  const model = (body) => {
    if (!JSON.stringify(body.messages).includes("[muster agent=worker")) return agents(body)
    writes += 1
    if (writes <= 2) return { toolCalls: [{ name: "muster_write", arguments: { path: "parts/p1.txt", content: "Part 1\n" } }] }
    return { toolCalls: [{ name: "muster_submit_result", arguments: { summary: "written", changed_files: ["parts/p1.txt"] } }] }
  }
  // What a user's own rules may make of an agent of muster's.
  const permission = { "*": "deny", "muster_*": "allow", probe: "ask" }
  const agent = { "muster-worker": { mode: "primary", hidden: true, prompt: "You work for muster.", permission } }
  const plugins = [path.join(sourceDir, "tests/opencode/fixtures/deaf_client.ts")]
  const stage = await Stage.make(t, { model, plugins, config: { agent } })
  const openCode = await stage.openCode({ ASK_FOR: "probe", HOOKS_LOG: path.join(stage.folder, "hooks.jsonl") })
  await openCode.watch()
  const session = await openCode.session({ title: "chat" })
  await openCode.command(session, "task", "Write the parts")
  const asked = await openCode.event("permission.asked")
  assert.equal(asked.properties.permission, "probe")
  const replied = await openCode.event("permission.replied")
  assert.equal(replied.properties.reply, "reject")
  await sealed(openCode, session)
  assert.deepEqual(await openCode.get("/permission"), [])
})
