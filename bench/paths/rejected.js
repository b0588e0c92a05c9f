/** Requests that the plugin rejects before it looks for a key or verifies a signature. */
import { HOSTILE } from '../hostile.js'
import { knownTokens } from './requests.js'

/** As long as the challenge of the plugin for an invalid token. */
const CHALLENGE =
  'Bearer realm="api", error="invalid_token", error_description="The access token is malformed"'

export const servers = {
  open() {},

  async plugin({ app, load, issuer, audience }) {
    const { default: resourceServer } = await load('index.js')
    await app.register(resourceServer, { issuer, audience })
  },

  /** The least code: a new error without a stack trace, and a constant header. */
  401(context) {
    Error.stackTraceLimit = 0
    servers['401 with a stack trace'](context)
  },

  '401 with a stack trace'({ app }) {
    app.addHook('onRequest', (_request, reply, done) => {
      reply.header('www-authenticate', CHALLENGE)
      const error = new Error('The access token is malformed')
      error.statusCode = 401
      error.code = 'invalid_token'
      done(error)
    })
  },
}

export const requests = {
  missing: ({ count }) => Array.from({ length: count }, () => ({ headers: '' })),
  ...Object.fromEntries(Object.keys(HOSTILE).map((name) => [name, knownTokens(name)])),
}
