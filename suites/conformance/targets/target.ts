/** An API that the suite can test: its features, and how to start it. */
import type { JWK } from 'jose'
import type { Feature } from '../check.js'

/** Configuration with which the API accepts the suite's tokens. */
export interface TargetOptions {
  readonly issuer: string
  readonly jwksUri: string
  readonly audience: string
  /** The API's private key, for a target that decrypts tokens. */
  readonly decryptionKey: JWK
  readonly now: () => number
  /** The issuer never responds, so the API should use a short timeout if it has one. */
  readonly hasShortTimeout?: boolean
  /** The API receives few requests, so small caches are sufficient. */
  readonly hasSmallCaches?: boolean
}

export interface RunningApi {
  readonly url: string
  close(): Promise<void>
}

export interface Target {
  /** For the table's head. */
  readonly name: string
  readonly features: ReadonlySet<Feature>
  /** `resource` of its metadata (RFC 9728), if it publishes any. */
  readonly resource?: string | undefined
  start(trusted: TargetOptions): Promise<RunningApi>
}

export const AUDIENCE = 'api://default'
/** The scope that `GET /orders` requires. */
export const SCOPE = 'orders:read'
/** The authentication that `GET /transfers` requires. */
export const STEP_UP = { acr: 'phr', maxAge: 300 } as const
/** The actor that `GET /delegated` accepts. */
export const ACTOR = { subject: 'trusted-agent' } as const
/** The authorization details that `GET /payments` requires. */
export const PAYMENT = { type: 'payment', actions: 'initiate' } as const
/** The origin that CORS allows. */
export const ORIGIN = 'https://app.example'
/** The API's client credentials at its issuer. */
export const API_CLIENT = { clientId: 'conformance-api', clientSecret: 'a secret, 100 % & more' }
