/**
 * The authorization server of the benchmark. It serves what the servers fetch: metadata (RFC 8414,
 * OpenID Connect Discovery), key sets, and introspection responses (RFC 7662). Its port is fixed,
 * because the cached tokens contain it in `iss`.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'

/** The issuer of the tokens in files; its path is that of Okta. */
export const DEFAULT_ISSUER = 'oauth2/default'

export class IssuerServer {
  /** Fetches of key sets, by the name of the issuer. */
  keySetFetches = {}
  #base
  #documents = {}
  #server

  async listen(port) {
    this.#base = `http://127.0.0.1:${port}`
    this.#server = createServer((request, response) => {
      const { body, fetched } = this.#documents[request.url] ?? {}
      if (fetched !== undefined) this.keySetFetches[fetched]++
      response.writeHead(body === undefined ? 404 : 200, {
        'content-type': 'application/json',
        'cache-control': 'max-age=86400',
      })
      response.end(JSON.stringify(body ?? {}))
    })
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  /**
   * Adds an issuer, and returns its identifier.
   *
   * @param introspection the response for every token.
   */
  add(name, { jwks, introspection }) {
    const issuer = `${this.#base}/${name}`
    const metadata = {
      issuer,
      jwks_uri: `${issuer}/v1/keys`,
      authorization_endpoint: `${issuer}/v1/authorize`,
      token_endpoint: `${issuer}/v1/token`,
      introspection_endpoint: `${issuer}/v1/introspect`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    }
    this.keySetFetches[name] = 0
    this.#documents[`/${name}/.well-known/openid-configuration`] = { body: metadata }
    this.#documents[`/${name}/v1/keys`] = { body: jwks, fetched: name }
    this.#documents[`/${name}/v1/introspect`] = {
      body: introspection && { ...introspection, iss: issuer },
    }
    return issuer
  }

  close() {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}
