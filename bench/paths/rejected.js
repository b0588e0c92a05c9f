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
    app.addHook('onRequest', (_request, reply, done) => reject(reply, done))
  },

  /** Parses the header and the claims, which tell that no key of the issuer can verify the token. */
  '401 after parsing'({ app }) {
    Error.stackTraceLimit = 0
    app.addHook('onRequest', parseAndReject)
  },

  '401 after parsing at the end of the turn'({ app }) {
    Error.stackTraceLimit = 0
    let waiting = []
    const rejectAll = () => {
      const requests = waiting
      waiting = []
      for (const request of requests) parseAndReject(...request)
    }
    app.addHook('onRequest', (...request) => {
      waiting.push(request)
      if (waiting.length === 1) setImmediate(rejectAll)
    })
  },
}

function parseAndReject({ headers }, reply, done) {
  const [header, claims] = headers.authorization.slice('Bearer '.length).split('.', 2).map(decode)
  if (KEYS.has(`${claims.iss} ${header.alg} ${header.kid}`)) done()
  else reject(reply, done)
}

const KEYS = new Set()

function decode(segment) {
  return JSON.parse(Buffer.from(segment, 'base64url').toString())
}

function reject(reply, done) {
  reply.header('www-authenticate', CHALLENGE)
  const error = new Error('The access token is malformed')
  error.statusCode = 401
  error.code = 'invalid_token'
  done(error)
}

export const requests = {
  missing: ({ count }) => Array.from({ length: count }, () => ({ headers: '' })),
  ...Object.fromEntries(Object.keys(HOSTILE).map((name) => [name, knownTokens(name)])),
}
