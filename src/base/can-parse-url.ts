const ASCII = /^[\0-\x7f]*$/

/**
 * Whether `new URL(text, base)` succeeds. `URL.canParse` is used for ASCII only: once V8 has
 * optimized its caller, Node 20 to 24 read Latin-1 strings as UTF-8, and `URL.canParse` returns
 * false for `https://müller.example`.
 */
export function canParseUrl(text: string, base?: string): boolean {
  if (ASCII.test(text) && (base === undefined || ASCII.test(base))) return URL.canParse(text, base)
  try {
    new URL(text, base)
    return true
  } catch {
    return false
  }
}
