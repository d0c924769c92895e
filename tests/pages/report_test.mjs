// The report of the demo's mission in a real browser: it shows what it shall, on a phone and on a desktop, light and dark,
// by keyboard, and asks nobody for anything. MUSTER_PICTURES=DIR keeps what it looks like.

import assert from "node:assert/strict"
import { execFileSync, spawnSync } from "node:child_process"
import fs from "node:fs"
import os from "node:os"
import path from "node:path"
import test from "node:test"
import { pathToFileURL } from "node:url"

import { Browser } from "./browser.mjs"

const muster = process.env.MUSTER_BINARY

/// The report of a demo, in a folder that goes with the test.
function report(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "muster-pages-"))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const run = spawnSync(muster, ["demo", "--keep", "--fast"], { encoding: "utf8", env: { ...process.env, TMPDIR: folder } })
  assert.equal(run.status, 0, run.stderr)
  const demo = path.join(folder, fs.readdirSync(folder).find((it) => it.startsWith("muster-demo-")))
  const file = path.join(folder, "report.html")
  execFileSync(muster, ["report", "-w", path.join(demo, "ledger"), "-o", file], { env: { ...process.env, XDG_STATE_HOME: path.join(demo, "state") }, stdio: "ignore" })
  return pathToFileURL(file).href
}

test("the report of a mission is a page that says what happened", async (t) => {
  const url = report(t)
  const browser = await Browser.open(t)
  const pictures = process.env.MUSTER_PICTURES
  for (const [name, look] of Object.entries({ desktop: { width: 1280 }, dark: { width: 1280, scheme: "dark" }, phone: { width: 390, height: 844 } })) {
    const page = await browser.page(url, look)
    assert.equal(await page.value("document.querySelector('.badge').textContent"), "SEALED")
    const titles = await page.value("[...document.querySelectorAll('h2')].map((it) => it.textContent)")
    assert.deepEqual(titles, ["Timeline", "Task graph", "Tasks", "The integrated tree", "Before the mission", "Limits and interventions", "Tokens and money", "Changes"])
    assert.ok((await page.value("document.querySelectorAll('.lane').length")) >= 7)
    assert.ok((await page.value("document.querySelectorAll('.bar.no').length")) >= 1, "the demo's rejected work is seen")
    assert.equal(await page.value("document.querySelectorAll('svg g.done').length"), 3)
    assert.equal(await page.value("document.documentElement.scrollWidth <= innerWidth"), true, `${name}: nothing is wider than the page`)
    assert.deepEqual(page.requests(), [])
    assert.deepEqual(page.complaints(), [])
    if (pictures) await page.picture(path.join(pictures, `report-${name}.png`))
  }
})

test("what waits for what is drawn, and a task that needs itself is no reason to hang", async (t) => {
  const url = report(t)
  const needs = ['["M1.T3"]', '["M1.T1"]', '["M1.T2","M1.T3"]'] // as the tasks come: a circle of two, and one behind them
  const text = fs.readFileSync(new URL(url), "utf8").replaceAll('"depends_on":[]', () => `"depends_on":${needs.shift()}`)
  fs.writeFileSync(new URL(url), text)
  const page = await (await Browser.open(t)).page(url, { width: 1280 })
  assert.equal(needs.length, 0)
  assert.equal(await page.value("document.querySelectorAll('svg .edge').length"), 3)
  assert.deepEqual(page.complaints(), [])
})

test("everything in it can be reached and opened by keyboard", async (t) => {
  const browser = await Browser.open(t)
  const page = await browser.page(report(t), { width: 1280 })
  await page.key("Tab", 9)
  assert.equal(await page.value("document.activeElement.className.startsWith('bar')"), true)
  assert.match(await page.value("document.querySelector('#told').textContent"), /^baseline|^discover|triage|snapshot/)
  await page.value("document.querySelector('details summary').focus()")
  await page.key("Enter", 13)
  assert.equal(await page.value("document.querySelector('details').open"), true)
})
