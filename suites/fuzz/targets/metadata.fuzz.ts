/**
 * Metadata documents over HTTP, at the three places where they may be: nearly right, broken, naming
 * other issuers and other hosts. Keys come from the first document that names exactly the issuer and
 * an address that may be asked, and from nowhere else (D1, D2, D3); the answer is 200, 401 or 503.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { canParseUrl } from '../../../src/base/can-parse-url.js'
import { createResourceServer } from '../../../src/index.js'
import { forge, NOW } from '../../../test/fixtures/forgery.js'
import { AUDIENCE } from '../../../test/fixtures/issuer.js'
import { json } from '../../../test/fixtures/key-server.js'
import { bodyOf, type Sent, sent } from '../arbitraries/documents.js'
import { jsonValue } from '../arbitraries/json.js'
import { type Change, changed, changesTo } from '../arbitraries/members.js'
import { onlyTo, startDocumentServer } from '../stage/document-server.js'
import { ed25519 } from '../stage/fixed-keys.js'
import { verdictOf } from '../stage/verdict.js'
import type { Target } from '../target.js'

interface Place {
  readonly document: readonly Change[] | string
  readonly sent: Sent
}

const ADDRESSES = [
  ...['https://a.example/keys', 'http://a.example/keys', 'https://u:p@a.example/', 'file:///etc'],
  ...['//a.example/keys', '/keys', '', 'javascript:0', 'https://[::1', 'http://127.0.0.1:1/keys'],
  ...['https://issuer.example', 'HTTPS://A.EXAMPLE', ' https://a.example', 'data:,{}'],
].map((text) => JSON.stringify(text))

const place: fc.Arbitrary<Place> = fc.record({
  document: fc.oneof(
    { weight: 8, arbitrary: changesTo({ issuer: ADDRESSES, jwks_uri: ADDRESSES }) },
    { weight: 1, arbitrary: jsonValue },
  ),
  sent: sent('application/json'),
})

const PLACES = [
  '/oauth2/default/.well-known/openid-configuration',
  '/.well-known/openid-configuration/oauth2/default',
  '/.well-known/oauth-authorization-server/oauth2/default',
]

export const metadata: Target<readonly Place[]> = {
  name: 'metadata',
  share: 0.002,
  cases: fc.tuple(place, place, place),
  mustSee: ['accepted', '503 keys-unavailable'],
  async open() {
    const server = await startDocumentServer()
    const signer = ed25519('issuer')
    server.respond('/keys', json({ keys: [signer.publicJwk] }))
    const { issuer, jwksUri } = server
    const raw = forge(signer, { claims: { iss: issuer } })
    return {
      async play(places) {
        const good = { issuer, jwks_uri: jwksUri }
        const addresses = places.map(({ document, sent }, i) => {
          const text = typeof document === 'string' ? document : changed(good, document)
          server.serve(PLACES[i] as string, text, sent)
          return addressIn(bodyOf(text, sent), sent, issuer)
        })
        const { strangers, fetchHere } = onlyTo(server.origin)
        const api = await createResourceServer({
          issuer,
          audience: AUDIENCE,
          jwks: { fetch: fetchHere },
          now: () => NOW * 1000,
        })
        const verdict = await verdictOf(api.verify(raw))
        await api.close()
        assert.match(verdict, /^(?:accepted|503 keys-unavailable)$/)
        const address = addresses.find((found) => found !== undefined)
        assert.equal(
          verdict === 'accepted',
          normalized(address) === jwksUri,
          `${verdict}: ${addresses}`,
        )
        for (const url of strangers) {
          assert.equal(normalized(url), normalized(address), 'asked for what no document names')
          assert.ok(isSecure(new URL(url)), url)
        }
        assert.equal(server.count('/moved'), 0, 'followed a redirect')
        return verdict
      },
      close: server.close,
    }
  },
}

/** Where the keys are, if the document is one that may say so; `broken` ends the search. */
function addressIn(body: Buffer, { status, headers }: Sent, issuer: string): string | undefined {
  // The issuer asks for no further requests.
  if (status === 429 || status === 503) return 'broken'
  if (status !== 200) return undefined
  // What can't be decompressed is as if the host wasn't there. Two bytes tell that it can't.
  if (headers['content-encoding'] === 'gzip') return body.length > 1 ? 'broken' : undefined
  const document = parsed(body.toString().replace(/^\ufeff/, ''))
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return undefined
  const { issuer: named, jwks_uri: address } = document as Record<string, unknown>
  if (named !== issuer || typeof address !== 'string' || !canParseUrl(address)) return undefined
  const url = new URL(address)
  return isSecure(url) && url.username === '' ? address : undefined
}

/** An issuer on loopback may name other addresses there: 127.0.0.0/8 is what they all are. */
function isSecure({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && /^127\.[\d.]+$/.test(hostname))
}

/** However the document spells it. */
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
