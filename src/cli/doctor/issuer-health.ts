/**
 * Checks an issuer as an API uses it: its metadata, its keys, its clock and its latency. The
 * functions are those of the plugin, so a key set that passes here also passes in the API.
 */
import { ASYMMETRIC_ALGORITHMS } from '../../base/algorithms.js'
import { failureText } from '../../errors/failure-text.js'
import { fetchJson, withoutQuery } from '../../http/fetch-json.js'
import { discover } from '../../http/metadata.js'
import type { ResolvedKeys } from '../../issuer/keys-option.js'
import type { ResolvedIssuer } from '../../issuer/options.js'
import { importKeySet, type KeySet, listOfSkipped } from '../../keys/key-set.js'
import { durationOf } from '../explain/time.js'
import { checkCertificate, NO_TLS } from './certificate.js'
import type { HealthCheck } from './health-check.js'
import { checkTiming, ResponseRecorder, type TimedResponse } from './response-timing.js'

/** The default of the option `jwks.maxKeys`. */
const MAX_KEYS = 100

export interface IssuerHealthOptions {
  readonly issuer: ResolvedIssuer
  /** Timeout of each exchange, in milliseconds. */
  readonly timeout: number
  readonly now: () => number
}

export async function checkIssuer(options: IssuerHealthOptions): Promise<readonly HealthCheck[]> {
  const { issuer, timeout, now } = options
  const recorder = new ResponseRecorder(now)
  const { responses } = recorder
  // doctor has no flags for a secret or for static keys.
  const { jwksUri: known } = issuer.keys as Extract<ResolvedKeys, { readonly from: 'remote' }>
  const first = new URL(known ?? issuer.issuer)
  const certificate = await checkCertificate(first, { timeout, now: now() })
  const { check: metadata, jwksUri } = await checkMetadata(known, recorder, options)
  if (jwksUri === undefined) return [certificate, ...metadata, ...checkTiming(responses)]
  const other = new URL(jwksUri)
  return [
    certificate,
    ...(other.host === first.host ? [] : [await checkCertificate(other, { timeout, now: now() })]),
    ...metadata,
    ...(await checkKeys(jwksUri, recorder, options)),
    ...checkTiming(responses),
  ]
}

async function checkMetadata(
  known: string | undefined,
  recorder: ResponseRecorder,
  { issuer: { issuer, allowHttp }, timeout }: IssuerHealthOptions,
): Promise<{ readonly check: readonly HealthCheck[]; readonly jwksUri: string | undefined }> {
  const name = 'metadata'
  if (known !== undefined) {
    const found = 'not read: the URL of the key set is known'
    return { check: [{ name, outcome: 'passed', found }], jwksUri: known }
  }
  try {
    const { jwksUri } = await recorder.within(timeout, (exchange) =>
      discover(issuer, { ...exchange, allowHttp }),
    )
    return {
      check: [
        {
          name,
          outcome: 'passed',
          found: `${tried(recorder.responses)}; "jwks_uri" is ${jwksUri}`,
        },
      ],
      jwksUri,
    }
  } catch (error) {
    const found = failureText(error)
    return {
      check: [{ name, outcome: 'failed', found, advice: metadataAdvice(found, issuer) }],
      jwksUri: undefined,
    }
  }
}

function tried(responses: readonly TimedResponse[]): string {
  const lines = responses.map(
    ({ url, status, latencyMs }) => `${url}: ${status} after ${Math.round(latencyMs)} ms`,
  )
  return lines.join(', ')
}

function metadataAdvice(reason: string, issuer: string): string {
  if (/a redirect/.test(reason)) {
    return 'Redirects are not followed: set the issuer to the final address, exactly as "issuer" in the metadata there.'
  }
  if (/names the issuer/.test(reason)) {
    return 'Set the issuer of the API to the identifier that the metadata names, exactly, if you trust it.'
  }
  if (/"jwks_uri" that is not an https URL/.test(reason)) {
    return 'Have the issuer publish an https URL; or, in a development network, set the option "dangerouslyAllowHttp" (--dangerously-allow-http here).'
  }
  if (/ENOTFOUND|EAI_AGAIN/.test(reason)) {
    return 'The host name cannot be resolved: correct the issuer, or the DNS settings of this machine.'
  }
  if (/WRONG_VERSION_NUMBER/.test(reason)) return NO_TLS
  if (/CERT|SELF_SIGNED|UNABLE_TO/i.test(reason)) return 'Fix the certificate first, as said above.'
  if (/ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|within \d+ ms/.test(reason)) {
    return 'Check that the issuer runs, and that firewalls and proxies let this machine connect to it.'
  }
  return `Check that ${issuer} is spelled exactly as in the "iss" of a token (explain shows it). If the issuer publishes no metadata, set the URL of its key set with --jwks-uri and the option "jwksUri".`
}

async function checkKeys(
  jwksUri: string,
  recorder: ResponseRecorder,
  { issuer: { algorithms }, timeout }: IssuerHealthOptions,
): Promise<readonly HealthCheck[]> {
  const name = 'keys'
  try {
    const { set, maxAge } = await recorder.within(timeout, async (exchange) => {
      const { body, maxAge } = await fetchJson(jwksUri, exchange)
      return { set: await importKeySet(body, MAX_KEYS, exchange.signal), maxAge }
    })
    return describeKeys(set, maxAge, algorithms)
  } catch (error) {
    const found = `${withoutQuery(jwksUri)}: ${failureText(error)}`
    const advice =
      'Open the URL from this machine (curl -v). It must respond with 200 and a JWK Set of public keys, without a redirect. Its keys need "kty", RSA keys 2048 to 8192 bits, and neither "use": "enc" nor private members.'
    return [{ name, outcome: 'failed', found, advice }]
  }
}

function describeKeys(
  set: KeySet,
  maxAge: number | undefined,
  accepted: ResolvedIssuer['algorithms'],
): readonly HealthCheck[] {
  const published = ASYMMETRIC_ALGORITHMS.filter((alg) => set.find(alg, undefined).length > 0)
  const usable = published.filter((algorithm) => accepted.has(algorithm))
  const caching = maxAge === undefined ? 'no Cache-Control' : `cacheable for ${durationOf(maxAge)}`
  const found = `${set.size} usable ${set.size === 1 ? 'key' : 'keys'} for ${published.join(', ')}; ${caching}`
  const keys: HealthCheck =
    usable.length > 0
      ? { name: 'keys', outcome: 'passed', found }
      : {
          name: 'keys',
          outcome: 'failed',
          found: `${found}, of which --algorithms (${[...accepted].join(', ')}) accepts none`,
          advice: `Add the algorithm with which the issuer signs to "algorithms": ${published.join(' or ')}.`,
        }
  if (set.skipped.length === 0) return [keys]
  return [
    keys,
    {
      name: 'unused keys',
      outcome: 'warning',
      found: listOfSkipped(set.skipped).join('; '),
      advice:
        'Tokens that these keys sign are rejected. Keys for encryption ("use": "enc") need no fix; have the issuer correct or remove the others.',
    },
  ]
}
