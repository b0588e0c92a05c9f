/** The diagrams of docs/architecture.md match the code. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { below, MAY_IMPORT } from '../fixtures/source-folders.js'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const page = read('docs/architecture.md')

function section(title: string): string {
  const [, text] = page.split(`\n## ${title}\n`)
  if (text === undefined) throw new Error(`docs/architecture.md has no section "${title}"`)
  return text.split('\n## ')[0] as string
}

function diagram(title: string): string {
  const [, code] = /^```mermaid\n([\s\S]*?)\n```$/m.exec(section(title)) ?? []
  if (code === undefined) throw new Error(`"${title}" has no diagram`)
  return code
}

t.test('the module map contains every folder of src, in the order of imports', async (t) => {
  const rows = [...section('Module map').matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name]) => name)
  t.strictSame(
    rows,
    Object.keys(MAY_IMPORT).filter((name) => name !== 'index'),
  )
})

t.test('every arrow of the module map is an allowed import', async (t) => {
  const arrows = [...diagram('Module map').matchAll(/^ {2}([\w-]+) --> ([\w-]+)$/gm)]
  t.ok(arrows.length > 15)
  t.equal(arrows.length, diagram('Module map').split('\n').length - 1, 'every line was read')
  for (const [line, from = '', to = ''] of arrows) t.ok(below(from).includes(to), line)
})

t.test('the states of a key set are those of keySetStatus()', async (t) => {
  const [, union = ''] = /readonly state: ([^\n]+)/.exec(read('src/keys/key-source.ts')) ?? []
  const states = [...union.matchAll(/'(\w+)'/g)].map(([, name]) => name as string)
  t.ok(states.length > 3)
  const drawn = [...diagram("A key set's states").matchAll(/\b(\w+) --> (\w+):/g)].flat()
  for (const state of states) {
    t.ok(drawn.includes(state) || section("A key set's states").includes(`\`${state}\``), state)
  }
  for (const [, from, to] of diagram("A key set's states").matchAll(/\b(\w+) --> (\w+):/g)) {
    t.ok(states.includes(`${from}`) && states.includes(`${to}`), `${from} --> ${to}`)
  }
})

t.test('the participants of the sequence diagram are folders', async (t) => {
  const drawn = diagram('One request')
  for (const name of ['plugin', 'pipeline', 'keys', 'introspection', 'stores']) {
    t.match(drawn, new RegExp(`participant .*\\b${name}\\b`))
    t.ok(name in MAY_IMPORT, name)
  }
})
