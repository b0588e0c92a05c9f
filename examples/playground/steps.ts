/**
 * The result of each pipeline step for one request, derived from the API's own error: `check` names
 * the step that rejected, earlier steps passed, and later steps did not run. The order is that of
 * the pipeline, which runs cheap checks first: an expired token causes no key fetch.
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
  'issuer' | 'audience' | 'expiresAt' | 'confirmation' | 'scope'
>

/** The result of one request. */
export interface Verdict {
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
  /** The checks of the step, each with the fix if it fails. */
  readonly checks: Partial<Readonly<Record<Check, string>>>
  /** The details shown if the step passed. */
  readonly seen?: (token: SeenToken, verdict: Verdict) => string
}

const AGAIN = 'Log in again for a new token: that is what a client does, too.'

const STEPS: readonly Definition[] = [
  {
    name: 'credentials',
    what: 'One Authorization header with one token',
    checks: { credentials: 'Log in first: the token goes into the header Authorization.' },
  },
  {
    name: 'token',
    what: 'A signed JWT, bounded in length and spelt canonically',
    checks: { token: AGAIN },
  },
  {
    name: 'issuer',
    what: 'From a trusted issuer, with an algorithm of its list',
    checks: { issuer: AGAIN, algorithm: 'Have the issuer sign with one of those.' },
    seen: ({ issuer }) => issuer,
  },
  {
    name: 'claims',
    what: 'An access token, for this API, and not expired',
    checks: {
      type: 'Send the access token, and not an ID token.',
      claims: 'Have the issuer write the claims that an access token needs.',
      expiry: AGAIN,
      'not-before': "Compare the issuer's clock with the API's.",
      'issued-at': "Compare the issuer's clock with the API's.",
      audience: 'Ask the issuer for a token for this API.',
    },
    seen: ({ audience, expiresAt }) =>
      `for ${audience.join(', ')}, until ${new Date(expiresAt * 1000).toISOString().slice(11, 19)} UTC`,
  },
  {
    name: 'keys',
    what: "The issuer's own key set has the key that the token names",
    checks: {
      key: `The issuer publishes no such key. ${AGAIN}`,
      'keys-unavailable':
        'The token may be good: it cannot be verified without the key. Bring the issuer back, and call again after Retry-After.',
    },
    seen: (_token, { fetchedKeys, verifiedSignature }) => {
      if (fetchedKeys) return 'the key set was fetched for this request'
      return verifiedSignature ? 'the key was cached' : 'the key is still trusted'
    },
  },
  {
    name: 'signature',
    what: 'Made with that key, over these very bytes',
    checks: { signature: 'Never trust it: it was changed after it was signed.' },
    seen: (_token, { verifiedSignature }) =>
      verifiedSignature ? 'verified' : 'remembered: the same token was verified before',
  },
  {
    name: 'binding',
    what: 'A token bound to a key comes with a new proof',
    checks: {
      binding: 'Send it as DPoP, with a proof made with its own key.',
      proof: 'Make a new proof for each request: an eavesdropper cannot send it again.',
      nonce: 'Make a proof with the nonce of the header DPoP-Nonce, which CORS must expose.',
    },
    seen: ({ confirmation }) =>
      confirmation === undefined ? 'a bearer token: bound to nothing' : 'the proof holds',
  },
  {
    name: 'policy',
    what: 'What the route asks for was granted',
    checks: { scope: 'Tick the scope, and log in again: the issuer decides whether to grant it.' },
    seen: ({ scope }) => `granted: ${[...scope].join(' ') || 'nothing'}`,
  },
]

/** The state of the steps before the first request. */
export function untried(): readonly Step[] {
  return STEPS.map(({ name, what }) => ({ name, what, outcome: 'not reached' }))
}

export function stepsOf(verdict: Verdict): readonly Step[] {
  const { error, token } = verdict
  if (error === undefined) return STEPS.map((step) => passed(step, verdict))
  const refusedAt = STEPS.findIndex(({ checks }) => Object.hasOwn(checks, error.check))
  // A check that this page does not know: show no result rather than a wrong one.
  if (refusedAt === -1) throw new Error(`no step of the playground is for ${error.check}`)
  return STEPS.map((step, i) => {
    if (i < refusedAt) return passed(step, { ...verdict, token })
    if (i > refusedAt) return { name: step.name, what: step.what, outcome: 'not reached' }
    const { expected, found } = error.reason
    const advice = step.checks[error.check]
    return { name: step.name, what: error.message, outcome: 'failed', expected, found, advice }
  })
}

function passed({ name, what, seen }: Definition, verdict: Verdict): Step {
  const { token } = verdict
  return {
    name,
    what,
    outcome: 'passed',
    seen: token === null ? undefined : seen?.(token, verdict),
  }
}
