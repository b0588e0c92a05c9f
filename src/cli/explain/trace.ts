/**
 * Checks a token with the functions of the pipeline, but does not stop at the first rejection: for
 * an expired token for another API, both failures are reported.
 */
import { AccessToken } from '../../access-token/access-token.js'
import { type AccessTokenClaims, timesOf } from '../../access-token/access-token-claims.js'
import { readConfirmation } from '../../access-token/confirmation.js'
import type { Algorithm } from '../../base/algorithms.js'
import { bearerToken } from '../../credentials/bearer.js'
import type { ResolvedDecryption } from '../../decryption/options.js'
import { MissingCredentialsError } from '../../errors/errors.js'
import { andThen } from '../../errors/result.js'
import { type Issuer, resolveAlgorithm } from '../../issuer/issuer.js'
import { compilePolicy, type Policy, type Requirement } from '../../policy/requirement.js'
import type { Core } from '../../server/assembly.js'
import { checkAudience } from '../../token/audience.js'
import {
  checkClaimsOfIssuer,
  checkTimes,
  type TimeLimits,
  verifyWellFormed,
} from '../../token/claims.js'
import {
  type Claims,
  type CompactJws,
  type ParsedJws,
  parseCompactJws,
  withClaims,
} from '../../token/compact-jws.js'
import { findSigningKey } from '../../token/find-signing-key.js'
import { KnownHeaders } from '../../token/known-headers.js'
import { checkIsAccessToken } from '../../token/token-type.js'
import { printable, printableJson } from '../printable.js'
import { adviser } from './advice.js'
import { Checklist } from './checklist.js'
import { type EncryptedLayer, readEncryptedLayer } from './encrypted-layer.js'
import type { GivenToken } from './given-token.js'
import type { ObservedFetch } from './observed-fetch.js'
import type { Step } from './step.js'
import { describeAge, describeExpiry, timeOf } from './time.js'

/** The configuration of one issuer, the requirement of the route, and the time of the check. */
export interface TraceInput {
  readonly core: Core
  readonly limits: TimeLimits
  readonly maxTokenLength: number
  /** The option `decryption`; `undefined` if it is not set. */
  readonly decryption: ResolvedDecryption | undefined
  readonly observed: ObservedFetch
  readonly requirement: Requirement
  /** The time of the check, in whole seconds since the epoch. */
  readonly now: number
}

export interface Trace {
  readonly steps: readonly Step[]
  /** The parsed token, or the parsed content of an encrypted one; `undefined` if it is malformed. */
  readonly jws: ParsedJws | undefined
  /** The outer layer of an encrypted token; `undefined` if the token is not encrypted. */
  readonly layer: EncryptedLayer | undefined
  /** Whether the token is encrypted and was decrypted. */
  readonly isDecrypted: boolean
}

export async function trace(given: GivenToken, options: TraceInput): Promise<Trace> {
  const { core } = options
  const { authorization, isHeader, token: raw } = given
  const [issuer] = core.issuers.issuers() as readonly [Issuer]
  const layer = readEncryptedLayer(raw)
  const read: ReadToken = { jwt: undefined, jws: undefined }
  const facts = { ...options, given, issuer, layer, jwt: () => read.jwt, token: () => read.jws }
  const list = new Checklist(adviser(facts))
  await list.try(
    'credentials',
    () =>
      bearerToken({ rawHeaders: ['authorization', authorization] }) ??
      new MissingCredentialsError(),
    () => `one token of ${raw.length} characters${isHeader ? ', read from the header' : ''}`,
  )
  read.jwt = await tryDecryption(raw, layer, list, options)
  const isDecrypted = read.jwt !== undefined && read.jwt !== raw
  const jws = await tryJwt(read, isDecrypted, list, options)
  if (jws !== undefined) {
    const trusted = await trySignature(jws, issuer, list, options)
    if (read.jws !== undefined) await tryPayload(read.jws, trusted, list, options)
  }
  return { steps: list.steps(), jws: read.jws, layer, isDecrypted }
}

/** The parts of the token that are read so far, for the advice. */
interface ReadToken {
  /** The token, or its decrypted content; `undefined` if the token is not decrypted. */
  jwt: string | undefined
  jws: ParsedJws | undefined
}

/** Returns the token, or its decrypted content; `undefined` if the decryption failed. */
async function tryDecryption(
  raw: string,
  layer: EncryptedLayer | undefined,
  list: Checklist,
  { core: { decrypter }, maxTokenLength }: TraceInput,
): Promise<string | undefined> {
  if (layer === undefined || decrypter === undefined || raw.length > maxTokenLength) return raw
  const decrypted = await list.try(
    'token',
    () => decrypter.decrypt(raw),
    () => 'an encrypted token of five parts',
  )
  if (decrypted === undefined) return undefined
  const { alg, enc, kid } = layer.header
  const named = kid === undefined ? 'no "kid"' : `"kid": ${printableJson(kid)}`
  list.pass('decryption', `${alg} with ${enc}, ${named}`)
  return decrypted.result
}

/** Returns the JWT, and also stores it in `read` if its claims can be parsed. */
async function tryJwt(
  read: ReadToken,
  isDecrypted: boolean,
  list: Checklist,
  { core, maxTokenLength }: TraceInput,
): Promise<CompactJws | undefined> {
  const { jwt } = read
  if (jwt === undefined) return undefined
  const seen = () =>
    isDecrypted ? 'an encrypted token with a signed JWT in it' : 'a signed JWT of three parts'
  const compact = await list.try(
    'token',
    () => parseCompactJws(jwt, maxTokenLength, new KnownHeaders()),
    seen,
  )
  if (compact === undefined) return undefined
  if (!isDecrypted) await tryUnencrypted(list, core)
  const parsed = await list.try('token', () => withClaims(compact.result), seen)
  read.jws = parsed?.result
  return compact.result
}

async function tryUnencrypted(list: Checklist, { decrypter }: Core): Promise<void> {
  await list.try(
    'decryption',
    () => decrypter?.checkUnencrypted(),
    () => 'not encrypted',
  )
}

async function trySignature(
  jws: CompactJws,
  configured: Issuer,
  list: Checklist,
  { core }: TraceInput,
): Promise<Issuer> {
  const { issuerClaims: claims, header } = jws
  const trusted = await list.try(
    'issuer',
    () => core.issuers.resolve(claims, undefined),
    () => printableJson(claims.iss),
  )
  // If the issuer is untrusted, the other steps apply the rules of the configured issuer.
  const issuer = trusted?.result ?? configured
  const algorithm = await list.try(
    'algorithm',
    () => resolveAlgorithm(issuer, header.alg),
    () => header.alg,
  )
  // The keys of an untrusted issuer are never fetched.
  if (trusted !== undefined && algorithm !== undefined) {
    await trySigner(list, jws, issuer, algorithm.result, core.counters)
  }
  return issuer
}

async function tryPayload(
  jws: ParsedJws,
  issuer: Issuer,
  list: Checklist,
  options: TraceInput,
): Promise<void> {
  await tryClaims(list, jws, issuer, options)
  const { binding } = options.core
  await list.try(
    'binding',
    () =>
      andThen(readConfirmation(jws.claims), (confirmation) => binding.checkProvable(confirmation)),
    () => 'no "cnf": a bearer token',
  )
}

async function trySigner(
  list: Checklist,
  jws: CompactJws,
  { keys: source, profile }: Issuer,
  algorithm: Algorithm,
  counters: Core['counters'],
): Promise<void> {
  const { kid } = jws.header
  const named = kid === undefined ? 'no "kid": every suitable key' : printableJson(kid)
  const signer = await list.try(
    'key',
    () => findSigningKey({ jws, algorithm, source, counters }),
    () => named,
  )
  if (signer === undefined) return
  list.pass('signature', 'valid')
  await list.try(
    'key',
    () => profile.checkKey?.(signer.result.issuer, jws.issuerClaims as AccessTokenClaims),
    () => named,
  )
}

async function tryClaims(
  list: Checklist,
  jws: ParsedJws,
  { expectations, profile }: Issuer,
  { core, limits, requirement, now }: TraceInput,
): Promise<void> {
  const { claims, header, raw } = jws
  await list.try(
    'type',
    () => checkIsAccessToken(jws, expectations),
    () => (header.typ === undefined ? 'no "typ"' : `"typ": ${printableJson(header.typ)}`),
  )
  const { requiredClaims } = expectations
  const present = ['iss', 'exp', ...requiredClaims].map((name) => `"${name}"`).join(', ')
  const wellFormed = await list.try(
    'claims',
    () => verifyWellFormed(claims),
    () => present,
  )
  await list.try(
    'claims',
    () => checkClaimsOfIssuer(claims, expectations),
    () => present,
  )
  await list.try(
    'audience',
    () => checkAudience(claims, expectations),
    () => describeAudience(claims, expectations),
  )
  if (wellFormed === undefined) return
  const { result } = wellFormed
  await tryTimes(list, result, limits, now)
  const token = new AccessToken({
    raw,
    claims: result,
    reader: profile,
    hierarchy: core.hierarchy,
  })
  // Two policies, so that a missing scope does not hide other failures.
  const { scope, ...rest } = requirement
  const ofScope = compilePolicy(scope === undefined ? {} : { scope }, core.clock, undefined)
  const others = compilePolicy(rest, core.clock, undefined)
  await list.try(
    'scope',
    () => ofScope.check(token, undefined),
    () => `granted: ${printable([...token.scope].join(' ')) || 'no scope'}`,
  )
  await list.try(
    'policy',
    () => others.check(token, undefined),
    () => describePolicy(others, rest),
  )
}

function describePolicy({ memberships }: Policy<unknown>, { claims = {} }: Requirement): string {
  const required = [
    ...memberships.map(({ expected }) => expected),
    ...Object.keys(claims).map((name) => `the claim "${name}"`),
  ]
  return required.join(', ') || 'no requirement (--role, --group, --permission, --claim)'
}

/** Checks `exp`, `nbf` and `iat` separately, so that each failure is reported. */
async function tryTimes(
  list: Checklist,
  claims: AccessTokenClaims,
  limits: TimeLimits,
  now: number,
): Promise<void> {
  const { exp, nbf, iat } = timesOf(claims)
  const absent = { exp: Number.POSITIVE_INFINITY, nbf: undefined, iat: undefined }
  const withoutAge = { ...limits, maxTokenAge: undefined }
  await list.try(
    'expiry',
    () => checkTimes({ ...absent, exp }, withoutAge, now),
    () => describeExpiry(exp, now),
  )
  await list.try(
    'not-before',
    () => checkTimes({ ...absent, nbf }, withoutAge, now),
    () => (nbf === undefined ? 'no "nbf"' : `valid from ${timeOf(nbf)}`),
  )
  await list.try(
    'issued-at',
    () => checkTimes({ ...absent, iat }, withoutAge, now),
    () => (iat === undefined ? 'no "iat"' : `issued ${timeOf(iat)}`),
  )
  await list.try(
    'age',
    () => checkTimes({ ...absent, iat }, limits, now),
    () => describeAge(iat, limits.maxTokenAge, now),
  )
}

function describeAudience(
  claims: Claims,
  { audienceClaims, claimsInsteadOfAudience }: Issuer['expectations'],
): string {
  const names = claimsInsteadOfAudience?.keys() ?? audienceClaims
  const found = [...names]
    .filter((name) => Object.hasOwn(claims, name))
    .map((name) => `"${name}": ${printableJson(claims[name])}`)
    .join(', ')
  return claimsInsteadOfAudience === undefined ? found : `not compared; ${found || 'any token'}`
}
