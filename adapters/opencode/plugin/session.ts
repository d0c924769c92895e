// What muster says in OpenCode without having been asked: toasts, and messages in the session where
// a mission was asked for.

import type { Engine } from "./engine.ts"
import type { Client } from "./types.ts"

/// How long a message waits for its session to be idle before the engine is told to try again.
const idlePatienceMs = 60_000
const lookAgainMs = 500

/// Never rejects: a toast that cannot be shown is not worth an error.
export async function toast(client: Client, message: string, variant: string) {
  await client.tui.showToast({ body: { title: "muster", message, variant } }).catch(() => {})
}

/// A hook as a whole takes no longer. What needs the engine's work is not waited for in one; what hooks wait for is an
/// answer out of this process, or one that the engine has at hand.
export const hookMs = 2000

/// `answer`, or undefined when it fails or `until` (as Date.now() counts) comes first.
export async function within<T>(answer: Promise<T>, until = Date.now() + hookMs): Promise<T | undefined> {
  let timer: NodeJS.Timeout
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), Math.max(0, until - Date.now()))))
  return Promise.race([answer.catch(() => undefined), late]).finally(() => clearTimeout(timer))
}

export async function busy(client: Client, session: string): Promise<boolean> {
  const known = (await client.session.status().catch(() => undefined))?.data
  return (known?.[session]?.type ?? "idle") !== "idle"
}

/// How long a turn is kept at most: a command that OpenCode drops does not hold up what comes after it.
const turnMs = 10_000
const turns = new Map<string, Promise<void>>()

/// One at a time in a session: a command, until OpenCode asks for its answer, or a notice, while it is stored. OpenCode
/// answers what is the last message when it looks; a notice that came between a command and its answer would be
/// answered in its place, by the user's provider. Ends with a call of what it gives.
export async function takeTurn(session: string): Promise<() => void> {
  const before = turns.get(session)
  let leave!: () => void
  const mine = new Promise<void>((resolve) => (leave = resolve)).then(() => void (turns.get(session) === mine && turns.delete(session)))
  turns.set(session, mine)
  await before
  setTimeout(leave, turnMs).unref()
  return leave
}

type Say = { id: string; session: string; text: string; ended: boolean }

/// Stores the text as a message that no model answers. The notice's id is in the message, so that a
/// second telling (after a crash on either side) changes nothing.
async function store(client: Client, { id, session, text }: Say): Promise<boolean> {
  const path = { id: session }
  const [{ data: messages }, { data: known }] = await Promise.all([client.session.messages({ path }), client.session.get({ path })])
  if (!messages) return false // the session is gone, or not of this folder
  if (messages.some((it) => it.parts.some((part) => part.metadata?.muster?.notice === id))) return true
  // The next message without a model gets the session's: that stays the one the user talks to.
  const model = known?.model && { providerID: known.model.providerID, modelID: known.model.id }
  const parts = [{ type: "text", text, metadata: { muster: { notice: id } } }]
  const stored = await client.session.prompt({ path, body: { noReply: true, agent: known?.agent, model, parts } })
  return stored.error === undefined
}

async function storeWhenIdle(client: Client, say: Say): Promise<boolean> {
  for (const end = Date.now() + idlePatienceMs; Date.now() < end; ) {
    const leave = await takeTurn(say.session)
    try {
      if (!(await busy(client, say.session))) return await store(client, say)
    } finally {
      leave()
    }
    await new Promise((resolve) => setTimeout(resolve, lookAgainMs).unref())
  }
  return false
}

export async function deliver(client: Client, engine: Engine, params: Record<string, any>) {
  const say = params as Say
  const ok = await storeWhenIdle(client, say).catch(() => false)
  await engine.request("opencode.said", { id: say.id, ok }).catch(() => {}) // it is told again then
  if (say.ended) engine.ended(say.id.split("/")[0])
}
