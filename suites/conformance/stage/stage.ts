/** All that a check has: the API, its authorization server, and the means to start both anew. */
import {
  type AuthorizationServer,
  createAuthorizationServer,
  type DPoPKey,
  generateDPoPKey,
  testClient,
} from 'fastify-resource-server/testing'
import { makeCertificate, type TestCertificate } from '../../../test/fixtures/certificates.js'
import { API_CLIENT, AUDIENCE, type Target } from '../targets/target.js'
import { Api } from './api.js'
import { makeSuiteKeys, published, type SuiteKeys } from './keys.js'
import { type ScriptedIssuer, startScriptedIssuer } from './scripted-issuer.js'

export interface Properties {
  readonly keys: SuiteKeys
  readonly dpopKey: DPoPKey
  readonly certificates: { readonly mine: TestCertificate; readonly others: TestCertificate }
}

export async function makeProperties(): Promise<Properties> {
  const [keys, dpopKey, mine, others] = await Promise.all([
    makeSuiteKeys(),
    generateDPoPKey(),
    makeCertificate('client'),
    makeCertificate('another client'),
  ])
  return { keys, dpopKey, certificates: { mine, others } }
}

/** A second API, whose issuer says what the check tells it to. */
export interface SideStage extends AsyncDisposable {
  readonly api: Api
  /** Moves the clock of the API, and of the tokens made for it. */
  advance(seconds: number): void
}

export class Stage implements AsyncDisposable {
  readonly target: Target
  readonly properties: Properties
  readonly authorizationServer: AuthorizationServer
  readonly api: Api
  readonly #close: () => Promise<void>

  private constructor(
    target: Target,
    properties: Properties,
    authorizationServer: AuthorizationServer,
    running: { url: string; close(): Promise<void> },
  ) {
    this.target = target
    this.properties = properties
    this.authorizationServer = authorizationServer
    this.#close = () => running.close()
    this.api = new Api({
      ...properties,
      url: running.url,
      issuer: authorizationServer.issuer,
      audience: AUDIENCE,
      features: target.features,
      now: Date.now,
    })
  }

  static async open(target: Target, properties: Properties, port = 0): Promise<Stage> {
    const server = await createAuthorizationServer({ port, clients: [testClient, API_CLIENT] })
    for (const jwk of published(properties.keys)) server.publishKey(jwk)
    try {
      const { issuer, jwksUri } = server
      const running = await target.start({ issuer, jwksUri, audience: AUDIENCE, now: Date.now })
      return new Stage(target, properties, server, running)
    } catch (error) {
      await server.close()
      throw error
    }
  }

  /** The authorization server tells the truth again, but for the tokens that it can't know. */
  reset(): void {
    const { api, authorizationServer } = this
    authorizationServer.recover()
    if (api.has('introspects-always') || api.has('recheck')) {
      authorizationServer.answerIntrospectionWith((truth) =>
        truth.active === true ? truth : activeAnswer(api),
      )
    } else {
      authorizationServer.answerIntrospectionWith()
    }
  }

  issuer(keys: readonly object[] = published(this.properties.keys)): Promise<ScriptedIssuer> {
    return startScriptedIssuer(keys)
  }

  /** The same API once more, for an issuer of the check's own. */
  async anew(
    { issuer, jwksUri, state }: ScriptedIssuer,
    { isImpatient = false } = {},
  ): Promise<SideStage> {
    let ahead = 0
    const now = () => Date.now() + ahead
    const trusted = { issuer, jwksUri, audience: AUDIENCE, now, isImpatient, isSmall: true }
    const running = await this.target.start(trusted)
    const { features } = this.target
    const { url } = running
    const api = new Api({ ...this.properties, url, issuer, audience: AUDIENCE, features, now })
    state.said = activeAnswer(api)
    if (api.has('signed-responses')) state.said = signedAnswer(api, activeAnswer(api))
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

/** What an issuer says of a token that is good at this API. */
export function activeAnswer(api: Api, members: Record<string, unknown> = {}) {
  // Longer than a JWT lives, and silent about what a JWT says itself.
  const usual = { exp: api.seconds() + 86_400, scope: undefined }
  return { active: true, ...api.claims({ ...usual, ...members }) }
}

/** RFC 9701 §5. */
export function signedAnswer(
  api: Api,
  answer: object,
  { header = {}, claims = {}, key = api.options.keys.rs256 } = {},
): string {
  const said = {
    iss: api.options.issuer,
    aud: API_CLIENT.clientId,
    iat: api.seconds(),
    token_introspection: answer,
    ...claims,
  }
  const typ = 'token-introspection+jwt'
  return api.forge({ key, header: { typ, ...header }, claims: JSON.stringify(said) })
}
