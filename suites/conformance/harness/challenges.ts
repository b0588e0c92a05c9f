/** Parses `WWW-Authenticate` (RFC 9110 §11.6.1), with the characters of RFC 6750 §3. */

export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  /** By name, in lower case. */
  readonly parameters: Readonly<Record<string, string>>
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const VALUE = `(?:"[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]*"|${TOKEN})`
const PARAMETER = new RegExp(`^(${TOKEN})[ \\t]*=[ \\t]*(${VALUE})(?:[ \\t]*,[ \\t]*|[ \\t]*$)`)
const SCHEME = new RegExp(`^(${TOKEN})(?: +|[ \\t]*,[ \\t]*|$)`)

/** Returns all challenges; `undefined` if they are malformed or have a duplicate parameter. */
export function challengesOf(lines: readonly string[]): readonly Challenge[] | undefined {
  const challenges: Challenge[] = []
  for (const line of lines) {
    let rest = line.trim()
    while (rest !== '') {
      const [whole, scheme] = SCHEME.exec(rest) ?? []
      if (whole === undefined || scheme === undefined) return undefined
      rest = rest.slice(whole.length)
      const parameters: Record<string, string> = {}
      for (let found = PARAMETER.exec(rest); found !== null; found = PARAMETER.exec(rest)) {
        const name = (found[1] as string).toLowerCase()
        if (Object.hasOwn(parameters, name)) return undefined
        parameters[name] = (found[2] as string).replace(/^"(.*)"$/, '$1')
        rest = rest.slice(found[0].length)
      }
      challenges.push({ scheme: scheme.toLowerCase(), parameters })
    }
  }
  return challenges
}
