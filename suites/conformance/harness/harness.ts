/**
 * Provides a check with the API, its authorization server, and a function that starts other APIs.
 */
import {
  type AuthorizationServer,
  createAuthorizationServer,
  type DPoPKey,
  generateDPoPKey,
  testClient,
} from 'fastify-resource-server/testing'
import { makeCertificate, type TestCertificate } from '../../../test/fixtures/certificates.js'
import { type EncryptionKey, encryptionKey } from '../../../test/fixtures/encryption.js'
import { API_CLIENT, AUDIENCE, type Target } from '../targets/target.js'
import { Api } from './api.js'
import { makeSuiteKeys, published, type SuiteKeys } from './keys.js'
import { type ScriptedIssuer, startScriptedIssuer } from './scripted-issuer.js'

export interface TestCredentials {
  readonly keys: SuiteKeys
  readonly dpopKey: DPoPKey
  /** The key pair of an API that decrypts tokens. */
  readonly encryptionKey: EncryptionKey
  readonly certificates: { readonly mine: TestCertificate; readonly others: TestCertificate }
}

export async function createTestCredentials(): Promise<TestCredentials> {
  const [keys, dpopKey, encryption, mine, others] = await Promise.all([
    makeSuiteKeys(),
    generateDPoPKey(),
    encryptionKey('ECDH-ES', 'suite-decryption'),
    makeCertificate('client'),
    makeCertificate('another client'),
  ])
  return { keys, dpopKey, encryptionKey: encryption, certificates: { mine, others } }
}

/** A second instance of the API, which trusts a scripted issuer. */
export interface SecondApi extends AsyncDisposable {
  readonly api: Api
  /** Moves the clock of the API and of the tokens that the suite forges for the API. */
  advance(seconds: number): void
}

export class Harness implements AsyncDisposable {
  readonly target: Target
  readonly credentials: TestCredentials
  readonly authorizationServer: AuthorizationServer
  readonly api: Api
  readonly #close: () => Promise<void>

  private constructor(
    target: Target,
    credentials: TestCredentials,
    authorizationServer: AuthorizationServer,
    running: { url: string; close(): Promise<void> },
  ) {
    this.target = target
    this.credentials = credentials
    this.authorizationServer = authorizationServer
    this.#close = () => running.close()
    this.api = new Api({
      ...credentials,
      url: running.url,
      issuer: authorizationServer.issuer,
      audience: AUDIENCE,
      features: target.features,
      now: Date.now,
    })
  }

  static async open(target: Target, credentials: TestCredentials, port = 0): Promise<Harness> {
    const server = await createAuthorizationServer({ port, clients: [testClient, API_CLIENT] })
    for (const jwk of published(credentials.keys)) server.publishKey(jwk)
    try {
      const { issuer, jwksUri } = server
      const running = await target.start({
        issuer,
        jwksUri,
        audience: AUDIENCE,
        decryptionKey: credentials.encryptionKey.privateJwk,
        now: Date.now,
      })
      return new Harness(target, credentials, server, running)
    } catch (error) {
      await server.close()
      throw error
    }
  }

  /**
   * Restores correct introspection responses, except for forged tokens, which are always active.
   */
  reset(): void {
    const { api, authorizationServer } = this
    authorizationServer.recover()
    if (api.has('introspects-always') || api.has('recheck')) {
      authorizationServer.answerIntrospectionWith((response) =>
        response.active === true ? response : activeResponse(api),
      )
    } else {
      authorizationServer.answerIntrospectionWith()
    }
  }

  startIssuer(keys: readonly object[] = published(this.credentials.keys)): Promise<ScriptedIssuer> {
    return startScriptedIssuer(keys)
  }

  /** Starts the API again, with a scripted issuer. */
  async startSecondApi(
    { issuer, jwksUri, state }: ScriptedIssuer,
    { isImpatient = false } = {},
  ): Promise<SecondApi> {
    let ahead = 0
    const now = () => Date.now() + ahead
    const running = await this.target.start({
      issuer,
      jwksUri,
      audience: AUDIENCE,
      decryptionKey: this.credentials.encryptionKey.privateJwk,
      now,
      hasShortTimeout: isImpatient,
      hasSmallCaches: true,
    })
    const { features } = this.target
    const { url } = running
    const api = new Api({ ...this.credentials, url, issuer, audience: AUDIENCE, features, now })
    state.response = activeResponse(api)
    if (api.has('signed-responses')) state.response = signedResponse(api, activeResponse(api))
    return {
      api,
      advance: (seconds) => {
        ahead += seconds * 1000
        api.forgetNonce()
      },
      [Symbol.asyncDispose]: () => running.close(),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
    await this.authorizationServer.close()
  }
}

/** Returns the introspection response for a token that is valid at this API. */
export function activeResponse(api: Api, members: Record<string, unknown> = {}) {
  // Sets an exp later than in every JWT, and no scope, so that a JWT's own claims decide.
  const defaults = { exp: api.nowSeconds() + 86_400, scope: undefined }
  return { active: true, ...api.claims({ ...defaults, ...members }) }
}

/** Returns a signed introspection response (RFC 9701 §5). */
export function signedResponse(
  api: Api,
  response: object,
  { header = {}, claims = {}, key = api.options.keys.rs256 } = {},
): string {
  const payload = {
    iss: api.options.issuer,
    aud: API_CLIENT.clientId,
    iat: api.nowSeconds(),
    token_introspection: response,
    ...claims,
  }
  const typ = 'token-introspection+jwt'
  return api.forge({ key, header: { typ, ...header }, claims: JSON.stringify(payload) })
}
