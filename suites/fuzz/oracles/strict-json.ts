/**
 * An independent parser of the JSON that tokens may contain (RFC 8259, RFC 7515 §4, RFC 7519 §4): a
 * recursive descent parser, where src/base/json-object.ts counts colons.
 */

/** The limit of src/base/json-object.ts; the outermost object has depth 0. */
const MAX_DEPTH = 32

const STRING = /"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const LITERAL = /true|false|null/y
const WHITESPACE = /[ \t\n\r]*/y

/** The limit of src/token/json-cost.ts on JSON that is parsed before the signature is verified. */
export function isCostly(text: string): boolean {
  return count(text, /[,:]/g) > 128 || count(text, /[[{]/g) > 16
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

class Rejected extends Error {}

/** Whether the text is an object without duplicate members, `__proto__` or too deep nesting. */
export function isStrictObject(text: string): boolean {
  try {
    const reader = new Reader(text)
    reader.skipWhitespace()
    if (text[reader.at] !== '{') return false
    reader.readValue(0)
    reader.skipWhitespace()
    return reader.at === text.length
  } catch (error) {
    if (error instanceof Rejected) return false
    throw error
  }
}

class Reader {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  skipWhitespace(): void {
    this.#match(WHITESPACE)
  }

  readValue(depth: number): void {
    const character = this.#text[this.at]
    if (character === '{' || character === '[') {
      if (depth > MAX_DEPTH) throw new Rejected()
      this.at++
      if (character === '{') this.#members(depth)
      else this.#elements(depth)
    } else if (character === '"') this.#string()
    else if (this.#match(LITERAL) === undefined) this.#take(NUMBER)
  }

  #members(depth: number): void {
    const names = new Set(['__proto__'])
    this.#list('}', () => {
      const name = JSON.parse(this.#string()) as string
      if (names.has(name)) throw new Rejected()
      names.add(name)
      this.skipWhitespace()
      this.#expect(':')
      this.skipWhitespace()
      this.readValue(depth + 1)
    })
  }

  #elements(depth: number): void {
    this.#list(']', () => this.readValue(depth + 1))
  }

  #list(end: string, readItem: () => void): void {
    this.skipWhitespace()
    if (this.#text[this.at] === end) {
      this.at++
      return
    }
    for (;;) {
      this.skipWhitespace()
      readItem()
      this.skipWhitespace()
      if (this.#text[this.at] === end) break
      this.#expect(',')
    }
    this.at++
  }

  #string(): string {
    const found = this.#take(STRING)
    if ([...found].some((character) => character < ' ')) throw new Rejected()
    return found
  }

  #expect(character: string): void {
    if (this.#text[this.at] !== character) throw new Rejected()
    this.at++
  }

  #take(pattern: RegExp): string {
    const found = this.#match(pattern)
    if (found === undefined) throw new Rejected()
    return found
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const [found] = pattern.exec(this.#text) ?? []
    if (found !== undefined) this.at += found.length
    return found
  }
}
