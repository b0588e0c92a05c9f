/**
 * An independent reading of JSON as tokens may have it (RFC 8259, RFC 7515 §4, RFC 7519 §4): by
 * descent, character by character, where src/base/json-object.ts counts colons.
 */

/** src/base/json-object.ts: the object itself is at 0. */
const MAX_DEPTH = 32

const STRING = /"(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const LITERAL = /true|false|null/y
const BLANK = /[ \t\n\r]*/y

/** src/token/json-cost.ts: what is parsed before a signature is verified has fewer of these. */
export function isCostly(text: string): boolean {
  return count(text, /[,:]/g) > 128 || count(text, /[[{]/g) > 16
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0
}

class Refused extends Error {}

/** Whether it is an object, with no name twice, no `__proto__`, and no deeper than is allowed. */
export function isStrictObject(text: string): boolean {
  try {
    const reader = new Reader(text)
    reader.blank()
    if (text[reader.at] !== '{') return false
    reader.value(0)
    reader.blank()
    return reader.at === text.length
  } catch (error) {
    if (error instanceof Refused) return false
    throw error
  }
}

class Reader {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  blank(): void {
    this.#match(BLANK)
  }

  value(depth: number): void {
    const character = this.#text[this.at]
    if (character === '{' || character === '[') {
      if (depth > MAX_DEPTH) throw new Refused()
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
      if (names.has(name)) throw new Refused()
      names.add(name)
      this.blank()
      this.#expect(':')
      this.blank()
      this.value(depth + 1)
    })
  }

  #elements(depth: number): void {
    this.#list(']', () => this.value(depth + 1))
  }

  #list(end: string, one: () => void): void {
    this.blank()
    if (this.#text[this.at] === end) {
      this.at++
      return
    }
    for (;;) {
      this.blank()
      one()
      this.blank()
      if (this.#text[this.at] === end) break
      this.#expect(',')
    }
    this.at++
  }

  #string(): string {
    const found = this.#take(STRING)
    if ([...found].some((character) => character < ' ')) throw new Refused()
    return found
  }

  #expect(character: string): void {
    if (this.#text[this.at] !== character) throw new Refused()
    this.at++
  }

  #take(pattern: RegExp): string {
    const found = this.#match(pattern)
    if (found === undefined) throw new Refused()
    return found
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const [found] = pattern.exec(this.#text) ?? []
    if (found !== undefined) this.at += found.length
    return found
  }
}
