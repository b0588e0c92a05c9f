/** The proxy of docs/keys.md with each version of undici, and with Node's global fetch. */
import type { Fetch, IntrospectionFetch, PluginOptions } from 'fastify-resource-server'
import { Agent as Agent6, fetch as fetch6 } from 'undici-6'
import { Agent as Agent7, fetch as fetch7 } from 'undici-7'
import { Agent as Agent8, fetch as fetch8 } from 'undici-8'

const [agent6, agent7, agent8] = [new Agent6(), new Agent7(), new Agent8()]

export const globalFetch: Fetch = globalThis.fetch
export const wrapped: Fetch = (url, init) => globalThis.fetch(url, init)
export const fetches: readonly Fetch[] = [
  (url, init) => fetch6(url, { ...init, dispatcher: agent6 }),
  (url, init) => fetch7(url, { ...init, dispatcher: agent7 }),
  (url, init) => fetch8(url, { ...init, dispatcher: agent8 }),
]
export const introspecting: readonly IntrospectionFetch[] = [
  globalThis.fetch,
  (url, init) => fetch6(url, { ...init, dispatcher: agent6 }),
  (url, init) => fetch7(url, { ...init, dispatcher: agent7 }),
  (url, init) => fetch8(url, { ...init, dispatcher: agent8 }),
]
export const options: PluginOptions = {
  issuer: 'https://login.example.com',
  audience: 'https://api.example.com',
  jwks: { fetch: (url, init) => fetch7(url, { ...init, dispatcher: agent7 }) },
}
