/** B1 to B5, B8: how a token is sent, and responses without one (RFC 6750 §2, §3). */
import { type Check, rule } from '../check.js'
import {
  expectAccepted,
  expectChallenge,
  expectNoErrorCode,
  expectRejected,
  expectThat,
} from '../harness/expect.js'
import { SCOPE } from '../targets/target.js'

export const bearer: readonly Check[] = [
  rule(
    'B1',
    'RFC 6750 §2.1',
    'MUST',
    'A valid token in the header is accepted',
    ['jwt'],
    async ({ api }) => {
      for (const key of new Set([api.options.keys.rs256, api.key])) {
        expectAccepted(await api.present(api.forge({ key })), `a valid token, ${key.alg}`)
      }
    },
  ),

  rule(
    'B1',
    'RFC 9110 §11.1',
    'MUST',
    'The scheme is case-insensitive',
    ['credentials'],
    async ({ api }) => {
      for (const scheme of [api.scheme.toLowerCase(), api.scheme.toUpperCase()]) {
        const token = await api.asIssued(api.forge())
        const response = api.has('bearer')
          ? await api.send({ lines: [`authorization: ${scheme} ${token}`] })
          : await api.prove(token, {}, { scheme })
        expectAccepted(response, `"${scheme}"`)
      }
    },
  ),

  rule(
    'B1',
    'RFC 6750 §2.1',
    'SHOULD',
    'Several spaces between scheme and token are accepted',
    ['credentials', 'bearer'],
    async ({ api }) => {
      const response = await api.send({
        lines: [`authorization: Bearer   ${await api.asIssued(api.forge())}`],
      })
      expectAccepted(response, 'three spaces')
    },
  ),

  rule(
    'B1',
    'RFC 6750 §2.1',
    'MUST',
    'Credentials that are not a token68 are rejected, even if they contain a valid token',
    ['credentials', 'bearer'],
    async ({ api }) => {
      const token = await api.asIssued(api.forge())
      for (const [what, value] of Object.entries({
        'two tokens': `Bearer ${token} ${token}`,
        'a list of tokens': `Bearer ${token}, Bearer ${token}`,
        'a quoted token': `Bearer "${token}"`,
        'a parameter': `Bearer token=${token}`,
        'the token alone': token,
        'the scheme alone': 'Bearer',
      })) {
        expectRejected(await api.send({ lines: [`authorization: ${value}`] }), what)
      }
    },
  ),

  rule(
    'B2',
    'RFC 9110 §11.6.1',
    'MUST',
    'Without a token: 401 and a challenge',
    ['jwt'],
    async ({ api }) => {
      const scheme = api.has('bearer') ? 'bearer' : 'dpop'
      expectChallenge(await api.send(), { status: 401, scheme }, 'no token')
    },
  ),

  rule(
    'B2',
    'RFC 6750 §3.1',
    'SHOULD',
    'The challenge has no error',
    ['credentials'],
    async ({ api }) => {
      expectNoErrorCode(await api.send(), 'no token')
    },
  ),

  rule(
    'B2',
    'RFC 6750 §3.1',
    'SHOULD',
    'Another scheme counts as a missing token',
    ['credentials'],
    async ({ api }) => {
      for (const value of ['Basic dXNlcjpwYXNzd29yZA==', 'Negotiate YII=', 'Bear er']) {
        const response = await api.send({ lines: [`authorization: ${value}`] })
        expectNoErrorCode(response, value.split(' ', 1)[0] as string)
      }
    },
  ),

  rule(
    'B3',
    'RFC 6750 §3.1',
    'ours',
    'Two Authorization headers are 400 invalid_request, whichever is valid',
    ['credentials', 'bearer'],
    async ({ api }) => {
      const valid = `authorization: Bearer ${await api.asIssued(api.forge())}`
      for (const [what, lines] of Object.entries({
        'a valid token twice': [valid, valid],
        'a valid and an invalid token': [valid, 'authorization: Bearer x'],
        'an invalid and a valid token': ['authorization: Bearer x', valid],
        'a password and a valid token': ['authorization: Basic dTpw', valid],
        'a valid token and a password': [valid, 'authorization: Basic dTpw'],
      })) {
        const response = await api.send({ lines })
        expectChallenge(response, { status: 400, error: 'invalid_request' }, what)
      }
    },
  ),

  rule(
    'B4',
    'OAuth 2.1 §5.1',
    'ours',
    'A token in the query is ignored',
    ['credentials', 'bearer'],
    async ({ api }) => {
      const response = await api.send({ path: `/?access_token=${await api.asIssued(api.forge())}` })
      expectRejected(response, 'a valid token in the query')
    },
  ),

  rule(
    'B5',
    'RFC 6750 §2.2',
    'MUST',
    'A token in the body of a GET is ignored',
    ['credentials', 'bearer'],
    async ({ api }) => {
      const lines = ['content-type: application/x-www-form-urlencoded']
      const body = `access_token=${await api.asIssued(api.forge())}`
      expectRejected(await api.send({ lines, body }), 'a valid token in the body of a GET')
    },
  ),

  rule(
    'B5',
    'OAuth 2.1 §5.1.2',
    'ours',
    'A token in a form is ignored unless enabled',
    ['credentials', 'bearer'],
    async ({ api }) => {
      const lines = ['content-type: application/x-www-form-urlencoded']
      const body = `access_token=${await api.asIssued(api.forge())}`
      expectRejected(await api.send({ method: 'POST', lines, body }), 'a valid token in a form')
    },
  ),

  rule(
    'B8',
    'RFC 6750 §3.1',
    'SHOULD',
    'A token without the scope is 403 insufficient_scope',
    ['scope'],
    async ({ api }) => {
      const request = { path: '/orders' }
      for (const scope of [undefined, 'profile', `${SCOPE}:all`, SCOPE.toUpperCase()]) {
        const response = await api.present(api.forge({ claims: { scope } }), request)
        expectChallenge(response, { status: 403, error: 'insufficient_scope' }, `scope ${scope}`)
      }
      const sufficient = api.forge({ claims: { scope: `profile ${SCOPE}` } })
      expectAccepted(await api.present(sufficient, request), 'a token with the scope')
    },
  ),

  rule(
    'B8',
    'RFC 6750 §3',
    'ours',
    'The rejection names the required scope',
    ['scope'],
    async ({ api }) => {
      const response = await api.present(api.forge(), { path: '/orders' })
      const wanted = { status: 403, error: 'insufficient_scope' }
      const { parameters } = expectChallenge(response, wanted, 'insufficient scope')
      expectThat(
        parameters.scope === SCOPE,
        'the scope in the challenge',
        parameters.scope ?? 'none',
      )
    },
  ),

  rule(
    'B8',
    'RFC 6750 §3',
    'ours',
    'A 401 names the scope that the route requires, with or without a token',
    ['scope'],
    async ({ api }) => {
      const expired = api.forge({ claims: { exp: api.nowSeconds() - 3600 } })
      for (const [what, response] of Object.entries({
        'no token': await api.send({ path: '/orders' }),
        'an expired token': await api.present(expired, { path: '/orders' }),
      })) {
        const { parameters } = expectChallenge(response, { status: 401 }, what)
        const { scope = 'none' } = parameters
        expectThat(scope === SCOPE, `the scope in the challenge for ${what}`, scope)
      }
    },
  ),
]
