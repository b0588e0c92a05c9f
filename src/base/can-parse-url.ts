const ASCII = /^[\0-\x7f]*$/

/**
 * Whether `new URL(text, base)` succeeds. Replaces `URL.canParse`, which returns false for
 * `https://müller.example` once V8 has optimized the caller: Node 20 to 24 read Latin-1 as UTF-8
 * there.
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
