/** An API that is already running, with the features that the command line names. */
import type { Feature } from '../check.js'
import type { Target } from './target.js'

/** Features that are assumed unless `--without` removes them. */
export const DEFAULT_FEATURES: readonly Feature[] = [
  'jwt',
  'credentials',
  'bearer',
  'es256',
  'scope',
  'discovery',
  'dpop-off',
  'mtls-off',
  'encrypted-off',
]

/** Time within which the API must listen. */
const START_TIMEOUT_MS = 60_000

export interface UrlTarget {
  readonly url: string
  readonly features: ReadonlySet<Feature>
  readonly resource: string | undefined
}

export function urlTarget({ url, features, resource }: UrlTarget): Target {
  const origin = url.replace(/\/$/, '')
  return {
    name: new URL(url).host,
    features,
    resource,
    async start() {
      await waitUntilListening(origin)
      return { url: origin, close: async () => {} }
    },
  }
}

/** Waits, because an API may contact its issuer before it starts to listen. */
async function waitUntilListening(url: string): Promise<void> {
  const giveUpAt = Date.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5_000) })
      return
    } catch (error) {
      if (Date.now() > giveUpAt) throw new Error(`no response from ${url}`, { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}
