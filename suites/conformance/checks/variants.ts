/** The most common check: a list of tokens, each of which the API must reject (or accept). */
import { type Check, type Feature, type Level, rule } from '../check.js'
import type { Api, ForgeOptions } from '../harness/api.js'
import { expectAccepted, expectRejected } from '../harness/expect.js'

type Tokens = Readonly<Record<string, ForgeOptions | string>>

/** @param tokens tokens by the reason to reject them: as text, or as options to forge one. */
export function rejects(
  id: string,
  section: string,
  level: Level,
  title: string,
  tokens: (api: Api) => Tokens | Promise<Tokens>,
  needs: readonly Feature[] = ['jwt'],
): Check {
  return rule(id, section, level, title, needs, async ({ api }) => {
    for (const [what, token] of Object.entries(await tokens(api))) {
      expectRejected(await api.present(asText(api, token)), what)
    }
  })
}

export function accepts(
  id: string,
  section: string,
  level: Level,
  title: string,
  tokens: (api: Api) => Tokens,
  needs: readonly Feature[] = ['jwt'],
): Check {
  return rule(id, section, level, title, needs, async ({ api }) => {
    for (const [what, token] of Object.entries(tokens(api))) {
      expectAccepted(await api.present(asText(api, token)), what)
    }
  })
}

function asText(api: Api, token: ForgeOptions | string): string {
  return typeof token === 'string' ? token : api.forge(token)
}
