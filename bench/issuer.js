/**
 * The authorization server of the benchmark. It serves what the rows fetch: metadata (RFC 8414,
 * OpenID Connect Discovery) and the key set. Its port is fixed, because the cached tokens contain
 * it in `iss`.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'

export const issuerAt = (port) => `http://127.0.0.1:${port}/oauth2/default`

export class KeySetServer {
  keySetFetches = 0
  #server

  async listen(port, jwks) {
    const issuer = issuerAt(port)
    const metadata = {
      issuer,
      jwks_uri: `${issuer}/v1/keys`,
      authorization_endpoint: `${issuer}/v1/authorize`,
      token_endpoint: `${issuer}/v1/token`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    }
    const documents = {
      '/oauth2/default/.well-known/openid-configuration': metadata,
      '/oauth2/default/v1/keys': jwks,
    }
    this.#server = createServer((request, response) => {
      const document = documents[request.url]
      if (document === jwks) this.keySetFetches++
      response.writeHead(document === undefined ? 404 : 200, {
        'content-type': 'application/json',
        'cache-control': 'max-age=86400',
      })
      response.end(JSON.stringify(document ?? {}))
    })
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  close() {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
