/** An issuer that answers what a check tells it to: metadata anywhere, keys, introspection. */
import type { IncomingMessage } from 'node:http'
import {
  json,
  type ResponseHandler,
  startKeyServer,
  text,
} from '../../../test/fixtures/key-server.js'

/** A question about a token, as it came. */
export interface Question {
  readonly method: string
  readonly contentType: string
  readonly authorization: string
  readonly form: URLSearchParams
}

export type ScriptedIssuer = Awaited<ReturnType<typeof startScriptedIssuer>>

/** Where metadata may be, for the issuer `/oauth2/default`. */
export const PLACES = {
  'OIDC, appended': '/oauth2/default/.well-known/openid-configuration',
  'OIDC, inserted': '/.well-known/openid-configuration/oauth2/default',
  'OAuth, inserted': '/.well-known/oauth-authorization-server/oauth2/default',
} as const

export async function startScriptedIssuer(keys: readonly object[]) {
  const server = await startKeyServer(keys)
  const questions: Question[] = []
  const state = {
    /** What is said of every token: members, or all of a signed answer. */
    said: { active: true } as Record<string, unknown> | string,
    /** In place of any such answer. */
    instead: undefined as ResponseHandler | undefined,
  }
  const metadata = {
    issuer: server.issuer,
    authorization_endpoint: `${server.origin}/authorize`,
    token_endpoint: `${server.origin}/token`,
    jwks_uri: server.jwksUri,
    introspection_endpoint: `${server.origin}/introspect`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256'],
  }
  server.respond('/introspect', async (response, request) => {
    questions.push(await questionOf(request))
    const said = state.said
    const usual =
      typeof said === 'string'
        ? text(said, { 'content-type': 'application/token-introspection+jwt' })
        : json(said)
    const answer = state.instead ?? usual
    answer(response, request)
  })
  /** Publishes the metadata at this place alone. */
  const publishAt = (place: keyof typeof PLACES, changes: object = {}) => {
    for (const path of Object.values(PLACES)) {
      server.respond(path, (response) => response.writeHead(404).end())
    }
    server.respond(PLACES[place], json({ ...metadata, ...changes }))
  }
  publishAt('OIDC, appended')
  return {
    ...server,
    metadata,
    questions,
    state,
    publishAt,
    [Symbol.asyncDispose]: () => server.close(),
  }
}

async function questionOf(request: IncomingMessage): Promise<Question> {
  let body = ''
  for await (const chunk of request) body += chunk
  const { method = '', headers } = request
  return {
    method,
    contentType: headers['content-type'] ?? '',
    authorization: headers.authorization ?? '',
    form: new URLSearchParams(body),
  }
}
