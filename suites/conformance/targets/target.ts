/** An API that the suite can test: what it offers, and how it is started, if the suite may. */
import type { Feature } from '../check.js'

/** What an API has to be told, so that the suite's tokens are good there. */
export interface Trusted {
  readonly issuer: string
  readonly jwksUri: string
  readonly audience: string
  readonly now: () => number
  /** An issuer of the check's never answers: the API should give up soon, if it can be told to. */
  readonly isImpatient?: boolean
  /** For a handful of requests: it needs no room for more tokens. */
  readonly isSmall?: boolean
}

export interface Running {
  readonly url: string
  close(): Promise<void>
}

export interface Target {
  /** For the table's head. */
  readonly name: string
  readonly features: ReadonlySet<Feature>
  /** `resource` of its metadata (RFC 9728), where it publishes any. */
  readonly resource?: string | undefined
  start(trusted: Trusted): Promise<Running>
}

export const AUDIENCE = 'api://default'
/** The scope that `GET /orders` asks for. */
export const SCOPE = 'orders:read'
/** What `GET /transfers` asks for. */
export const STEP_UP = { acr: 'phr', maxAge: 300 } as const
/** From which `GET /` and the rest may be called by scripts. */
export const ORIGIN = 'https://app.example'
/** What the API calls itself at its issuer. */
export const API_CLIENT = { clientId: 'conformance-api', clientSecret: 'a secret, 100 % & more' }
