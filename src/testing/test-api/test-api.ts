import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import type { AuthorizationServer } from '../authorization-server/authorization-server.js'
import { createAuthorizationServer } from '../authorization-server/create-authorization-server.js'
import type { AuthorizationServerOptions } from '../authorization-server/options.js'
import type { ClaimOverrides } from '../authorization-server/tokens/issue-token-options.js'
import type { TokenProfileName } from '../authorization-server/tokens/token-profiles.js'
import { requireObjects } from '../known-options.js'
import type { Scope } from '../scope-values.js'

/** What `testApi` needs of an application: a Fastify instance has it, and also NestJS's. */
export interface InjectableApp {
  /** Sends a request to the application without a network connection. */
  inject(request: InjectOptions | string): Promise<LightMyRequestResponse>
  /** Closes the application. */
  close(): PromiseLike<unknown>
}

/** The options of the plugin that name the embedded authorization server. */
export interface EmbeddedIssuerOptions {
  /** The issuer identifier of the server. */
  issuer: string
  /** The audience of the server's access tokens. */
  audience: string | string[]
  /** The profile of the server's access tokens. */
  profile: Exclude<TokenProfileName, 'entra-v1'>
}

/** Claims of an access token, beside its scope. A claim that is set to `undefined` is left out. */
export interface TestUserClaims extends ClaimOverrides {
  /** The scope of the token. Default: as with `issueToken`. */
  readonly scope?: Scope | undefined
}

/** Sends requests with the access tokens of one user. */
export interface TestCaller {
  /**
   * Sends a request to the application with a new access token, as `inject` of Fastify does.
   *
   * @throws {TypeError} if the request has the header `authorization`.
   */
  inject(request: InjectOptions | string): Promise<LightMyRequestResponse>
}

/** An application under test, with the authorization server whose tokens it accepts. */
export interface TestApi<App extends InjectableApp = InjectableApp> {
  /** The application that `build` returned. Its `inject` sends requests without a token. */
  readonly app: App
  /** The embedded server, for other tokens, outages and key changes. */
  readonly authorizationServer: AuthorizationServer
  /**
   * Returns a caller whose tokens have these claims, such as `sub` and `roles`, and this scope. The
   * server's first user is the default for other claims. Claims have the names that they have in
   * tokens: with the profile `keycloak`, roles are in `realm_access`. The claims are not checked.
   */
  asUser(claims?: TestUserClaims): TestCaller
  /** Closes the application, then the authorization server. */
  close(): Promise<void>
  /** Closes both, as `close` does. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts an authorization server, and builds an application that accepts its tokens. Works with
 * every test runner. Neither the application nor the server verifies less than in production.
 *
 * ```ts
 * const api = await testApi(buildApp)
 * const admin = api.asUser({ sub: 'ada', roles: ['admin'], scope: 'orders:read' })
 * const response = await admin.inject('/orders')
 * await api.close()
 * ```
 *
 * @param build returns the application, whose plugin is registered with the given options. If it
 *   throws, the server is closed.
 * @param options options of the authorization server.
 * @throws {TypeError} if `build` is not a function or does not return the application, or if an option
 *   is unknown or invalid.
 * @throws the error of `build`
 */
export async function testApi<App extends InjectableApp>(
  build: (options: EmbeddedIssuerOptions) => App | PromiseLike<App>,
  options: AuthorizationServerOptions = {},
): Promise<TestApi<App>> {
  if (typeof build !== 'function') {
    throw new TypeError('"build" must be a function that returns the application')
  }
  const authorizationServer = await createAuthorizationServer(options)
  const app = await buildOrClose(build, authorizationServer, options.profile)
  const close = async () => {
    try {
      await app.close()
    } finally {
      await authorizationServer.close()
    }
  }
  return {
    app,
    authorizationServer,
    asUser(user = {}) {
      requireObjects({ claims: user })
      const { scope, ...claims } = user
      return {
        async inject(request) {
          const options = typeof request === 'string' ? { url: request } : request
          requireObjects({ 'the argument of inject()': options ?? null })
          const { headers = {} } = options
          rejectAuthorization(headers)
          const token = await authorizationServer.issueToken(claims, { scope })
          const authorization = `Bearer ${token}`
          return app.inject({ ...options, headers: { ...headers, authorization } })
        },
      }
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function buildOrClose<App>(
  build: (options: EmbeddedIssuerOptions) => App | PromiseLike<App>,
  { issuer, audience, close }: AuthorizationServer,
  profile: TokenProfileName = 'standard',
): Promise<App> {
  try {
    const app = await build({
      issuer,
      audience: typeof audience === 'string' ? audience : [...audience],
      profile: profile === 'entra-v1' ? 'entra' : profile,
    })
    requireObjects({ 'the result of build()': app ?? null })
    return app
  } catch (error) {
    await close()
    throw error
  }
}

function rejectAuthorization(headers: object): void {
  if (Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')) {
    throw new TypeError(
      '"headers" must not contain "authorization": a caller sends its own token. Use app.inject for other tokens',
    )
  }
}
