// As much of OpenCode's plugin interface as is used here; an import of @opencode-ai/plugin would be
// a dependency. Types only: nothing of this exists when it runs.

export type ModelRef = { providerID: string; modelID: string }
/// What a part of ours carries: the command that made it, or the notice that it tells.
export type Mark = { command?: string; notice?: string }
export type Part = {
  type: string
  text?: string
  synthetic?: boolean
  metadata?: { muster?: Mark }
}
export type Message = { id: string; role: string; sessionID: string; parentID?: string; agent?: string; model?: ModelRef }
export type MessageWithParts = { info: Message; parts: Part[] }
export type Session = { id: string; title: string; version: string; agent?: string; model?: { id: string; providerID: string } }

type Answer<T> = Promise<{ data?: T; error?: unknown }>
type InSession = { path: { id: string } }
export type Client = {
  session: {
    get(options: InSession): Answer<Session>
    update(options: InSession & { body: { title: string } }): Answer<Session>
    messages(options: InSession & { query?: { limit?: number } }): Answer<MessageWithParts[]>
    status(): Answer<Record<string, { type: string }>>
    prompt(options: InSession & { body: object }): Answer<MessageWithParts>
  }
  config: {
    get(): Answer<{ model?: string }>
    providers(): Answer<{ providers: { id: string }[]; default: Record<string, string> }>
  }
  tui: { showToast(options: { body: { title: string; message: string; variant: string } }): Answer<boolean> }
}

export type Command = { template: string; description?: string }
export type Config = {
  command?: Record<string, Command>
  provider?: Record<string, object>
  enabled_providers?: string[]
}

export type PluginInput = { client: Client; directory: string }
export type PluginOptions = { binary?: string }
export type Hooks = Record<string, (input: any, output: any) => Promise<void>>
