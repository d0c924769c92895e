// A new user's first minutes: install into an empty home, start OpenCode, /task, SEALED.

import assert from "node:assert/strict"
import fs from "node:fs"
import path from "node:path"
import test from "node:test"

import { polite, told, withMission } from "./support/mission.mjs"
import { Stage, textOf, until } from "./support/stage.mjs"

test("after muster install opencode a real OpenCode has /task, after uninstall it has not", async (t) => {
  const stage = await Stage.make(t, { plugins: [] })
  await withMission(stage, polite)
  const file = path.join(stage.environment.XDG_CONFIG_HOME, "opencode/opencode.json")
  const commented = `// mine\n${JSON.stringify(stage.baseConfig(), null, 2)}\n`
  fs.writeFileSync(file, commented)
  delete stage.environment.MUSTER_BIN
  assert.match(stage.muster("install", "opencode"), /^registered in .*opencode\.json\nRestart OpenCode/)
  assert.match(stage.muster("install", "opencode"), /^already in /)
  const openCode = await stage.openCode()
  const session = await openCode.session()
  assert.match(textOf(await openCode.command(session, "task", "Be polite")), /has started/)
  await until("the summary", async () => (await told(openCode, session, "SEALED"))[0])
  await openCode.stop()

  assert.match(stage.muster("uninstall", "opencode"), /^removed from /)
  assert.match(stage.muster("uninstall", "opencode"), /^not in /)
  assert.equal(fs.readFileSync(file, "utf8"), commented)
  const after = await stage.openCode()
  assert.ok(!(await after.get("/command")).some((it) => it.name === "task"))
})
