// Deaths of the engine and of OpenCode in the middle of a mission.

import assert from "node:assert/strict"
import fs from "node:fs"
import test from "node:test"

import { sealed, slow, told, withMission, working } from "./support/mission.mjs"
import { enginePid, Stage, textOf, until } from "./support/stage.mjs"

test("kill -9 of the engine: it is started again, the mission goes on and is sealed, the user is told once", async (t) => {
  const stage = await Stage.make(t)
  await withMission(stage, slow(600_000))
  const openCode = await stage.openCode()
  await openCode.watch()
  const session = await openCode.session({ title: "chat" })
  await openCode.command(session, "task", "Be polite")
  await working(openCode, session)
  process.kill(enginePid(stage), "SIGKILL")
  const [summary] = await until("the summary", async () => {
    const found = await told(openCode, session, "SEALED")
    return found.length > 0 && found
  })
  assert.match(summary.text, /evidence  make test: \w+, exit 0, [0-9.]+ s, tree [0-9a-f]/)
  assert.equal(openCode.toasts().filter((toast) => /went away/.test(toast.message)).length, 1)
  assert.equal((await told(openCode, session, "SEALED")).length, 1)
  assert.equal(stage.model.requests.length, 0)
})

test("kill -9 of OpenCode: the engine ends by itself, and the next OpenCode goes on with the mission", async (t) => {
  const stage = await Stage.make(t)
  await withMission(stage, slow(600_000))
  const first = await stage.openCode()
  const session = await first.session({ title: "chat" })
  await first.command(session, "task", "Be polite")
  await working(first, session)
  const engine = enginePid(stage)
  await first.stop("SIGKILL")
  await until("the engine's end", () => !fs.existsSync(`/proc/${engine}`))

  const second = await stage.openCode()
  await second.watch()
  assert.match(textOf(await second.command(session, "status")), /was interrupted; \/task without words/)
  assert.match(textOf(await second.command(session, "task", "")), /goes on/)
  await sealed(second, session)
  assert.equal(stage.read("greet.sh"), 'echo "good day, $1"\n')
})

test("without the program the answer says so, and the chat goes on", async (t) => {
  const stage = await Stage.make(t)
  const openCode = await stage.openCode({ MUSTER_BIN: "/nonexistent/muster" })
  const session = await openCode.session({ title: "chat" })
  assert.match(textOf(await openCode.command(session, "status")), /muster does not start \(\/nonexistent\/muster\)/)
  assert.equal(textOf(await openCode.prompt(session, "hello")), "ok")
})
