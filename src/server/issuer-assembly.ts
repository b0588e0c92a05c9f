/** The issuers whose tokens are taken: those of the options, or whom a function answers for. */

import { metadataUrls } from '../http/metadata.js'
import { ConfiguredIssuers } from '../issuer/configured-issuers.js'
import type { Issuer, IssuerSource } from '../issuer/issuer.js'
import type { ResolvedIssuer } from '../issuer/options.js'
import { SharedKeySets } from '../issuer/shared-key-sets.js'
import { TenantIssuers } from '../issuer/tenant-issuers.js'
import type { Counters } from '../observability/statistics.js'
import { assembleIntrospection } from './introspection-assembly.js'
import { assembleKeys } from './keys-assembly.js'
import type { ResolvedOptions } from './options.js'

export async function assembleIssuers(
  options: ResolvedOptions,
  counters: Counters,
): Promise<IssuerSource> {
  const { issuers, steadyNow } = options
  if (issuers.from === 'options') {
    const assembling = issuers.issuers.map((issuer) => assembleIssuer(issuer, options, counters))
    return new ConfiguredIssuers(await Promise.all(assembling))
  }
  const sets = new SharedKeySets(issuers.maxEntries)
  return new TenantIssuers({
    ...issuers,
    now: steadyNow,
    assemble: async (iss, answer) =>
      assembleIssuer(issuers.resolve(iss, answer), options, counters, sets),
    closeKeySets: () => sets.close(),
  })
}

async function assembleIssuer(
  resolved: ResolvedIssuer,
  options: ResolvedOptions,
  counters: Counters,
  sets?: SharedKeySets,
): Promise<Issuer> {
  const { issuer, profile, audience, algorithms } = resolved
  const keys = await assembleKeys(resolved, options, sets)
  return {
    issuer,
    algorithms,
    profile,
    expectations: { audience, ...profile },
    keys,
    introspection: await assembleIntrospection(resolved, keys, options, counters),
  }
}

export function namedIssuers({
  issuers,
}: ResolvedOptions): ReadonlyMap<string, string | undefined> {
  if (issuers.from === 'application') return new Map()
  return new Map(
    issuers.issuers.map(({ issuer, keys }) => {
      const isDiscovered = keys.from === 'remote' && keys.jwksUri === undefined
      return [issuer, isDiscovered ? metadataUrls(issuer)[0] : undefined]
    }),
  )
}
