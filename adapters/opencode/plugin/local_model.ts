// The model muster/local: answers what muster's commands ask, without a provider, a port or a token.
// It is a provider whose `fetch` is a function of this process (docs/adr/0010).

import type { Config, ModelRef } from "./types.ts"

/// Says to which message of a person a call to the model belongs.
export const messageHeader = "x-muster-message"

const maxAnswers = 64
const help =
  "muster/local answers muster's own commands only (/task, /status ...). Choose another model to talk to."

function stream(text: string): Response {
  const chunk = (delta: object, finish: string | null = null) => {
    const choices = [{ index: 0, delta, finish_reason: finish }]
    return `data: ${JSON.stringify({ id: "muster", object: "chat.completion.chunk", created: 0, model: "local", choices })}\n\n`
  }
  const body = chunk({ role: "assistant", content: text }) + chunk({}, "stop") + "data: [DONE]\n\n"
  return new Response(body, { headers: { "content-type": "text/event-stream" } })
}

export function localModel() {
  /// Message -> what is to be answered; a retry of OpenCode's gets the same.
  const answers = new Map<string, { text: Promise<string>; asked: () => void }>()
  const answer = async (_url: unknown, init: { headers: HeadersInit }) => {
    const message = new Headers(init.headers).get(messageHeader) ?? ""
    const known = answers.get(message)
    known?.asked()
    return stream(known ? await known.text : help)
  }
  const ref: ModelRef = { providerID: "muster", modelID: "local" }
  return {
    ref,
    is: (model?: ModelRef) => model?.providerID === ref.providerID,
    /// `text` must not reject; `asked` is called when OpenCode wants it.
    expect(message: string, text: Promise<string>, asked: () => void) {
      answers.set(message, { text, asked })
      if (answers.size > maxAnswers) answers.delete(answers.keys().next().value!)
    },
    register(config: Config) {
      if (config.provider?.[ref.providerID]) ref.providerID = "muster-commands" // that one is the user's
      const options = { apiKey: "-", baseURL: "http://muster.invalid/v1", fetch: answer }
      const models = { [ref.modelID]: { name: "muster (chat: your model)" } }
      config.provider = { ...config.provider, [ref.providerID]: { name: "muster", npm: "@ai-sdk/openai-compatible", options, models } }
      config.enabled_providers?.push(ref.providerID)
    },
  }
}
export type LocalModel = ReturnType<typeof localModel>
