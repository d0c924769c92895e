// A model that keeps what it was asked: OpenCode's provider in the tests. Chat completions, streamed.

import { createServer } from "node:http"

async function bodyOf(request) {
  const parts = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts).toString("utf8")
}

function chunksOf(reply) {
  const chunk = (delta, finish = null) => ({ id: "c", object: "chat.completion.chunk", created: 0, model: "m1", choices: [{ index: 0, delta, finish_reason: finish }] })
  const calls = (reply.toolCalls ?? []).map((call, index) => ({
    index,
    id: `call_${index}_${Math.random().toString(36).slice(2)}`,
    type: "function",
    function: { name: call.name, arguments: JSON.stringify(call.arguments) },
  }))
  const out = [chunk({ role: "assistant", content: reply.text ?? "" })]
  if (calls.length > 0) out.push(chunk({ tool_calls: calls }))
  out.push({ ...chunk({}, calls.length > 0 ? "tool_calls" : "stop"), usage: reply.usage ?? { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 } })
  return out
}

/// `answer`: (body, raw) -> {text?, toolCalls?, usage?}; default: always "ok". `requests` has {raw, body, headers} of each call.
export async function startModel(answer = () => ({ text: "ok" })) {
  const requests = []
  const server = createServer(async (request, response) => {
    const raw = await bodyOf(request)
    const body = JSON.parse(raw)
    requests.push({ raw, body, headers: request.headers })
    const reply = await answer(body, raw)
    response.writeHead(200, { "content-type": "text/event-stream" })
    for (const chunk of chunksOf(reply)) response.write(`data: ${JSON.stringify(chunk)}\n\n`)
    response.end("data: [DONE]\n\n")
  })
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/v1`,
    requests,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
