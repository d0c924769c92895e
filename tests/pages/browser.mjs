// A headless Chromium, spoken to over its debugging pipe: no port, no library. Ends with the test.

import { spawn } from "node:child_process"
import { once } from "node:events"
import fs from "node:fs"
import os from "node:os"
import path from "node:path"

export class Browser {
  static async open(t) {
    const browser = new Browser()
    browser.folder = fs.mkdtempSync(path.join(os.tmpdir(), "muster-pages-"))
    const switches = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--remote-debugging-pipe", `--user-data-dir=${browser.folder}/profile`]
    browser.child = spawn(process.env.MUSTER_CHROMIUM, switches, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], env: { ...process.env, HOME: browser.folder } })
    browser.waiting = new Map()
    browser.events = []
    let rest = ""
    browser.child.stdio[4].setEncoding("utf8").on("data", (text) => {
      const parts = (rest + text).split("\0")
      rest = parts.pop()
      parts.forEach((part) => browser.take(JSON.parse(part)))
    })
    browser.child.on("exit", () => browser.waiting.forEach(({ reject }) => reject(new Error("the browser ended"))))
    t.after(() => browser.close())
    return browser
  }

  take(message) {
    if (message.method) return this.events.push(message)
    const { resolve, reject } = this.waiting.get(message.id)
    this.waiting.delete(message.id)
    message.error ? reject(new Error(message.error.message)) : resolve(message.result)
  }

  send(method, params = {}, sessionId = undefined) {
    const id = (this.last = (this.last ?? 0) + 1)
    this.child.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + "\0")
    return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }))
  }

  /// A page of so many pixels, "light" or "dark", loaded to its end.
  async page(url, { width, height = 900, scheme = "light" }) {
    const { targetId } = await this.send("Target.createTarget", { url: "about:blank" })
    const { sessionId } = await this.send("Target.attachToTarget", { targetId, flatten: true })
    const ask = (method, params) => this.send(method, params, sessionId)
    for (const domain of ["Page", "Runtime", "Network", "Log"]) await ask(`${domain}.enable`)
    await ask("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 })
    await ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] })
    this.events.length = 0
    await ask("Page.navigate", { url })
    while (!this.events.some((it) => it.sessionId === sessionId && it.method === "Page.loadEventFired")) await new Promise((resolve) => setImmediate(resolve))
    const mine = (method) => this.events.filter((it) => it.sessionId === sessionId && it.method === method).map((it) => it.params)
    return {
      /// The value of an expression in the page.
      async value(expression) {
        const { result, exceptionDetails } = await ask("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true })
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text)
        return result.value
      },
      key: async (key, code) => {
        for (const type of ["keyDown", "keyUp"]) await ask("Input.dispatchKeyEvent", { type, key, code: key, windowsVirtualKeyCode: code, text: type === "keyDown" && key === "Enter" ? "\r" : undefined })
      },
      /// What it asked for besides itself, what it threw, what its policy forbade.
      requests: () => mine("Network.requestWillBeSent").map((it) => it.request.url).filter((it) => it !== url && !it.startsWith("data:")),
      complaints: () => [...mine("Runtime.exceptionThrown").map((it) => it.exceptionDetails.text), ...mine("Log.entryAdded").map((it) => it.entry.text)],
      async picture(file) {
        const { data } = await ask("Page.captureScreenshot", { format: "png", captureBeyondViewport: false })
        fs.writeFileSync(file, Buffer.from(data, "base64"))
      },
    }
  }

  async close() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, "exit")
      this.child.kill("SIGKILL")
      await ended
    }
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 })
  }
}
