/**
 * Derives the result of each pipeline step for one request from the API's own error: `check` names
 * the step that rejected the request, earlier steps passed, and later steps did not run. The order
 * is that of the pipeline, which runs cheap checks first: an expired token causes no key fetch.
 */
import type { AccessToken, Check, ResourceServerError } from 'fastify-resource-server'

export interface Step {
  readonly name: string
  readonly what: string
  readonly outcome: 'passed' | 'failed' | 'not reached'
  readonly seen?: string | undefined
  readonly expected?: string | undefined
  readonly found?: string | undefined
  readonly advice?: string | undefined
}

/** The displayed parts of a verified token. */
export type SeenToken = Pick<
  AccessToken,
  'raw' | 'issuer' | 'audience' | 'expiresAt' | 'confirmation' | 'scope'
>

/** The result of one request. */
export interface CallResult {
  /** The error, if the request was rejected. */
  readonly error: ResourceServerError | undefined
  /** The verified token, if verification succeeded. */
  readonly token: SeenToken | null
  readonly fetchedKeys: boolean
  readonly verifiedSignature: boolean
}

interface Definition {
  readonly name: string
  readonly what: string
  /** The checks of the step. The value is the fix if the check fails. */
  readonly checks: Partial<Readonly<Record<Check, string>>>
  /** Returns the details to show if the step passed. */
  readonly seen?: (token: SeenToken, result: CallResult) => string
}

const AGAIN = 'Log in again for a new token, as a client does.'

const STEPS: readonly Definition[] = [
  {
    name: 'credentials',
    what: 'One Authorization header with one token',
    checks: { credentials: 'Log in first: the token goes into the header Authorization.' },
  },
  {
    name: 'token',
    what: 'A signed JWT of limited length, in canonical encoding',
    checks: { token: AGAIN },
  },
  {
    name: 'decryption',
    what: 'Encrypted for the key of this API, if encrypted',
    checks: {
      decryption: 'Have the issuer encrypt the token with the public key of this API.',
      'decryption-unavailable': 'Call again after Retry-After.',
    },
    seen: ({ raw }) => (raw.split('.').length === 5 ? 'decrypted' : 'not encrypted'),
  },
  {
    name: 'issuer',
    what: 'A trusted issuer, and an allowed algorithm',
    checks: { issuer: AGAIN, algorithm: 'Have the issuer sign with one of these.' },
    seen: ({ issuer }) => issuer,
  },
  {
    name: 'claims',
    what: 'An access token for this API, not expired',
    checks: {
      type: 'Send the access token, not an ID token.',
      claims: 'Have the issuer add the required claims.',
      expiry: AGAIN,
      'not-before': "Compare the issuer's clock with the API's.",
      'issued-at': "Compare the issuer's clock with the API's.",
      audience: 'Request a token for this API.',
    },
    seen: ({ audience, expiresAt }) =>
      `for ${audience.join(', ')}, until ${new Date(expiresAt * 1000).toISOString().slice(11, 19)} UTC`,
  },
  {
    name: 'key',
    what: "The issuer's key set has the key of the token",
    checks: {
      key: `The issuer does not publish this key. ${AGAIN}`,
      'keys-unavailable':
        'The token may be valid, but cannot be verified without the key. Bring the issuer back, and call again after Retry-After.',
    },
    seen: (_token, { fetchedKeys, verifiedSignature }) => {
      if (fetchedKeys) return 'the key set was fetched for this request'
      return verifiedSignature ? 'the key was cached' : 'the key is still trusted'
    },
  },
  {
    name: 'signature',
    what: 'Created with this key over these bytes',
    checks: { signature: 'Do not trust the token: it was modified after it was signed.' },
    seen: (_token, { verifiedSignature }) =>
      verifiedSignature ? 'verified' : 'cached: the same token was verified before',
  },
  {
    name: 'binding',
    what: 'Proof of possession, if the token is bound to a key',
    checks: {
      binding: 'Send the token as DPoP, with a proof signed by its key.',
      proof: 'Create a new proof for each request, because proofs cannot be replayed.',
      nonce: 'Create a proof with the nonce of the header DPoP-Nonce, which CORS must expose.',
    },
    seen: ({ confirmation }) =>
      confirmation === undefined ? 'a bearer token' : 'the proof is valid',
  },
  {
    name: 'scope',
    what: 'The scope that the route requires',
    checks: { scope: 'Select the scope and log in again; the issuer decides whether to grant it.' },
    seen: ({ scope }) => `granted: ${[...scope].join(' ') || 'nothing'}`,
  },
]

/** Returns the steps as they are before the first request. */
export function untried(): readonly Step[] {
  return STEPS.map(({ name, what }) => ({ name, what, outcome: 'not reached' }))
}

export function stepsOf(result: CallResult): readonly Step[] {
  const { error, token } = result
  if (error === undefined) return STEPS.map((step) => passed(step, result))
  const failedAt = STEPS.findIndex(({ checks }) => Object.hasOwn(checks, error.check))
  // The page does not know this check: no result is better than a wrong one.
  if (failedAt === -1) throw new Error(`the playground has no step for the check ${error.check}`)
  return STEPS.map((step, i) => {
    if (i < failedAt) return passed(step, { ...result, token })
    if (i > failedAt) return { name: step.name, what: step.what, outcome: 'not reached' }
    const isTime = TIME_CHECKS.has(error.check)
    const [expected, found] = [error.reason.expected, error.reason.found].map((text) =>
      isTime ? text?.replace(/\b\d{10}\b/g, dated) : text,
    )
    const advice = step.checks[error.check]
    return { name: step.name, what: error.message, outcome: 'failed', expected, found, advice }
  })
}

const TIME_CHECKS: ReadonlySet<string> = new Set(['expiry', 'not-before', 'issued-at', 'age'])

/** Returns a NumericDate with its date: `2026-11-22T15:17:42Z (1795360662)`. */
function dated(seconds: string): string {
  const date = new Date(Number(seconds) * 1000).toISOString()
  return `${date.replace('.000Z', 'Z')} (${seconds})`
}

function passed({ name, what, seen }: Definition, result: CallResult): Step {
  const { token } = result
  return {
    name,
    what,
    outcome: 'passed',
    seen: token === null ? undefined : seen?.(token, result),
  }
}
