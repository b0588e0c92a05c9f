/** Renders what `serve` prints at its start: how to get a token, and the options of the plugin. */
import type { AuthorizationServer } from '../../testing/authorization-server/authorization-server.js'
import { apiScope } from '../../testing/authorization-server/tokens/openid-scope.js'
import {
  type TestUser,
  testClient,
} from '../../testing/authorization-server/tokens/test-accounts.js'
import { PROGRAM } from '../help.js'
import { printableJson } from '../printable.js'
import { shellQuote } from '../shell-quote.js'
import { type AppOptions, appSource } from './app-options.js'

/** The public client that `--redirect-uri` adds. */
export const APP_CLIENT_ID = 'demo-app'

export function startupText(
  server: AuthorizationServer,
  users: readonly TestUser[],
  scope: readonly string[],
  options: AppOptions,
  redirectUris: readonly string[],
  bold: (text: string) => string,
): string {
  const { issuer, audience, tokenEndpoint, endSessionEndpoint } = server
  const { clientId, clientSecret } = testClient
  const [first] = users as readonly [TestUser]
  const requested = shellQuote(['openid', ...apiScope(scope).slice(0, 1)].join(' '))
  return `
${bold('authorization server')}  ${issuer}

  audience  ${audience}
  scope     ${scope.join(' ')}
  client    ${clientId}, secret ${clientSecret}
${users.map(describeUser).join('\n')}

${bold('add to your app')}

  ${appSource(options).replaceAll('\n', '\n  ')}

${bold('log in at a page (MCP clients, Swagger UI, single-page apps)')}

  ${loginAdvice(server, redirectUris).join('\n  ')}

${bold('get a token with curl')}

  curl -s -u ${clientId}:${clientSecret} -d grant_type=password ${formField('username', first.username)} \\
    -d password=${first.password} -d scope=${requested} ${tokenEndpoint}

${bold('print only the token')}

  FRS_CLIENT_SECRET=${clientSecret} FRS_PASSWORD=${first.password} npx ${PROGRAM} token \\
    --issuer ${issuer} --client-id ${clientId} \\
    --username ${shellQuote(first.username)} --scope ${requested}

${bold('sign the user out (the response to the first command has the id_token)')}

  curl -s -d id_token_hint=ID_TOKEN ${endSessionEndpoint}

Press Ctrl+C to stop.
`
}

function loginAdvice(
  { authorizationEndpoint, registrationEndpoint }: AuthorizationServer,
  redirectUris: readonly string[],
): string[] {
  const [first, ...others] = redirectUris
  const client =
    first === undefined
      ? ['client     add one with --redirect-uri, or let clients register themselves']
      : [
          `client     ${APP_CLIENT_ID}, without a secret, with PKCE`,
          `           ${testClient.clientId}, secret ${testClient.clientSecret}`,
          `redirect   ${first}`,
        ]
  return [
    `authorize  ${authorizationEndpoint}`,
    `register   ${registrationEndpoint}`,
    ...client,
    ...others.map((uri) => `           ${uri}`),
  ]
}

function describeUser({ username, password, sub, claims }: TestUser): string {
  const described = { ...(sub !== undefined && { sub }), ...claims }
  const extra =
    Object.keys(described).length === 0 ? '' : `\n            ${printableJson(described)}`
  return `  user      ${shellQuote(username)}, password ${password}${extra}`
}

/** A name with other characters is encoded by curl, because the body is form-encoded. */
function formField(name: string, value: string): string {
  return /^[\w.@-]+$/.test(value)
    ? `-d ${name}=${value}`
    : `--data-urlencode ${shellQuote(`${name}=${value}`)}`
}
