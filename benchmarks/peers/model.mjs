// The model of the comparison: one program that plays the agents of either system, as fast as it can
// or after a fixed time. Chat completions, streamed, on 127.0.0.1.

import { startModel } from "../../tests/opencode/support/model.mjs"

const call = (name, args) => ({ name, arguments: args })
const textOf = (message) => (typeof message?.content === "string" ? message.content : (message?.content ?? []).map((it) => it.text ?? "").join(""))
const part = (number) => `parts/p${number}.txt`
const content = (number) => `Part ${number}\n` + "words and words\n".repeat(10)
const numbers = (count) => Array.from({ length: count }, (_, i) => i + 1)

/// What muster's agents say: a plan of `tasks` files, each written, handed in and approved.
export function musterAgents(tasks) {
  const plan = numbers(tasks).map((number) => ({
    id: `M1.T${number}`, title: `Write part ${number}`, description: `Write ${part(number)}.`, files: [part(number)], depends_on: [],
    acceptance: ["the file exists"], verification: [{ check: "exists", path: part(number) }], test_exempt_reason: "text without behaviour",
  }))
  return (body) => {
    const first = textOf(body.messages.find((it) => it.role === "user"))
    const [, agent, task] = /\[muster agent=(\S+) task=(\S+)/.exec(first) ?? []
    const number = Number(/T(\d+)$/.exec(task ?? "")?.[1])
    const said = body.messages.filter((it) => it.role === "assistant").length
    if (agent === "planner") return { toolCalls: [call("muster_submit_plan", { summary: "a part each", tasks: plan })] }
    if (agent === "worker" && said === 0) return { toolCalls: [call("muster_write", { path: part(number), content: content(number) })] }
    if (agent === "worker") return { toolCalls: [call("muster_submit_result", { summary: "written", changed_files: [part(number)] })] }
    if (agent === "commander" && /request_seal/.test(first)) return { toolCalls: [call("muster_request_seal", { summary: "all parts are written" })] }
    if (agent === "commander") return { toolCalls: [call("muster_submit_triage", { kind: "large", reason: "several files" })] }
    if (agent) return { toolCalls: [call("muster_submit_verdict", { verdict: "approve", summary: "good", findings: [] })] }
    return { text: "ok" }
  }
}

/// What the other system's agents say: a TODO, a worker for each part in the background, their results taken, the TODO
/// ticked off, the end said.
export function orchestratorAgents(tasks) {
  const todo = (mark) => "# Mission\n\n" + numbers(tasks).map((number) => `- [${mark}] Write part ${number}\n`).join("")
  return (body) => {
    const offered = new Set((body.tools ?? []).map((it) => it.function.name))
    const users = body.messages.filter((it) => it.role === "user").map(textOf)
    const number = Number(/PART-(\d+)/.exec(users[0] ?? "")?.[1])
    const done = body.messages.filter((it) => it.role === "tool").length
    if (number) {
      if (done === 0) return { toolCalls: [call("write", { filePath: part(number), content: content(number) })] }
      return { text: `Part ${number} is written.` }
    }
    if (!offered.has("delegate_task")) return { text: "ok" }
    const made = body.messages.flatMap((it) => it.tool_calls ?? []).map((it) => it.function.name)
    if (!made.includes("write")) return { toolCalls: [call("write", { filePath: ".opencode/todo.md", content: todo(" ") })] }
    if (!made.includes("delegate_task"))
      return { toolCalls: numbers(tasks).map((it) => call("delegate_task", { agent: "Worker", description: `Write part ${it}`, prompt: `PART-${it}: write ${part(it)}.`, background: true })) }
    const delegated = made.lastIndexOf("delegate_task")
    const finished = numbers(tasks).every((it) => body.messages.some((message) => message.role !== "assistant" && new RegExp(`part ${it}\\b[^]*(complet|done|finish)`, "i").test(textOf(message))))
    const ticked = made.slice(delegated + 1).includes("write")
    if (!ticked && !finished && body.messages.at(-1).role === "tool") return { text: "The workers are at work." }
    if (!ticked) return { toolCalls: [call("write", { filePath: ".opencode/todo.md", content: todo("x") })] }
    return { text: "All parts are written and verified. Mission complete." }
  }
}

/// What a request costs, as bytes / 4.
export const tokensOf = (raw) => Math.ceil(Buffer.byteLength(raw) / 4)

/// The model that plays `agents`, each answer after `latency` ms.
export function startPlayer(agents, latency) {
  return startModel(async (body, raw) => {
    if (latency > 0) await new Promise((resolve) => setTimeout(resolve, latency))
    const prompt = tokensOf(raw)
    return { ...agents(body), usage: { prompt_tokens: prompt, completion_tokens: 20, total_tokens: prompt + 20 } }
  })
}
