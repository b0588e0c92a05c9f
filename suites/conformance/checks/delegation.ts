/** A1, A2: actors and authorization details (RFC 8693 §4.1, RFC 9396). */
import { type Check, rule } from '../check.js'
import { expectAccepted, expectChallenge, expectStatus } from '../harness/expect.js'
import { PAYMENT } from '../targets/target.js'
import { accepts } from './variants.js'

const SIGN_IN = { path: '/password' }
const PAYMENTS = { path: '/payments' }

export const delegation: readonly Check[] = [
  rule(
    'A1',
    'RFC 8693 §4.1',
    'MUST',
    'A route that accepts no actor rejects the token of every actor',
    ['actor'],
    async ({ api }) => {
      expectAccepted(await api.present(api.forge(), SIGN_IN), 'a token without actor')
      for (const [what, act] of Object.entries({
        'an actor': { sub: 'support-agent' },
        'an actor and a former one': { sub: 'support-agent', act: { sub: 'orders-api' } },
      })) {
        const response = await api.present(api.forge({ claims: { act } }), SIGN_IN)
        expectStatus(response, 403, what)
      }
    },
  ),

  rule(
    'A1',
    'RFC 8693 §4.1',
    'MUST',
    'Only the outermost actor counts for access, not a former one',
    ['actor'],
    async ({ api }) => {
      const agent = { sub: 'trusted-agent' }
      const other = { sub: 'other-agent' }
      const delegated = { path: '/delegated' }
      for (const [what, act, status] of [
        ['the accepted actor', agent, 200],
        ['the accepted actor, after another one', { ...agent, act: other }, 200],
        ['another actor', other, 403],
        ['another actor, after the accepted one', { ...other, act: agent }, 403],
      ] as const) {
        const response = await api.present(api.forge({ claims: { act } }), delegated)
        expectStatus(response, status, what)
      }
    },
  ),

  rule(
    'A1',
    'RFC 8693 §4.1',
    'ours',
    'A malformed "act" is 401 invalid_token, on every route',
    ['actor'],
    async ({ api }) => {
      for (const [what, act] of Object.entries({
        'a string': 'support-agent',
        'an array': [{ sub: 'support-agent' }],
        null: null,
        'a nested string': { sub: 'support-agent', act: 'orders-api' },
      })) {
        const response = await api.present(api.forge({ claims: { act } }))
        expectChallenge(response, { status: 401, error: 'invalid_token' }, `"act": ${what}`)
      }
    },
  ),

  accepts(
    'A1',
    'RFC 8693 §4.4',
    'ours',
    '"may_act" is for authorization servers, so it names no actor',
    () => ({ 'another party may act': { claims: { may_act: { sub: 'support-agent' } } } }),
    ['actor'],
  ),

  rule(
    'A2',
    'RFC 9396 §3',
    'MUST',
    'One element must meet the whole requirement',
    ['authorization-details'],
    async ({ api }) => {
      const { type, actions } = PAYMENT
      for (const [what, details, status] of [
        ['an element that meets it', [{ type, actions: [actions, 'cancel'] }], 200],
        ['a further element of another type', [{ type: 'x' }, { type, actions: [actions] }], 200],
        ['no details', undefined, 403],
        ['an empty array', [], 403],
        ['two elements, each with a part', [{ type }, { type: 'x', actions: [actions] }], 403],
        ['another type', [{ type: `${type}s`, actions: [actions] }], 403],
        ['another action', [{ type, actions: ['status'] }], 403],
      ] as const) {
        const token = api.forge({ claims: { authorization_details: details } })
        expectStatus(await api.present(token, PAYMENTS), status, what)
      }
    },
  ),

  rule(
    'A2',
    'RFC 9396 §2.2',
    'ours',
    'An absent member is no wildcard, and other JSON types grant nothing',
    ['authorization-details'],
    async ({ api }) => {
      const { type, actions } = PAYMENT
      for (const [what, details] of Object.entries({
        'no actions': [{ type }],
        'empty actions': [{ type, actions: [] }],
        'actions as a string': [{ type, actions }],
        'an object instead of an array': { type, actions: [actions] },
        'an element that is a string': [type],
        'a type that is an array': [{ type: [type], actions: [actions] }],
      })) {
        const token = api.forge({ claims: { authorization_details: details } })
        expectStatus(await api.present(token, PAYMENTS), 403, what)
      }
    },
  ),
]
