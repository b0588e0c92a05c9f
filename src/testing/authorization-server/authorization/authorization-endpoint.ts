/**
 * The authorization endpoint (RFC 6749 §3.1, OpenID Connect Core §3.1.2), and the two forms that
 * lead from there to an authorization code: login and consent. A form contains the authorization
 * request, which is validated again, so that the server stores nothing before a code.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { authenticateUser } from '../endpoints/user-authentication.js'
import { type Form, readForm, readParameters, readQuery } from '../http/form.js'
import type { HttpResponse } from '../http/http-response.js'
import { OAuthError } from '../http/oauth-error.js'
import type { BrowserSession, BrowserSessions, Visitor } from '../login/browser-sessions.js'
import { consentPage } from '../login/consent-page.js'
import { errorPage } from '../login/error-page.js'
import { html } from '../login/html.js'
import { hasPublicPassword, loginPage } from '../login/login-page.js'
import { rejectionPage } from '../login/rejection-page.js'
import type { ServerSettings } from '../options.js'
import type { Clients } from '../registration/clients.js'
import type { Sessions } from '../sessions/sessions.js'
import { grantScope } from '../tokens/granted-scope.js'
import type { TestUser } from '../tokens/test-accounts.js'
import type { AuthorizationCodes } from './authorization-codes.js'
import {
  type AuthorizationRequest,
  authorizationRequest,
  queryOf,
  type ResponseTarget,
  responseTarget,
} from './authorization-request.js'
import { codeLocation, errorLocation, seeOther } from './authorization-response.js'
import { isLoopbackRedirect, redirectHost } from './redirect-uris.js'

/** The paths of the endpoint and its forms: relative, so that the browser keeps the host name. */
export interface AuthorizationPaths {
  authorize: string
  login: string
  consent: string
}

export interface AuthorizationSources {
  issuer: string
  settings: ServerSettings
  clients: Clients
  sessions: Sessions
  browserSessions: BrowserSessions
  codes: AuthorizationCodes
  paths: AuthorizationPaths
}

/** A valid authorization request, and the browser and form that it came with. */
interface BrowserRequest {
  request: AuthorizationRequest
  visitor: Visitor
  form: Form
  /** Whether the form is from a page of this server. */
  isGenuine: boolean
}

type Handler = (request: IncomingMessage) => Promise<HttpResponse>

export class AuthorizationEndpoint {
  readonly #sources: AuthorizationSources

  constructor(sources: AuthorizationSources) {
    this.#sources = sources
  }

  /** Shows the page for login or consent, or sends an error to the client. */
  readonly authorize: Handler = (incoming) =>
    this.#handle(
      incoming,
      (form) => form,
      (step) => this.#show(step),
    )

  /** Logs the user in who pressed a button, or entered a user name and password. */
  readonly logIn: Handler = (incoming) =>
    this.#handle(incoming, embedded, (step) => this.#logIn(step))

  /** Sends the code, or the denial of the user, to the client. */
  readonly decide: Handler = (incoming) =>
    this.#handle(incoming, embedded, (step) => this.#decide(step))

  async #handle(
    incoming: IncomingMessage,
    parametersOf: (form: Form) => Form,
    respond: (step: BrowserRequest) => HttpResponse,
  ): Promise<HttpResponse> {
    const { clients, settings, browserSessions } = this.#sources
    let target: ResponseTarget | undefined
    let parameters: Form | undefined
    try {
      const form = incoming.method === 'POST' ? await readForm(incoming) : readQuery(incoming)
      parameters = parametersOf(form)
      target = responseTarget(parameters, clients)
      const request = authorizationRequest(parameters, target, settings.scope)
      const visitor = browserSessions.visitor(incoming)
      const isGenuine = browserSessions.isGenuine(form, visitor, incoming)
      return respond({ request, visitor, form, isGenuine })
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error
      if (target === undefined) return rejectionPage(error, parameters, clients)
      return this.#errorResponse(error, target)
    }
  }

  /**
   * Sends an error to the client without asking the user. An open registration would make this an
   * open redirector (RFC 9700 §4.11.2), so the user decides if the redirect URI of a client that
   * registered itself leads to another machine.
   */
  #errorResponse(error: OAuthError, target: ResponseTarget): HttpResponse {
    const { clients, issuer } = this.#sources
    const location = errorLocation(target, issuer, error)
    if (!clients.isRegistered(target.client) || isLoopbackRedirect(target.redirectUri)) {
      return seeOther(location)
    }
    const advice = html`<p><a href="${location}">Return to ${redirectHost(target.redirectUri)}</a></p>`
    return errorPage({ message: error.message, advice })
  }

  #show({ request, visitor }: BrowserRequest): HttpResponse {
    const { clients, paths } = this.#sources
    const isSilent = request.prompt.includes('none')
    const { session } = visitor
    if (session === undefined || this.#mustLogIn(request, session)) {
      if (isSilent) throw new OAuthError('login_required', 'The user must log in.')
      return this.#loginPage(request, visitor)
    }
    const scope = this.#scope(request, session.user)
    // The user allows every access, because a public client can be impersonated (RFC 8252 §8.6).
    if (isSilent) {
      const advice = 'This server asks the user for each access: use a refresh token.'
      throw new OAuthError('consent_required', advice)
    }
    return consentPage({
      request,
      visitor,
      user: session.user,
      scope,
      isRegistered: clients.isRegistered(request.client),
      action: paths.consent,
      switchUrl: `${paths.authorize}?${withPrompt(request.query, 'login')}`,
    })
  }

  #logIn({ request, visitor, form, isGenuine }: BrowserRequest): HttpResponse {
    const { browserSessions, sessions, paths } = this.#sources
    if (!isGenuine) return this.#startAgain(request, visitor)
    const user = this.#userOf(form)
    if (user === undefined || sessions.isDisabled(user)) {
      const message =
        user === undefined ? 'The user name or the password is wrong.' : 'The user is disabled.'
      const username = form.get('username') ?? ''
      return this.#loginPage(request, visitor, { message, username })
    }
    // The request is fulfilled as far as it requires a login.
    const query = withPrompt(request.query, undefined)
    return seeOther(`${paths.authorize}?${query}`, browserSessions.logIn(user, visitor))
  }

  #decide({ request, visitor, form, isGenuine }: BrowserRequest): HttpResponse {
    const { issuer, sessions, browserSessions, codes, paths } = this.#sources
    if (!isGenuine) return this.#startAgain(request, visitor)
    const { session } = visitor
    if (session === undefined || this.#mustLogIn(request, session)) {
      return seeOther(`${paths.authorize}?${request.query}`, visitor.headers)
    }
    if (form.get('decision') !== 'allow') {
      const denied = new OAuthError('access_denied', 'The user denied the access.')
      return seeOther(errorLocation(request, issuer, denied))
    }
    const { client, resource, nonce, redirectUri, codeChallenge, dpopJkt } = request
    const { user, authTime } = session
    const scope = this.#scope(request, user)
    const id = randomUUID()
    sessions.record({ id, user })
    browserSessions.addGrant(session, id)
    const granted = { client, user, scope, resource, nonce, authTime }
    const subject = { ...granted, session: id, atLoginPage: true }
    const code = codes.issue({ subject, redirectUri, codeChallenge, dpopJkt })
    return seeOther(codeLocation(request, issuer, code))
  }

  #loginPage(
    request: AuthorizationRequest,
    visitor: Visitor,
    failure?: { message: string; username: string },
  ): HttpResponse {
    const { settings, paths } = this.#sources
    return loginPage({ request, visitor, users: settings.users, action: paths.login, failure })
  }

  #startAgain(request: AuthorizationRequest, visitor: Visitor): HttpResponse {
    const { authorize } = this.#sources.paths
    return errorPage({
      status: 403,
      message:
        'The form is no longer valid, comes from another page, or the browser blocks cookies.',
      advice: html`<p><a href="${authorize}?${request.query}">Start again</a></p>`,
      headers: visitor.headers,
    })
  }

  #userOf(form: Form): TestUser | undefined {
    const { users } = this.#sources.settings
    const selected = form.get('user')
    return selected === undefined
      ? authenticateUser(users, form.get('username') ?? '', form.get('password') ?? '')
      : users.find((user) => user.username === selected && hasPublicPassword(user))
  }

  #scope({ client, scope }: AuthorizationRequest, user: TestUser): string[] {
    return grantScope({ settings: this.#sources.settings, client, user, requested: scope })
  }

  #mustLogIn({ prompt, maxAge }: AuthorizationRequest, { authTime }: BrowserSession): boolean {
    if (prompt.includes('login') || prompt.includes('select_account')) return true
    return Math.floor(this.#sources.settings.now() / 1000) - authTime > maxAge
  }
}

/** Returns the authorization request that a form contains. */
function embedded(form: Form): Form {
  return readParameters(form.get('request') ?? '')
}

/** Returns the query with another `prompt`, and without `max_age`. */
function withPrompt(query: string, prompt: string | undefined): string {
  const form = new Map(readParameters(query))
  form.delete('max_age')
  if (prompt === undefined) form.delete('prompt')
  else form.set('prompt', prompt)
  return queryOf(form)
}
