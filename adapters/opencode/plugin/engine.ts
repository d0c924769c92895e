// The way to the workspace's engine: `muster serve --stdio` as a child, which is a bridge to the
// engine that is at work or becomes that engine. JSON-RPC 2.0, one message a line.

import { spawn, type ChildProcess } from "node:child_process"

const protocol = 1
const connectMs = 15_000
const requestMs = 15_000
/// Between two attempts to find an engine again while a mission was at work.
const backoffMs = [200, 1000, 4000, 10_000, 20_000]
const maxLine = 1 << 20

type Params = Record<string, any>
type Pending = { resolve: (value: any) => void; reject: (error: Error) => void; timer?: NodeJS.Timeout }
type Options = {
  binary: string
  directory: string
  idleMs: number
  host: boolean // sessions run here, whoever else is connected
  on: Record<string, (params: Params) => void>
  tell: (message: string, variant: string) => void
  lost: () => void
}

/// One connection: a child process and the requests that it has not answered.
class Connection {
  readonly pending = new Map<number, Pending>()
  private nextId = 1
  private rest = ""
  private errors = ""
  private gone = false

  constructor(
    private readonly child: ChildProcess,
    private readonly on: (method: string, params: Params) => void,
    private readonly ended: (why: string) => void,
  ) {
    child.stdout!.setEncoding("utf8").on("data", (text: string) => this.take(text))
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.errors = (this.errors + text).slice(-2000)))
    child.stdin!.on("error", () => {}) // its end is told by "close"
    child.on("error", (error) => this.end(error.message))
    child.on("close", () => this.end(this.errors.trim() || "it ended"))
  }

  request(method: string, params: Params, limitMs: number): Promise<any> {
    if (this.gone) return Promise.reject(new Error("the engine is gone"))
    const id = this.nextId++
    return new Promise((resolve, reject) => {
      const late = () => this.settle(id, (it) => it.reject(new Error(`the engine did not answer ${method} in time`)))
      const timer = limitMs > 0 ? setTimeout(late, limitMs) : undefined
      this.pending.set(id, { resolve, reject, timer })
      this.child.stdin!.write(JSON.stringify({ jsonrpc: "2.0", id, method, params }) + "\n")
    })
  }

  /// Its input ends, and with it the child: an engine drains, journals and goes.
  close() {
    this.child.stdin!.end()
  }

  private take(text: string) {
    const lines = (this.rest + text).split("\n")
    this.rest = lines.pop()!
    if (this.rest.length > maxLine) return this.close()
    for (const line of lines) this.message(line)
  }

  private message(line: string) {
    let message: any
    try { message = JSON.parse(line) } catch { return }
    if (message.method) return this.on(message.method, message.params ?? {})
    this.settle(message.id, (it) => (message.error ? it.reject(new Error(message.error.message)) : it.resolve(message.result)))
  }

  private settle(id: number, how: (pending: Pending) => void) {
    const found = this.pending.get(id)
    if (!found || !this.pending.delete(id)) return
    clearTimeout(found.timer)
    how(found)
  }

  private end(why: string) {
    if (this.gone) return
    this.gone = true
    for (const id of [...this.pending.keys()]) this.settle(id, (it) => it.reject(new Error(`the engine went away: ${why}`)))
    this.ended(why)
  }
}

/// Connects when it is first asked something. While a mission is at work it reconnects by itself and
/// tells the user once; without one the connection is let go after `idleMs`.
export class Engine {
  private connection?: Promise<Connection>
  private mission = "" // the one that is at work
  private idle?: NodeJS.Timeout
  private closed = false

  constructor(private readonly options: Options) {}

  /// Rejects with words for the user when there is no engine or no answer in time; `limitMs` 0: no limit.
  async request(method: string, params: Params, limitMs = requestMs): Promise<any> {
    // Whoever is first after the engine went away brings the mission back: a command, or an answer that it cannot take any more.
    const connection = await (this.connection ?? this.connect(this.mission))
    const result = await connection.request(method, params, limitMs)
    if (typeof result?.at_work === "boolean") this.atWork(result.at_work ? result.mission : "")
    return result
  }

  /// What is known about the mission here: "" when it has ended.
  atWork(mission: string) {
    this.mission = mission
    clearTimeout(this.idle)
    if (!mission) this.idle = setTimeout(() => this.letGo(), this.options.idleMs).unref()
  }

  /// The mission has ended, if it is still the one.
  ended(mission: string) {
    if (this.mission === mission) this.atWork("")
  }

  close() {
    this.closed = true
    this.letGo()
  }

  private letGo() {
    clearTimeout(this.idle)
    this.mission = ""
    this.connection?.then((it) => it.close()).catch(() => {})
    this.connection = undefined
  }

  /// `resume`: the mission that was at work when the last connection ended, "" = none.
  connect(resume: string): Promise<Connection> {
    const { binary, directory } = this.options
    let mine: Promise<Connection> | undefined
    // A session of its own: a terminal's signals are for OpenCode. Its end is the end of its input.
    const child = spawn(binary, ["serve", "--stdio", "--opencode", "--workspace", directory], { cwd: directory, detached: true, stdio: ["pipe", "pipe", "pipe"] })
    child.unref()
    const connection = new Connection(
      child,
      (method, params) => this.notified(method, params),
      (why) => mine === this.connection && this.lost(why),
    )
    const greet = async () => {
      try {
        await connection.request("initialize", { protocol_version: 1, client: { name: "opencode" } }, connectMs)
        const hello = await connection.request("opencode.hello", { protocol, pid: process.pid, directory, resume, host: this.options.host }, connectMs)
        if (hello.note) this.options.tell(hello.note, "warning")
        this.atWork(hello.at_work ? hello.mission : "")
        return connection
      } catch (error) {
        connection.close()
        throw new Error(`muster does not start (${binary}): ${(error as Error).message}`)
      }
    }
    mine = this.connection = greet()
    mine.catch(() => mine === this.connection && (this.connection = undefined))
    return mine
  }

  private notified(method: string, params: Params) {
    if (method !== "opencode.state") return this.options.on[method]?.(params)
    if (params.at_work) this.atWork(params.mission)
    else this.ended(params.mission)
  }

  /// The connection ended by itself.
  private lost(why: string) {
    this.connection = undefined
    clearTimeout(this.idle)
    this.options.lost()
    if (this.closed || !this.mission) return
    this.options.tell(`the engine of mission ${this.mission} went away (${why.split("\n").pop()}); it is started again`, "warning")
    void this.reconnect(this.mission)
  }

  private async reconnect(mission: string) {
    for (const wait of backoffMs) {
      await new Promise((resolve) => setTimeout(resolve, wait).unref())
      if (this.closed || this.connection) return
      if (await this.connect(mission).then(() => true, () => false)) return
    }
    this.mission = ""
    this.options.tell("the engine cannot be started again; /task without words tries once more", "error")
  }
}
