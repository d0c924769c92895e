// Sessions of muster's agents in this OpenCode: opened and prompted as the engine asks, their tool
// calls carried out by the engine, and what they come to told to it. It decides nothing itself.

import { execFile } from "node:child_process"
import { promisify } from "node:util"

import type { Engine } from "./engine.ts"
import { busy, hookMs } from "./session.ts"
import type { Client, Config, Event, Hooks, Message, Part } from "./types.ts"

type Tool = { description: string; args: Record<string, object> }
export type AgentTable = { agents: Record<string, object>; tools: Record<string, Tool> }

const prefix = "muster_"
const aliveMs = 2000

/// The agents and their tools, from the program itself; none when it cannot be asked.
export const askTable = (binary: string): Promise<AgentTable> =>
  promisify(execFile)(binary, ["agents", "--host", "opencode"], { timeout: 10_000, maxBuffer: 1 << 20 })
    .then(({ stdout }) => JSON.parse(stdout))
    .catch(() => ({ agents: {}, tools: {} }))

/// What the user has under the same name stays theirs.
export function registerAgents(config: Config, table: AgentTable) {
  config.agent = { ...table.agents, ...config.agent }
  config.permission = { [`${prefix}*`]: "deny", ...(typeof config.permission === "string" ? { "*": config.permission } : config.permission) }
}

const failure = ({ name, data }: any) => ({ name, message: data?.message ?? "", status: data?.statusCode, body: data?.responseBody })

/// `prompt`: the last one of the engine's; `briefing`: the first one, which a compaction must not lose; `system`: what is
/// said in its system prompt, the same bytes from one compaction to the next.
type Own = { prompt: number; alive: number; over: boolean; stopped: boolean; briefing: string; context: string; system: string }

/// What is said to a model, and not by a person.
const notice = (text: string) => `<muster-notice>${text}</muster-notice>`

export function agentHost(client: Client, engine: Engine, table: AgentTable) {
  const own = new Map<string, Own>()
  const prompts = new Map<string, number>() // message -> the engine's prompt that it is
  let state = "" // of the mission, in words

  const tell = (session: string, type: string, more: object = {}) =>
    void engine.request("opencode.event", { session, type, ...more }).catch(() => {})
  const abort = (session: string) => client.session.abort({ path: { id: session } }).catch(() => undefined)
  /// A session that is over makes no other call of its model.
  const stop = (session: string, it: Own) => void (it.stopped || ((it.stopped = true), abort(session)))

  /// What an idle session ended with; `error` counts when no message has it.
  const ending = async (session: string, error?: any) => {
    const messages = (await client.session.messages({ path: { id: session }, query: { limit: 4 } })).data ?? []
    const last = messages.findLast((it) => it.info.role === "assistant")
    const prompt = last && (prompts.get(last.info.parentID ?? "") ?? 0)
    if (error && prompt !== own.get(session)?.prompt) return { session, type: "error", error: failure(error) }
    const text = last?.parts.filter((it) => it.type === "text").map((it) => it.text).join("\n")
    return { session, type: "idle", prompt, message: last?.info.id ?? "", text, error: last?.info.error && failure(last.info.error) }
  }
  const tellEnding = async (session: string, error?: any) => {
    const { over, prompt } = own.get(session)!
    if (over) own.delete(session)
    const { type, ...more } = over ? { type: "idle", prompt } : await ending(session, error)
    tell(session, type, more)
  }

  const asks: Record<string, (it: any) => Promise<object | void>> = {
    open: async ({ title, parent, context, state: now, ...words }) => {
      const { data, error } = await client.session.create({ body: { title, parentID: parent || undefined } })
      if (!data) throw new Error(JSON.stringify(error))
      const session = data.id
      own.set(session, { prompt: 0, alive: 0, over: false, stopped: false, briefing: words.text, context, system: "" })
      state = now
      // The engine hears of the session before the session says anything. Without words it is one for later.
      if (words.text) setImmediate(() => void asks.prompt({ session, ...words }).catch((data) => tell(session, "error", { error: failure({ name: "UnknownError", data }) })))
      return { session }
    },
    prompt: async ({ session, agent, model, prompt, text }) => {
      const it = own.get(session)
      if (!it) throw new Error("no such session")
      Object.assign(it, { prompt, briefing: it.briefing || text })
      const [providerID, ...modelID] = model.split("/")
      const parts = [{ type: "text", text, synthetic: true, metadata: { muster: { prompt } } }]
      const body = { agent, model: model ? { providerID, modelID: modelID.join("/") } : undefined, parts }
      const { error } = await client.session.promptAsync({ path: { id: session }, body })
      if (error) throw new Error(JSON.stringify(error))
    },
    state: async ({ state: now }) => void (state = now),
    abort: async ({ session }) => void (await abort(session)),
    close: async ({ session }) => void (own.has(session) && (own.get(session)!.over = true)),
    remove: async ({ session }) => void (own.delete(session) && (await client.session.delete({ path: { id: session } }))),
    look: async ({ session }) => ((await busy(client, session)) ? {} : ending(session)),
    permission: async ({ session, permission, response }) =>
      void (await client.postSessionIdPermissionsPermissionId({ path: { id: session, permissionID: permission }, body: { response } })),
  }

  const events: Record<string, (it: any) => void> = {
    "session.idle": ({ sessionID }) => void tellEnding(sessionID).catch(() => {}),
    "session.error": ({ sessionID, error }) => {
      if (error?.name === "MessageAbortedError" || error?.name === "ContextOverflowError") return
      void busy(client, sessionID).then((works) => works || tellEnding(sessionID, error)).catch(() => {})
    },
    "session.status": ({ sessionID, status }) => status.type === "retry" && tell(sessionID, "retry", { message: status.message, next: status.next }),
    "message.updated": ({ info }: { info: Message }) => {
      if (info.role !== "assistant" || !info.time?.completed) return
      tell(info.sessionID, "step", { message: info.id, finish: info.finish, tokens: info.tokens, cost: info.cost })
      if (own.get(info.sessionID)!.over) stop(info.sessionID, own.get(info.sessionID)!)
    },
    "permission.asked": ({ sessionID, id }) => tell(sessionID, "permission", { permission: id }),
  }

  const tool = Object.fromEntries(
    Object.entries(table.tools).map(([name, { description, args }]) => {
      const execute = async (given: Record<string, unknown>, context: any) => {
        const known = Object.entries(given).filter(([, value]) => value !== null && value !== undefined)
        const call = { session: context.sessionID, call: context.callID, tool: name.slice(prefix.length), arguments: Object.fromEntries(known) }
        return (await engine.request("opencode.tool", call, 0)).text as string
      }
      return [name, { description, args, execute }]
    }),
  )

  const hooks: Hooks = {
    event: async ({ event }: { event: Event }) => {
      const session = event.properties?.sessionID ?? event.properties?.info?.sessionID ?? event.properties?.part?.sessionID
      const it = own.get(session)
      if (!it) return
      events[event.type]?.(event.properties)
      if (!event.type.startsWith("message.part.") || Date.now() - it.alive < aliveMs) return
      it.alive = Date.now()
      tell(session, "alive")
    },
    "chat.message": async (_input, { message, parts }: { message: Message; parts: Part[] }) => {
      const prompt = parts.find((it) => it.metadata?.muster?.prompt)?.metadata!.muster!.prompt
      if (prompt) prompts.set(message.id, prompt)
      else if (own.has(message.sessionID) && parts.some((it) => !it.synthetic)) tell(message.sessionID, "heard", { text: parts.map((it) => it.text ?? "").join("\n") })
    },
    "chat.params": async ({ sessionID }) => {
      const it = own.get(sessionID)
      if (!it?.over) return
      // It waits for its abort, which is there in milliseconds; without it the call fails here.
      stop(sessionID, it)
      await new Promise((resolve) => setTimeout(resolve, hookMs))
      throw new Error("this session's work for muster is over")
    },
    "tool.execute.before": async ({ tool, sessionID }) => {
      if (own.has(sessionID) && !tool.startsWith(prefix)) throw new Error(`muster's agents have no tool ${tool}`)
    },
    "experimental.chat.system.transform": async ({ sessionID }, { system }) => {
      const it = own.get(sessionID)
      if (it) system.push((it.system ||= notice(`${it.context} ${state}`)))
    },
    "experimental.session.compacting": async ({ sessionID }, { context }) => {
      const it = own.get(sessionID)
      if (!it) return
      it.system = ""
      context.push(notice(`What this session was given to do:\n${it.briefing}\n${state}`))
    },
  }

  return {
    hooks,
    tool,
    /// One ask of the engine's.
    async carryOut({ id, do: what, ...more }: Record<string, any>) {
      const answer = await asks[what]?.(more).then((result) => ({ result: result ?? {} })).catch((error) => ({ error: String(error.message) }))
      await engine.request("opencode.done", { id, ...(answer ?? { error: `cannot ${what}` }) }).catch(() => {})
    },
    /// The engine is gone: nobody decides for its sessions any more, and what was opened for later is not needed.
    abandon() {
      for (const [session, it] of own) void (it.prompt ? abort(session) : client.session.delete({ path: { id: session } }).catch(() => {}))
      own.clear()
    },
  }
}
