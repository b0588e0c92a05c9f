/** How an issuer is asked about tokens (RFC 7662, RFC 9701). */

import { orThrow } from '../errors/now-or-later.js'
import { createIntrospector } from '../introspection/create-introspector.js'
import type { IntrospectionFailure } from '../introspection/introspection-failure.js'
import { resolveAlgorithm, type TokenIntrospection } from '../issuer/issuer.js'
import type { ResolvedIssuer } from '../issuer/options.js'
import type { KeySource } from '../keys/key-source.js'
import type { Counters } from '../observability/statistics.js'
import { parseCompactJws, withClaims } from '../token/compact-jws.js'
import { KnownHeaders } from '../token/known-headers.js'
import { findSigner } from '../token/signer.js'
import type { ResolvedOptions } from './options.js'

/** Of a signed answer, in characters: as many as an unsigned one may have bytes. */
const MAX_ANSWER_LENGTH = 65_536

export async function assembleIntrospection(
  { issuer, algorithms, audience, introspection, onlyIntrospected, allowHttp }: ResolvedIssuer,
  keys: KeySource,
  { stores, now, steadyNow, logger }: ResolvedOptions,
  counters: Counters,
): Promise<TokenIntrospection | undefined> {
  if (introspection === undefined) return undefined
  const shared = stores.introspection && {
    ...stores.introspection,
    clientId: introspection.client.clientId,
    onFailure: (err: unknown) =>
      logger.warn({ err, issuer }, 'the store of introspection answers could not be asked'),
  }
  const introspector = await createIntrospector({
    ...introspection,
    issuer,
    audience,
    allowHttp,
    now,
    steadyNow,
    shared,
    verifySignature: async (jwt) => {
      const jws = orThrow(parseCompactJws(jwt, MAX_ANSWER_LENGTH, new KnownHeaders()))
      const algorithm = orThrow(resolveAlgorithm({ algorithms }, jws.header.alg))
      orThrow(await findSigner({ jws, algorithm, source: keys, counters }))
      return orThrow(withClaims(jws))
    },
    onFailure: (err: IntrospectionFailure, retryIn) => {
      const details = { err, issuer, retryInMilliseconds: Math.round(retryIn) }
      logger[err.level](details, 'an issuer could not be asked about a token')
    },
  })
  const { mode, opaqueTokens } = introspection
  return { mode, isOnlyWay: onlyIntrospected, opaqueTokens, introspector }
}
