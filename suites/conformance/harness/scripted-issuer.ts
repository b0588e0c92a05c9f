/** An issuer with scripted responses: metadata at any well-known URL, keys, introspection. */
import type { IncomingMessage } from 'node:http'
import {
  json,
  type ResponseHandler,
  startKeyServer,
  text,
} from '../../../test/fixtures/key-server.js'

export interface IntrospectionRequest {
  readonly method: string
  readonly contentType: string
  readonly authorization: string
  readonly form: URLSearchParams
}

export type ScriptedIssuer = Awaited<ReturnType<typeof startScriptedIssuer>>

/** Paths of the metadata of the issuer `/oauth2/default`. */
export const METADATA_PATHS = {
  'OIDC, appended': '/oauth2/default/.well-known/openid-configuration',
  'OIDC, inserted': '/.well-known/openid-configuration/oauth2/default',
  'OAuth, inserted': '/.well-known/oauth-authorization-server/oauth2/default',
} as const

export async function startScriptedIssuer(keys: readonly object[]) {
  const server = await startKeyServer(keys)
  const introspectionRequests: IntrospectionRequest[] = []
  const state = {
    /** Introspection response for every token: members, or the text of a signed response. */
    response: { active: true } as Record<string, unknown> | string,
    /** Replaces the introspection response, if set. */
    override: undefined as ResponseHandler | undefined,
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
    introspectionRequests.push(await readRequest(request))
    const scripted =
      typeof state.response === 'string'
        ? text(state.response, { 'content-type': 'application/token-introspection+jwt' })
        : json(state.response)
    const respond = state.override ?? scripted
    respond(response, request)
  })
  /** Publishes the metadata only at this path. */
  const publishAt = (place: keyof typeof METADATA_PATHS, changes: object = {}) => {
    for (const path of Object.values(METADATA_PATHS)) {
      server.respond(path, (response) => response.writeHead(404).end())
    }
    server.respond(METADATA_PATHS[place], json({ ...metadata, ...changes }))
  }
  publishAt('OIDC, appended')
  return {
    ...server,
    metadata,
    introspectionRequests,
    state,
    publishAt,
    [Symbol.asyncDispose]: () => server.close(),
  }
}

async function readRequest(request: IncomingMessage): Promise<IntrospectionRequest> {
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
