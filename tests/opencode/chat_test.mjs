// Who does not call muster does not notice it.

import assert from "node:assert/strict"
import fs from "node:fs"
import path from "node:path"
import test from "node:test"

import { assertSameText, pluginFile, Stage, textOf, until } from "./support/stage.mjs"

/// What OpenCode sends for a chat in a fresh session: the title's request and the answer's.
async function chatBodies(stage, extra = {}) {
  const openCode = await stage.openCode()
  const from = stage.model.requests.length
  const session = await openCode.session()
  const said = await openCode.prompt(session, "What is here?", extra)
  await until("both requests", () => stage.model.requests.length >= from + 2)
  await openCode.stop()
  return { said, bodies: stage.model.requests.slice(from).map((it) => it.raw).sort() }
}

test("a plain chat's requests are the same bytes with and without the plugin, and no engine starts", async (t) => {
  const stage = await Stage.make(t, { plugins: [] })
  const without = await chatBodies(stage)
  stage.configure({ ...stage.baseConfig(), plugin: [pluginFile] })
  const { said, bodies } = await chatBodies(stage)
  assert.equal(textOf(said), "ok")
  assert.equal(bodies.length, without.bodies.length)
  bodies.forEach((body, i) => assertSameText(body, without.bodies[i]))
  assert.ok(!fs.existsSync(path.join(stage.environment.XDG_STATE_HOME, "muster")), "an engine was started")
})

test("muster/local never becomes the model of a plain message", async (t) => {
  // Nothing names a model: OpenCode takes the first provider of the configuration.
  const stage = await Stage.make(t)
  const { model, small_model, provider, ...rest } = stage.baseConfig()
  stage.configure({ ...rest, provider, plugin: [pluginFile] })
  const openCode = await stage.openCode()
  const session = await openCode.session({ title: "chat" })
  assert.equal((await openCode.prompt(session, "hello")).info.providerID, "scripted")
  assert.match(textOf(await openCode.command(session, "status")), /No mission/)
  assert.equal((await openCode.prompt(session, "hello again")).info.providerID, "scripted")
  // As a front end does that took the model of the session's last message.
  const local = { providerID: "muster", modelID: "local" }
  assert.equal((await openCode.prompt(session, "and again", { model: local })).info.providerID, "scripted")
})

test("muster/local is no default for who has a provider by its key alone", async (t) => {
  const stage = await Stage.make(t)
  const { model, small_model, provider, enabled_providers, ...rest } = stage.baseConfig()
  stage.configure({ ...rest, disabled_providers: ["opencode"], plugin: [pluginFile] })
  // A provider of OpenCode's own list that is there by its key; nobody answers at its address.
  const openCode = await stage.openCode({ DEEPSEEK_API_KEY: "x", HTTPS_PROXY: "http://127.0.0.1:9", https_proxy: "http://127.0.0.1:9" })
  const store = async (session, more = {}) => {
    const parts = [{ type: "text", text: "hello" }]
    return (await openCode.post(`/session/${session.id}/message`, { noReply: true, parts, ...more })).info.model
  }
  const usual = await store(await openCode.session({ title: "chat" }))
  assert.equal(usual.providerID, "deepseek")
  // As a front end does that took the model of a command, the first message of all.
  const session = await openCode.session({ title: "chat" })
  await openCode.command(session, "status", "", { model: `deepseek/${usual.modelID}` })
  assert.deepEqual(await store(session, { model: { providerID: "muster", modelID: "local" } }), usual)
})

test("the user's own commands, provider and the built-in ones stay as they are", async (t) => {
  const own = { template: "my own task: $ARGUMENTS", description: "mine" }
  const stage = await Stage.make(t, { config: { command: { task: own } } })
  stage.writeAt(path.join(stage.environment.XDG_CONFIG_HOME, "opencode/command/stop.md"), "---\ndescription: mine too\n---\nmy own stop\n")
  const openCode = await stage.openCode()
  const commands = Object.fromEntries((await openCode.get("/command")).map((it) => [it.name, it]))
  assert.equal(commands.task.template, own.template)
  assert.equal(commands.stop.template.trim(), "my own stop")
  assert.match(commands.review.description, /^review changes/)
  for (const name of ["muster-task", "muster-stop", "muster-review", "muster-status", "muster-agents", "status", "auto", "plan", "fix", "search", "cancel", "agents", "answer"])
    assert.match(commands[name]?.description ?? "", /^muster: /, name)
  const session = await openCode.session({ title: "chat" })
  await openCode.command(session, "task", "of mine")
  assert.match(JSON.stringify(stage.model.requests.at(-1).body.messages), /my own task: of mine/)
  const agents = await openCode.command(session, "agents")
  assert.match(textOf(agents), /commander/)
  assert.equal(stage.model.requests.length, 1)
})

test("the first message may be a command: its words become the title, and no model is asked for one", async (t) => {
  const stage = await Stage.make(t)
  const openCode = await stage.openCode()
  const session = await openCode.session()
  await openCode.command(session, "plan", "")
  assert.equal((await openCode.get(`/session/${session.id}`)).title, "/plan")
  await openCode.prompt(session, "hello")
  assert.equal(stage.model.requests.length, 1)
})
