/**
 * Sends metadata documents over HTTP, at the three well-known URLs: nearly valid, malformed, with
 * other issuers and other hosts. The API must fetch keys only from the first document that has
 * exactly the issuer and a permitted `jwks_uri` (D1, D2, D3); the response must be 200, 401 or 503.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { canParseUrl } from '../../../src/base/can-parse-url.js'
import { createResourceServer } from '../../../src/index.js'
import { forge, NOW } from '../../../test/fixtures/forgery.js'
import { AUDIENCE } from '../../../test/fixtures/issuer.js'
import { json } from '../../../test/fixtures/key-server.js'
import { bodyOf, type SentResponse, sentResponse } from '../arbitraries/documents.js'
import { jsonValue } from '../arbitraries/json.js'
import { type Change, changed, changesTo } from '../arbitraries/members.js'
import { fetchOnlyFrom, startDocumentServer } from '../harness/document-server.js'
import { ed25519 } from '../harness/fixed-keys.js'
import { outcomeOf } from '../harness/outcome.js'
import type { Target } from '../target.js'

interface Document {
  readonly document: readonly Change[] | string
  readonly sent: SentResponse
}

const URLS = [
  ...['https://a.example/keys', 'http://a.example/keys', 'https://u:p@a.example/', 'file:///etc'],
  ...['//a.example/keys', '/keys', '', 'javascript:0', 'https://[::1', 'http://127.0.0.1:1/keys'],
  ...['https://issuer.example', 'HTTPS://A.EXAMPLE', ' https://a.example', 'data:,{}'],
].map((text) => JSON.stringify(text))

const place: fc.Arbitrary<Document> = fc.record({
  document: fc.oneof(
    { weight: 8, arbitrary: changesTo({ issuer: URLS, jwks_uri: URLS }) },
    { weight: 1, arbitrary: jsonValue },
  ),
  sent: sentResponse('application/json'),
})

const WELL_KNOWN_PATHS = [
  '/oauth2/default/.well-known/openid-configuration',
  '/.well-known/openid-configuration/oauth2/default',
  '/.well-known/oauth-authorization-server/oauth2/default',
]

export const metadata: Target<readonly Document[]> = {
  name: 'metadata',
  share: 0.002,
  cases: fc.tuple(place, place, place),
  requiredOutcomes: ['accepted', '503 keys-unavailable'],
  async open() {
    const server = await startDocumentServer()
    const signer = ed25519('issuer')
    server.respond('/keys', json({ keys: [signer.publicJwk] }))
    const { issuer, jwksUri } = server
    const raw = forge(signer, { claims: { iss: issuer } })
    return {
      async run(places) {
        const valid = { issuer, jwks_uri: jwksUri }
        const addresses = places.map(({ document, sent }, i) => {
          const text = typeof document === 'string' ? document : changed(valid, document)
          server.serve(WELL_KNOWN_PATHS[i] as string, text, sent)
          return jwksUriIn(bodyOf(text, sent), sent, issuer)
        })
        const { otherUrls, fetchHere } = fetchOnlyFrom(server.origin)
        const api = await createResourceServer({
          issuer,
          audience: AUDIENCE,
          jwks: { fetch: fetchHere },
          now: () => NOW * 1000,
        })
        const outcome = await outcomeOf(api.verify(raw))
        await api.close()
        assert.match(outcome, /^(?:accepted|503 keys-unavailable)$/)
        const address = addresses.find((found) => found !== undefined)
        assert.equal(
          outcome === 'accepted',
          normalized(address) === jwksUri,
          `${outcome}: ${addresses}`,
        )
        for (const url of otherUrls) {
          assert.equal(normalized(url), normalized(address), 'fetched a URL that no document names')
          assert.ok(isSecure(new URL(url)), url)
        }
        assert.equal(server.count('/moved'), 0, 'followed a redirect')
        return outcome
      },
      close: server.close,
    }
  },
}

/** Returns the `jwks_uri` of an acceptable document; `broken` ends the search. */
function jwksUriIn(
  body: Buffer,
  { status, headers }: SentResponse,
  issuer: string,
): string | undefined {
  // The issuer is overloaded, so the API requests no further document.
  if (status === 429 || status === 503) return 'broken'
  if (status !== 200) return undefined
  // A decompression error, which needs at least two bytes, counts as a network error.
  if (headers['content-encoding'] === 'gzip') return body.length > 1 ? 'broken' : undefined
  const document = parsed(body.toString().replace(/^\ufeff/, ''))
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return undefined
  const { issuer: named, jwks_uri: address } = document as Record<string, unknown>
  if (named !== issuer || typeof address !== 'string' || !canParseUrl(address)) return undefined
  const url = new URL(address)
  return isSecure(url) && url.username === '' ? address : undefined
}

/** An issuer on loopback may name other loopback addresses; the cases only use 127.0.0.0/8. */
function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && /^127\.[\d.]+$/.test(hostname))
}

/** Normalizes a URL, so that spellings compare equal. */
function normalized(address = ''): string | undefined {
  return canParseUrl(address) ? new URL(address).href : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
