/**
 * src/base/json-object.ts detects duplicate members by counting colons. Tests it with random texts:
 * all kinds of white space, colons and quotes within strings, and names written with escapes.
 */
import t from 'tap'
import { parseJsonObject } from '../../src/base/json-object.js'
import { Chance, TOKENS } from '../../test/fixtures/random.js'

interface Generated {
  readonly text: string
  /** Whether an object has a duplicate name, however it is spelled. */
  readonly duplicate: boolean
}

const BLANKS = ['', '', '', '', ' ', '\n', '\t', '\r', ' \n\t ']
/** Content of strings. Text that looks like structure could mislead a count. */
const PIECES = [
  'a',
  'b',
  ':',
  '":',
  '\\":',
  ' :',
  '{"a":1}',
  ',"a":',
  '\\',
  '"',
  ':"',
  '\u0141',
  '\u{1f600}',
  '\n',
  '\\u0061',
]

class Generator {
  readonly #chance: Chance
  #duplicate = false

  constructor(chance: Chance) {
    this.#chance = chance
  }

  static make(chance: Chance): Generated {
    const generator = new Generator(chance)
    const text = generator.#blank() + generator.#object(0) + generator.#blank()
    return { text, duplicate: generator.#duplicate }
  }

  #object(depth: number): string {
    const names: string[] = []
    const members = Array.from({ length: this.#chance.below(5) }, () => {
      const name = this.#name(names)
      if (names.includes(name)) this.#duplicate = true
      names.push(name)
      return [
        this.#blank(),
        this.#spelled(name),
        this.#blank(),
        ':',
        this.#blank(),
        this.#value(depth + 1),
        this.#blank(),
      ].join('')
    })
    return `{${members.join(',') || this.#blank()}}`
  }

  /** Sometimes returns a name that the object already has. */
  #name(names: readonly string[]): string {
    if (names.length > 0 && this.#chance.below(12) === 0) return this.#chance.pick(names)
    return this.#string()
  }

  #string(): string {
    return Array.from({ length: this.#chance.below(4) }, () => this.#chance.pick(PIECES)).join('')
  }

  #value(depth: number): string {
    const kind = this.#chance.below(depth > 4 ? 3 : 5)
    if (kind === 0) return this.#spelled(this.#string())
    if (kind < 3) return this.#chance.pick(['null', 'true', '-1.5e3', '0', '""', '[]', '{}'])
    if (kind === 3) return this.#object(depth)
    const items = Array.from({ length: this.#chance.below(4) }, () => this.#value(depth + 1))
    return `[${items.map((item) => this.#blank() + item + this.#blank()).join(',')}]`
  }

  /** Writes a string with random escapes. */
  #spelled(value: string): string {
    const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
    const text = JSON.stringify(value)
    if (this.#chance.below(3) > 0) return text
    const units = value
      .split('')
      .map((unit) =>
        this.#chance.below(2) === 0 ? escaped(unit) : JSON.stringify(unit).slice(1, -1),
      )
    return `"${units.join('')}"`
  }

  #blank(): string {
    return this.#chance.pick(BLANKS)
  }
}

/** Whether an object has a duplicate name, determined by an independent parser. */
function hasDuplicate(text: string): boolean {
  const open: (Set<string> | undefined)[] = []
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:[ \n\r\t]*:)?|[{}[\]]/gs)) {
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (token.endsWith(':')) {
      const name = JSON.parse(token.slice(0, token.lastIndexOf('"') + 1))
      const names = open.at(-1) as Set<string>
      if (names.has(name)) return true
      names.add(name)
    }
  }
  return false
}

const TEXTS = TOKENS * 8

t.test('J11: rejects every text with a duplicate member, and accepts every other', async (t) => {
  const chance = new Chance('json objects')
  const wrong: string[] = []
  let duplicates = 0
  for (let i = 0; i < TEXTS; i++) {
    const { text, duplicate } = Generator.make(chance)
    if (duplicate) duplicates++
    const object = parseJsonObject(text)
    if ((object === undefined) !== duplicate) wrong.push(text)
    else if (object !== undefined) {
      if (JSON.stringify(object) !== JSON.stringify(JSON.parse(text))) wrong.push(text)
    }
  }
  t.same(wrong.slice(0, 9), [])
  t.ok(duplicates > TEXTS / 20 && duplicates < TEXTS / 2, `${duplicates} texts had a duplicate`)
})

t.test('J11: detects duplicate members in texts with a changed character', async (t) => {
  const chance = new Chance('json objects, changed')
  const characters = [...'{}[]":,\\ \n\tabu01-']
  const wrong: string[] = []
  let accepted = 0
  let rejected = 0
  for (let i = 0; i < TEXTS; i++) {
    const { text } = Generator.make(chance)
    const at = chance.below(text.length + 1)
    const by = chance.pick(characters)
    const changed = text.slice(0, at) + by + text.slice(at + chance.below(3))
    let value: unknown
    try {
      value = JSON.parse(changed)
    } catch {
      if (parseJsonObject(changed) !== undefined) wrong.push(changed)
      continue
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value)) continue
    const object = parseJsonObject(changed)
    if ((object === undefined) !== hasDuplicate(changed)) wrong.push(changed)
    if (object === undefined) rejected++
    else accepted++
  }
  t.same(wrong.slice(0, 9), [])
  const counts = `${accepted} accepted, ${rejected} rejected`
  t.ok(accepted > TEXTS / 10 && rejected > TEXTS / 100, counts)
})

t.test('J11: counts colons correctly next to white space and within strings', async (t) => {
  const names = ['a', '\\"', ':', '\\":', ' :', '":'.replace('"', '\\"'), '\\\\', '\\\\\\"']
  const colons = [':', ' :', ': ', '\t:', '\n:\n', '\r\n:']
  const values = ['1', '":"', '"\\":"', '" :"', '"\\\\"', '{"x":1}', '{"x" :1}', '[":",{":":":"}]']
  let texts = 0
  for (const name of names) {
    for (const other of names) {
      for (const colon of colons) {
        for (const value of values) {
          const text = `{"${name}"${colon}${value},"${other}":${value}}`
          const duplicate = name === other
          if ((parseJsonObject(text) === undefined) !== duplicate) t.fail(text)
          const nested = `{"z":[{"y"${colon}${text}}],"":0}`
          if ((parseJsonObject(nested) === undefined) !== duplicate) t.fail(nested)
          texts++
        }
      }
    }
  }
  t.equal(texts, names.length ** 2 * colons.length * values.length)
})
