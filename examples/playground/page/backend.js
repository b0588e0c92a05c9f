/** Calls the page's own server, which logs in and controls the authorization server. */

/** An error whose message names the problem and the fix. */
export class BackendError extends Error {}

async function request(path, init) {
  const response = await fetch(path, { ...init, cache: 'no-store' }).catch(() => {
    throw new BackendError('The playground does not respond: restart it and reload this page.')
  })
  const body = await response.json().catch(() => ({}))
  if (response.ok) return body
  const { error = `The playground responded with ${response.status}`, message = 'try again' } = body
  throw new BackendError(`${error}: ${message}`)
}

function post(path, body) {
  const headers = { 'content-type': 'application/json' }
  return request(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

export const state = () => request('/state')
export const stepsOf = (id) => request(`/calls/${id}`)
export const logIn = async (credentials) => (await post('/login', credentials)).token
export const issueToken = async (variant, { scope, type }) =>
  (await post('/tokens', { variant, scope, type })).token
export const prove = async (path, accessToken, nonce) =>
  (await post('/proofs', { path, accessToken, nonce })).proof
export const rotateKeys = () => post('/keys', {})
export const setIssuer = (up) => post('/issuer', { up })
