// As much of OpenCode's plugin interface as is used here; an import of @opencode-ai/plugin would be
// a dependency. Types only: nothing of this exists when it runs.

export type ModelRef = { providerID: string; modelID: string }
/// What a part of ours carries: the command that made it, or the notice that it tells.
export type Mark = { command?: string; notice?: string; prompt?: number }
export type Part = { type: string; text?: string; synthetic?: boolean; metadata?: { muster?: Mark } }
export type Message = { id: string; role: string; sessionID: string; parentID?: string; agent?: string; model?: ModelRef } & Partial<Answered>
/// What a message of a model has besides.
type Answered = { finish: string; error: object; tokens: object; cost: number; time: { completed?: number } }
export type MessageWithParts = { info: Message; parts: Part[] }
export type Session = { id: string; title: string; version: string; agent?: string; model?: { id: string; providerID: string } }

/// A method of OpenCode's client: {path, query, body}, as its API has them.
type Call<T = any> = (options?: any) => Promise<{ data?: T; error?: unknown }>
export type Client = {
  session: Record<"create" | "get" | "update", Call<Session>> & Record<"prompt" | "promptAsync" | "abort" | "delete", Call> & {
    messages: Call<MessageWithParts[]>
    status: Call<Record<string, { type: string }>>
  }
  config: { get: Call<{ model?: string }>; providers: Call<{ providers: { id: string }[]; default: Record<string, string> }> }
  tui: { showToast: Call<boolean> }
  postSessionIdPermissionsPermissionId: Call<boolean>
}

export type Config = {
  command?: Record<string, { template: string; description?: string }>
  agent?: Record<string, object>
  permission?: string | Record<string, unknown>
  provider?: Record<string, object>
  enabled_providers?: string[]
}

export type Plugin = (input: { client: Client; directory: string }, options?: { binary?: string }) => Promise<Hooks>
export type Event = { type: string; properties: any }
export type Hooks = Record<string, (input: any, output: any) => Promise<void>>
