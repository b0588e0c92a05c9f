/**
 * Members that are there twice are told by counting colons, in texts made by chance: with every
 * kind of white space, colons and quotes within strings, and names spelled with escapes.
 */
import t from 'tap'
import { parseJsonObject } from '../../src/base/json-object.js'
import { Chance, TOKENS } from '../../test/fixtures/random.js'

interface Generated {
  readonly text: string
  /** Whether a name is there twice in one object, however it is spelled. */
  readonly duplicate: boolean
}

const BLANKS = ['', '', '', '', ' ', '\n', '\t', '\r', ' \n\t ']
/** What stands in strings. Those that look like structure are what a count could be fooled by. */
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

  /** Now and then one that is there already. */
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

  /** The same string in one of the ways in which JSON may write it. */
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

/** Whether a name is there twice, told by reading the text itself, as a parser does. */
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

t.test('J11: accepts no text with a member twice, and every text without', async (t) => {
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
  t.ok(duplicates > TEXTS / 20 && duplicates < TEXTS / 2, `${duplicates} of them had one`)
})

t.test('J11: any character of a text by any other leaves no member twice', async (t) => {
  const chance = new Chance('json objects, changed')
  const characters = [...'{}[]":,\\ \n\tabu01-']
  const wrong: string[] = []
  let accepted = 0
  let refused = 0
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
    if (object === undefined) refused++
    else accepted++
  }
  t.same(wrong.slice(0, 9), [])
  t.ok(accepted > TEXTS / 10 && refused > TEXTS / 100, `${accepted} accepted, ${refused} refused`)
})

t.test('J11: colons and white space that a count could stumble over', async (t) => {
  const names = ['a', '\\"', ':', '\\":', ' :', '":'.replace('"', '\\"'), '\\\\', '\\\\\\"']
  const colons = [':', ' :', ': ', '\t:', '\n:\n', '\r\n:']
  const values = ['1', '":"', '"\\":"', '" :"', '"\\\\"', '{"x":1}', '{"x" :1}', '[":",{":":":"}]']
  let texts = 0
  for (const name of names) {
    for (const other of names) {
      for (const colon of colons) {
        for (const value of values) {
          const text = `{"${name}"${colon}${value},"${other}":${value}}`
          const twice = name === other
          if ((parseJsonObject(text) === undefined) !== twice) t.fail(text)
          const nested = `{"z":[{"y"${colon}${text}}],"":0}`
          if ((parseJsonObject(nested) === undefined) !== twice) t.fail(nested)
          texts++
        }
      }
    }
  }
  t.equal(texts, names.length ** 2 * colons.length * values.length)
})
