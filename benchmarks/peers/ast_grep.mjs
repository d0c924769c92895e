// Structural search: muster and ast-grep by turns over the same folders. Prints a row for each pattern.
import { spawnSync } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"

const { values } = parseArgs({
  options: {
    muster: { type: "string" }, "ast-grep": { type: "string" }, runs: { type: "string" },
    typescript: { type: "string" }, cpp: { type: "string" },
  },
})

const searches = [
  ["typescript", "ts", "interface $NAME { $$$BODY }"],
  ["typescript", "ts", "new $CLASS($$$ARGS)"],
  ["typescript", "ts", "function $F($$$ARGS): $T"],
  ["cpp", "cpp", "sizeof($A)"],
  ["cpp", "cpp", "if ($A) return $B;"],
  ["c", "c", "if ($A) return $B;"],
  ["c", "c", "struct $NAME { $$$BODY }"],
]

// What ".h" stands for is each program's own affair: headers get an ending that leaves no choice.
const copies = mkdtempSync(join(tmpdir(), "bench-code-"))
const filesIn = (folder, ending) => readdirSync(folder, { recursive: true }).filter((path) => ending.test(path))
for (const path of filesIn(values.cpp, /\.h$/)) {
  const language = /\b(class|namespace|template)\b/.test(readFileSync(join(values.cpp, path), "latin1")) ? "cpp" : "c"
  cpSync(join(values.cpp, path), join(copies, language, path.replace(/h$/, language)), { dereference: true })
}
const folders = { typescript: values.typescript, cpp: join(copies, "cpp"), c: join(copies, "c") }
const endings = { typescript: /\.[cm]?ts$/, cpp: /\.cpp$/, c: /\.c$/ }

const lines = (text) => text.reduce((sum, byte) => sum + (byte === 10 ? 1 : 0), 0)

function timed(program, args) {
  const begin = process.hrtime.bigint()
  const ran = spawnSync(program, args, { maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "pipe"] })
  const ms = Number(process.hrtime.bigint() - begin) / 1e6
  if (ran.error || ran.status > 1) throw new Error(`${program}: ${ran.error ?? ran.stderr}`)
  return { ms, found: lines(ran.stdout) }
}

const sorted = (list) => [...list].sort((a, b) => a - b)
const at = (list, part) => sorted(list)[Math.min(list.length - 1, Math.floor(part * list.length))]
const shown = (list) => `${at(list, 0.5).toFixed(0)} (${at(list, 0).toFixed(0)} to ${at(list, 0.999).toFixed(0)})`
const row = (...cells) => console.log(`| ${cells.join(" | ")} |`)

row("files", "pattern", "muster ms (min to max)", "ast-grep ms", "ratio", "muster found", "ast-grep found")
row("---", "---", "---:", "---:", "---:", "---:", "---:")
for (const [place, language, pattern] of searches) {
  const folder = folders[place]
  const ours = ["ast", "search", pattern, "--lang", language, "--json", "-w", "/", folder]
  const theirs = ["run", "-p", pattern, "-l", language, "--json=stream", "--no-ignore", "hidden", folder]
  const took = { ours: [], theirs: [] }
  let found
  for (let run = -1; run < Number(values.runs); ++run) {
    const one = timed(values.muster, ours)
    const other = timed(values["ast-grep"], theirs)
    found = [one.found, other.found]
    if (run < 0) continue // the files come into the cache
    took.ours.push(one.ms)
    took.theirs.push(other.ms)
  }
  row(`${filesIn(folder, endings[place]).length} .${language}`, `\`${pattern}\``, shown(took.ours), shown(took.theirs),
    (at(took.ours, 0.5) / at(took.theirs, 0.5)).toFixed(2), ...found)
}
rmSync(copies, { recursive: true })
