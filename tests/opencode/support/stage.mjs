// A user's machine in a folder: a home, a project, OpenCode's own provider behind a recording model,
// and a real `opencode serve`. Everything is on 127.0.0.1; what a stage started ends with it, by pid.

import net from "node:net"
import { spawn, execFileSync } from "node:child_process"
import { once } from "node:events"
import fs from "node:fs"
import os from "node:os"
import path from "node:path"

import { startModel } from "./model.mjs"

/// Set by CMake (cmake/MusterTargets.cmake).
export const musterBinary = process.env.MUSTER_BINARY
export const openCodeBinary = process.env.MUSTER_OPENCODE_BINARY
export const sourceDir = process.env.MUSTER_SOURCE_DIR
export const pluginFile = path.join(sourceDir, "adapters/opencode/plugin/index.ts")

for (const [name, file] of Object.entries({ MUSTER_BINARY: musterBinary, MUSTER_OPENCODE_BINARY: openCodeBinary }))
  if (!fs.existsSync(file ?? "")) throw new Error(`${name} names no program; ctest sets it, and scripts/setup --tests brings OpenCode here`)

/// Only a broken program takes this long.
export const patience = 120_000

/// Waits until `probe` returns something true. It asks again and again: what it asks are other programs.
export async function until(what, probe, limit = patience) {
  const end = Date.now() + limit
  for (;;) {
    const found = await probe()
    if (found) return found
    if (Date.now() > end) throw new Error(`waited ${limit} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function endProcess(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, "exit")
  child.kill("SIGTERM")
  const forced = setTimeout(() => child.kill("SIGKILL"), 5000)
  await ended
  clearTimeout(forced)
}

export class Stage {
  /// `model`: (request body) -> {text?, toolCalls?} of OpenCode's own provider.
  static async make(t, { model, config = {}, plugins = [pluginFile] } = {}) {
    const stage = new Stage()
    stage.folder = fs.mkdtempSync(path.join(os.tmpdir(), "muster-opencode-"))
    for (const name of ["home", "tmp", "project"]) fs.mkdirSync(path.join(stage.folder, name))
    stage.project = fs.realpathSync(path.join(stage.folder, "project"))
    stage.children = []
    stage.model = await startModel(model)
    t.after(() => stage.close())
    stage.environment = stage.makeEnvironment()
    stage.git("init", "-q")
    stage.write("README.md", "A project.\n")
    stage.git("add", "-A")
    stage.git("commit", "-q", "-m", "first")
    stage.configure({ ...stage.baseConfig(), plugin: plugins, ...config })
    return stage
  }

  makeEnvironment() {
    const home = path.join(this.folder, "home")
    const out = {
      PATH: process.env.PATH,
      LANG: "C.UTF-8",
      HOME: home,
      TMPDIR: path.join(this.folder, "tmp"),
      XDG_CONFIG_HOME: path.join(home, ".config"),
      XDG_STATE_HOME: path.join(home, ".local/state"),
      XDG_DATA_HOME: path.join(home, ".local/share"),
      XDG_CACHE_HOME: path.join(home, ".cache"),
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "Ada",
      GIT_AUTHOR_EMAIL: "ada@localhost",
      GIT_COMMITTER_NAME: "Ada",
      GIT_COMMITTER_EMAIL: "ada@localhost",
      MUSTER_BIN: musterBinary,
      npm_config_offline: "true",
    }
    for (const name of ["AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "SHARE", "EXTERNAL_SKILLS", "CLAUDE_CODE"])
      out[`OPENCODE_DISABLE_${name}`] = "1"
    for (const name of ["ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"])
      if (process.env[name]) out[name] = process.env[name]
    return out
  }

  baseConfig() {
    return {
      $schema: "https://opencode.ai/config.json",
      model: "scripted/m1",
      small_model: "scripted/m1",
      enabled_providers: ["scripted"],
      autoupdate: false,
      share: "disabled",
      snapshot: false,
      provider: {
        scripted: {
          npm: "@ai-sdk/openai-compatible",
          options: { baseURL: this.model.url, apiKey: "x" },
          models: { m1: { limit: { context: 200000, output: 8000 } } },
        },
      },
    }
  }

  /// The user's opencode.json.
  configure(config) {
    this.writeAt(path.join(this.environment.XDG_CONFIG_HOME, "opencode/opencode.json"), JSON.stringify(config, null, 2))
  }

  writeAt(file, content) {
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, content)
  }
  write(name, content) {
    this.writeAt(path.join(this.project, name), content)
  }
  read(name) {
    return fs.readFileSync(path.join(this.project, name), "utf8")
  }
  git(...args) {
    return execFileSync("git", args, { cwd: this.project, env: this.environment, encoding: "utf8" })
  }
  muster(...args) {
    return execFileSync(musterBinary, args, { cwd: this.project, env: this.environment, encoding: "utf8" })
  }

  /// A child whose output is kept; ended with the stage.
  start(program, args, extra = {}) {
    const child = spawn(program, args, { cwd: this.project, env: { ...this.environment, ...extra }, stdio: ["pipe", "pipe", "pipe"] })
    child.said = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => (child.said += bytes))
    this.children.push(child)
    return child
  }

  async openCode(extra = {}) {
    const port = String(await freePort())
    const child = this.start(openCodeBinary, ["serve", "--port", port, "--hostname", "127.0.0.1"], extra)
    const line = await until("opencode serve", () => {
      if (child.exitCode !== null) throw new Error(`opencode ended: ${child.said}`)
      return /listening on (http:\/\/\S+)/.exec(child.said)
    })
    return new OpenCode(this, child, line[1])
  }

  /// What OpenCode logged.
  log() {
    const folder = path.join(this.environment.XDG_DATA_HOME, "opencode/log")
    if (!fs.existsSync(folder)) return ""
    return fs.readdirSync(folder).map((name) => fs.readFileSync(path.join(folder, name), "utf8")).join("")
  }

  async close() {
    for (const child of this.children.reverse()) await endProcess(child)
    await this.model.close()
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/// Another one each time: "--port 0" is always the same as long as it is free, and fetch would talk to a server that has
/// ended over the connection that it kept.
async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address()
  server.close()
  await once(server, "close")
  return port
}

/// One `opencode serve`, as a client of its API sees it.
export class OpenCode {
  constructor(stage, child, url) {
    this.stage = stage
    this.child = child
    this.url = url
    this.events = []
    this.abort = new AbortController()
  }

  async call(method, where, body, directory = this.stage.project) {
    const url = new URL(this.url + where)
    url.searchParams.set("directory", directory)
    const answer = await fetch(url, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${where}: ${answer.status} ${text}`)
    return text === "" ? undefined : JSON.parse(text)
  }
  get(where, directory) {
    return this.call("GET", where, undefined, directory)
  }
  post(where, body = {}, directory) {
    return this.call("POST", where, body, directory)
  }

  session(options = {}, directory) {
    return this.post("/session", options, directory)
  }
  prompt(session, text, extra = {}) {
    return this.post(`/session/${session.id}/message`, { parts: [{ type: "text", text }], ...extra })
  }
  command(session, command, args = "", extra = {}) {
    return this.post(`/session/${session.id}/command`, { command, arguments: args, ...extra })
  }
  messages(session) {
    return this.get(`/session/${session.id}/message`)
  }

  /// Keeps all events of the project from now on in `events`.
  async watch(directory = this.stage.project) {
    const url = `${this.url}/event?directory=${encodeURIComponent(directory)}`
    const answer = await fetch(url, { signal: this.abort.signal })
    const decoder = new TextDecoder()
    const pump = async () => {
      let rest = ""
      for await (const bytes of answer.body) {
        rest += decoder.decode(bytes, { stream: true })
        const blocks = rest.split("\n\n")
        rest = blocks.pop()
        for (const block of blocks) if (block.startsWith("data: ")) this.events.push(JSON.parse(block.slice(6)))
      }
    }
    pump().catch(() => {})
    await this.event("server.connected")
  }
  event(type, wanted = () => true, limit) {
    return until(`event ${type}`, () => this.events.find((event) => event.type === type && wanted(event.properties)), limit)
  }
  toasts() {
    return this.events.filter((event) => event.type === "tui.toast.show").map((event) => event.properties)
  }

  async stop(signal = "SIGTERM") {
    this.abort.abort()
    if (this.child.exitCode !== null) return
    const ended = once(this.child, "exit")
    this.child.kill(signal)
    await ended
  }
}

/// The engine of the project, by the lock that it holds.
export function enginePid(stage) {
  const state = `${stage.environment.XDG_STATE_HOME}/muster`
  for (const id of fs.readdirSync(state)) {
    const lock = `${state}/${id}/lock`
    const pid = fs.existsSync(lock) && /(\d+)/.exec(fs.readFileSync(lock, "utf8"))
    if (pid) return Number(pid[1])
  }
  return 0
}

/// The `opencode serve` that `muster run` started; 0 while there is none.
export function serverPid(stage) {
  for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      const command = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8")
      if (command.startsWith(`${openCodeBinary}\0serve\0`) && fs.readlinkSync(`/proc/${pid}/cwd`) === stage.project) return Number(pid)
    } catch {} // it has just ended
  return 0
}

/// All text of a message.
export function textOf(message) {
  return message.parts.filter((part) => part.type === "text").map((part) => part.text).join("\n")
}

/// Two texts are the same bytes; an error shows where they part, and not 30 KB of both.
export function assertSameText(got, wanted) {
  if (got === wanted) return
  let at = 0
  while (got[at] === wanted[at]) ++at
  const around = (text) => JSON.stringify(text.slice(Math.max(0, at - 60), at + 200))
  throw new Error(`${got.length} and ${wanted.length} bytes, different from ${at} on:\n  got    ${around(got)}\n  wanted ${around(wanted)}`)
}
