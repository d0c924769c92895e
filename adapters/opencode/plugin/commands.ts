// The slash commands: registered beside what the user has, carried out by the engine, answered by
// muster/local. A message that is none of ours goes through untouched.

import type { Engine } from "./engine.ts"
import { messageHeader, type LocalModel } from "./local_model.ts"
import { busy, hookMs, takeTurn, toast, within } from "./session.ts"
import type { Client, Config, Hooks, Message, MessageWithParts, ModelRef, Part } from "./types.ts"

const descriptions: Record<string, string> = {
  task: "muster: work on an objective until it is sealed; without words, go on with the interrupted one",
  auto: "muster: like /task, and the plan is not shown first",
  plan: "muster: plan an objective; change nothing",
  review: "muster: review the workspace's changes",
  fix: "muster: find and mend the cause of an error",
  search: "muster: find something and say where it is",
  stop: "muster: end the mission",
  cancel: "muster: end the mission, or one task of it: /cancel M1.T2",
  status: "muster: where the mission stands",
  agents: "muster: the agents and their rights",
  answer: "muster: answer a question: /answer Q1 your words",
}
/// OpenCode's own, which stay what they are.
const builtin = ["init", "review"]
/// Its terminal has these too and takes them for its own when they are typed out.
const inTerminal = ["status", "agents"]

/// Fills `own`: the name as typed -> as the engine knows it. A name that is taken, here or in the terminal, is there with a prefix: /muster-review.
export function registerCommands(config: Config, own: Map<string, string>) {
  const all = { ...config.command }
  const add = (typed: string, name: string) => {
    if (all[typed]) return false
    all[typed] = { template: `/${typed}`, description: descriptions[name] }
    own.set(typed, name)
    return true
  }
  for (const name of Object.keys(descriptions)) {
    const added = !builtin.includes(name) && add(name, name)
    if (!added || inTerminal.includes(name)) add(`muster-${name}`, name)
  }
  config.command = all
}

const markOf = (parts: Part[]) => parts.find((part) => part.metadata?.muster)?.metadata!.muster
const isDefaultTitle = (title: string) => /^(New session|Child session) - \d{4}-/.test(title)

type Parts = { client: Client; engine: Engine; local: LocalModel; own: Map<string, string>; host: { seen(version: string): void } }

export function commandHooks({ client, engine, local, own, host }: Parts): Hooks {
  /// Commands whose message has not been stored yet, by their session.
  const waiting = new Map<string, { answer: Promise<string>; leave: () => void }>()
  /// The model that the user last talked to, by session.
  const chosen = new Map<string, ModelRef>()

  const ask = async (name: string, args: string, session: string) => {
    try {
      const model = await within(usual(session))
      const words = { name, arguments: args, session, model: model ? `${model.providerID}/${model.modelID}` : "" }
      return (await engine.request("opencode.command", words)).text as string
    } catch (error) {
      return `muster: ${(error as Error).message}`
    }
  }

  /// A title that OpenCode would ask a model for is set here, so that no command costs a call.
  const keepTitle = async (session: string, title: string) => {
    const known = (await client.session.get({ path: { id: session } })).data
    if (!known) return
    host.seen(known.version)
    if (isDefaultTitle(known.title)) await client.session.update({ path: { id: session }, body: { title } })
  }

  /// What a message would be answered by if muster/local did not exist.
  const usual = async (session: string): Promise<ModelRef | undefined> => {
    if (chosen.has(session)) return chosen.get(session)
    const [messages, config] = await Promise.all([client.session.messages({ path: { id: session } }), client.config.get()])
    const last = messages.data?.findLast((it) => it.info.role === "user" && it.info.model && !local.is(it.info.model))
    if (last) return last.info.model
    const [providerID, ...modelID] = (config.data?.model ?? "").split("/")
    if (modelID.length > 0) return { providerID, modelID: modelID.join("/") }
    const known = (await client.config.providers()).data
    const first = known?.providers.find((it) => it.id !== local.ref.providerID && known.default[it.id])
    return first && { providerID: first.id, modelID: known!.default[first.id] }
  }

  return {
    "command.execute.before": async (input, output) => {
      const name = own.get(input.command)
      if (!name) return
      const text = `/${input.command} ${input.arguments}`.trim()
      const until = Date.now() + hookMs
      const answer = ask(name, input.arguments, input.sessionID)
      const turn = takeTurn(input.sessionID)
      const leave = () => void turn.then((end) => end())
      await within(turn, until)
      // In a turn that is under way the message would be taken for a part of it.
      if (await within(busy(client, input.sessionID), until)) {
        leave()
        void answer.then((text) => toast(client, text, "info"))
        throw new Error("muster answers by a toast: the session is at work")
      }
      await within(keepTitle(input.sessionID, (input.arguments || text).replace(/\s+/g, " ").slice(0, 80)), until)
      waiting.set(input.sessionID, { answer, leave })
      output.parts.splice(0, output.parts.length, { type: "text", text, metadata: { muster: { command: name } } })
    },

    "chat.message": async (input, output: { message: Message; parts: Part[] }) => {
      const { message, parts } = output
      const mark = markOf(parts)
      if (message.model && !local.is(message.model) && !mark?.notice) chosen.set(message.sessionID, { ...message.model })
      if (mark?.command) {
        message.model = { ...local.ref }
        const { answer, leave } = waiting.get(message.sessionID) ?? { answer: Promise.resolve("muster: ask again, please"), leave: () => {} }
        local.expect(message.id, answer, leave)
        waiting.delete(message.sessionID)
      } else if (local.is(message.model)) {
        // A front end that took the model of the session's last message.
        const model = await within(usual(message.sessionID))
        if (model) message.model = { ...model }
      }
    },

    "chat.headers": async (input, output) => {
      if (local.is(input.model)) output.headers[messageHeader] = input.message.id
    },

    /// Commands and their answers are between the user and muster: no other model reads them.
    "experimental.chat.messages.transform": async (_input, output: { messages: MessageWithParts[] }) => {
      const ours = new Set(output.messages.filter((it) => markOf(it.parts)?.command).map((it) => it.info.id))
      const last = output.messages.findLast((it) => it.info.role === "user")
      if (ours.size === 0 || !last || ours.has(last.info.id)) return
      const kept = output.messages.filter((it) => !ours.has(it.info.id) && !ours.has(it.info.parentID ?? ""))
      output.messages.splice(0, output.messages.length, ...kept)
    },
  }
}
