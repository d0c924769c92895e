// Structural search beside the real ast-grep: the same patterns on the same files find the same places and the same
// holes. What differs is named in differences.json with its reason, and must differ still.
//
//   MUSTER_BINARY, MUSTER_SOURCE_DIR, MUSTER_AST_GREP (the program), MUSTER_AST_GREP_PACKAGES (node_modules)
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { readFileSync, readdirSync } from "node:fs"
import { join, relative } from "node:path"
import { test } from "node:test"

const { MUSTER_BINARY: muster, MUSTER_SOURCE_DIR: source, MUSTER_AST_GREP: astGrep, MUSTER_AST_GREP_PACKAGES: packages } =
  process.env
const here = join(source, "tests/ast_grep")
const read = (name) => JSON.parse(readFileSync(join(here, name), "utf8"))
const patterns = read("patterns.json")
const explained = read("differences.json")

const inFolder = (folder, suffix) =>
  readdirSync(folder).filter((name) => name.endsWith(suffix)).sort().map((name) => join(folder, name))
const sample = (suffix) => inFolder(join(here, "code"), suffix)
const ofTypescript = (...names) => names.map((name) => join(packages, "typescript/lib", name))

const files = {
  bash: sample(".sh"),
  c: sample(".c"),
  cpp: inFolder(join(source, "adapters/process"), ".cpp").concat(inFolder(join(source, "runtime/core"), ".cpp").slice(0, 20)),
  csharp: sample(".cs"),
  go: sample(".go"),
  java: sample(".java"),
  javascript: sample(".js").concat(inFolder(join(source, "tests/opencode"), ".mjs"),
    ofTypescript("watchGuard.js", "typingsInstaller.js")),
  json: [join(source, "third_party/opencode/package-lock.json"), join(source, "tests/scenarios/bench_session.json")],
  php: sample(".php"),
  python: sample(".py"),
  ruby: sample(".rb"),
  rust: sample(".rs"),
  typescript: inFolder(join(source, "adapters/opencode/plugin"), ".ts").concat(
    ofTypescript("lib.es5.d.ts", "lib.es2015.core.d.ts", "lib.es2018.intl.d.ts", "lib.decorators.d.ts")),
}

function run(program, args) {
  const ran = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 28 })
  assert.equal(ran.error, undefined)
  // 0 found, 1 not found, else the pattern is refused
  if (ran.status > 1) return [{ file: "", refused: ran.stderr }]
  return ran.stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line))
}

const list = (holes, of) => Object.entries(holes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, it]) => [name, of(it)])

/** A match as text: what both must agree on. */
const shape = (match, parts) =>
  match.refused ? "refused" : JSON.stringify([
    match.range.byteOffset.start, match.range.byteOffset.end, match.range.start.line, match.range.start.column,
    match.range.end.line, match.range.end.column,
    list(match.metaVariables?.single, (it) => it.text), list(match.metaVariables?.multi, parts),
  ])

function byFile(matches, parts) {
  const out = new Map()
  for (const match of matches) {
    const file = join("/", match.file)
    out.set(file, [...(out.get(file) ?? []), shape(match, parts)].sort())
  }
  return out
}

const total = { cases: 0, matches: 0, different: 0 }
for (const [language, ofLanguage] of Object.entries(patterns)) {
  test(`${language}: ${ofLanguage.length} patterns`, () => {
    const table = []
    for (const pattern of ofLanguage) {
      const theirs = byFile(
        run(astGrep, ["run", "-p", pattern, "-l", language, "--json=stream", ...files[language]]),
        (nodes) => nodes.map((node) => node.text))
      const ours = byFile(
        run(muster, ["ast", "search", pattern, "-l", language, "--json", "-w", "/", ...files[language]]),
        (hole) => hole.parts ?? [])
      const reason = explained[language]?.[pattern]
      const different = []
      for (const file of [...files[language], "/"]) {  // "/": the pattern itself was refused
        const [a, b] = [theirs.get(file) ?? [], ours.get(file) ?? []]
        total.cases += file === "/" ? 0 : 1
        total.matches += a.length
        if (JSON.stringify(a) === JSON.stringify(b)) continue
        total.different++
        different.push(`${relative(source, file)}: ${a.length} with ast-grep, ${b.length} with muster; ` +
          `first: ${a.find((it) => !b.includes(it)) ?? b.find((it) => !a.includes(it))}`)
      }
      if (different.length > 0 && !reason) table.push(`${pattern}\n    ${different.join("\n    ")}`)
      if (different.length === 0 && reason) table.push(`${pattern}\n    differs no more: take it out of differences.json`)
    }
    assert.equal(table.length, 0, `differences without an explanation:\n  ${table.join("\n  ")}`)
  })
}

test("the table", () => {
  console.log(`${total.cases} cases (pattern x language x file), ${total.matches} matches, ${total.different} different, each explained:`)
  for (const [language, ofLanguage] of Object.entries(explained))
    for (const [pattern, reason] of Object.entries(ofLanguage)) console.log(`  ${language}: ${pattern}\n      ${reason}`)
  assert.ok(total.cases >= 200)
})
