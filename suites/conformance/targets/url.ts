/** An API that somebody else started: tested as it is, with the features that it is said to have. */
import type { Feature } from '../check.js'
import type { Target } from './target.js'

/** What an API is taken to do unless it is said otherwise. */
export const USUAL: readonly Feature[] = [
  'jwt',
  'credentials',
  'bearer',
  'es256',
  'scope',
  'discovery',
  'dpop-off',
  'mtls-off',
]

/** How long the API may take until it listens, in milliseconds. */
const PATIENCE = 60_000

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
      await listening(origin)
      return { url: origin, close: async () => {} }
    },
  }
}

/** An API may want to see its issuer before it starts. */
async function listening(url: string): Promise<void> {
  const giveUpAt = Date.now() + PATIENCE
  for (;;) {
    try {
      await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(5_000) })
      return
    } catch (error) {
      if (Date.now() > giveUpAt) throw new Error(`nobody answers at ${url}`, { cause: error })
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}
