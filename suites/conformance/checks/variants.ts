/** The commonest check: tokens that are wrong in some way, each of which must be refused. */
import { type Check, type Feature, type Level, rule } from '../check.js'
import type { Api, ForgeOptions } from '../stage/api.js'
import { expectRefused, expectTaken } from '../stage/expect.js'

type Tokens = Readonly<Record<string, ForgeOptions | string>>

/** Each token by what is wrong with it: text as it is, or how it is forged. */
export function refuses(
  id: string,
  section: string,
  level: Level,
  title: string,
  tokens: (api: Api) => Tokens | Promise<Tokens>,
  needs: readonly Feature[] = ['jwt'],
): Check {
  return rule(id, section, level, title, needs, async ({ api }) => {
    for (const [what, token] of Object.entries(await tokens(api))) {
      expectRefused(await api.present(asText(api, token)), what)
    }
  })
}

export function takes(
  id: string,
  section: string,
  level: Level,
  title: string,
  tokens: (api: Api) => Tokens,
  needs: readonly Feature[] = ['jwt'],
): Check {
  return rule(id, section, level, title, needs, async ({ api }) => {
    for (const [what, token] of Object.entries(tokens(api))) {
      expectTaken(await api.present(asText(api, token)), what)
    }
  })
}

function asText(api: Api, token: ForgeOptions | string): string {
  return typeof token === 'string' ? token : api.forge(token)
}
