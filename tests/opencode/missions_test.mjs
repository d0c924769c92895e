// Mission after mission in one OpenCode, with parallel workers: all of them are sealed, whatever the
// model's latency. $MUSTER_OPENCODE_MISSIONS: how many at each latency (5); $MUSTER_OPENCODE_LATENCIES: which, in
// ms (0,300); $MUSTER_OPENCODE_TASKS: workers of the big one (0: none).

import assert from "node:assert/strict"
import test from "node:test"

import { hosted, parts, told } from "./support/mission.mjs"
import { until } from "./support/stage.mjs"

const missions = Number(process.env.MUSTER_OPENCODE_MISSIONS ?? 5)
const latencies = (process.env.MUSTER_OPENCODE_LATENCIES ?? "0,300").split(",").map(Number)
const big = Number(process.env.MUSTER_OPENCODE_TASKS ?? 0)

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]

/// Runs one mission to its end, which is to be its seal, and puts the project back; ms from the command's acceptance.
async function mission(stage, openCode, base) {
  const session = await openCode.session({ title: "chat" })
  const begun = performance.now()
  await openCode.command(session, "task", "Write the parts")
  const [end] = await until("the end", async () => {
    const ends = [...(await told(openCode, session, "SEALED")), ...(await told(openCode, session, "FAILED"))]
    return ends.length > 0 && ends
  })
  const took = performance.now() - begun
  assert.match(end.text, /^SEALED/)
  const sessions = await openCode.get(`/session/${session.id}/children`)
  stage.git("reset", "-q", "--hard", base)
  return { took, sessions: sessions.length }
}

for (const latency of latencies)
  test(`${missions} missions at ${latency} ms`, async (t) => {
    const stage = await hosted(t, parts(4, latency))
    const base = stage.git("rev-parse", "HEAD").trim()
    const openCode = await stage.openCode()
    const runs = []
    for (let i = 0; i < missions; ++i) runs.push(await mission(stage, openCode, base))
    const took = runs.map((it) => it.took)
    t.diagnostic(`sealed ${runs.length} of ${missions}; ${Math.round(median(took))} ms (${Math.round(Math.min(...took))} to ${Math.round(Math.max(...took))})`)
    assert.deepEqual(await openCode.get("/session/status"), {})
  })

test("a big mission", { skip: big === 0 }, async (t) => {
  const stage = await hosted(t, parts(big, 300), { muster: { limits: { workers: big } } })
  const openCode = await stage.openCode()
  const { took, sessions } = await mission(stage, openCode, "HEAD")
  t.diagnostic(`${sessions} sessions in ${Math.round(took)} ms`)
  assert.ok(sessions >= 2 * big)
})
