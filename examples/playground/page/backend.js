/** The page's own server, on the origin of the page: logs in, and does what the buttons say. */

/** The server's word for what went wrong, and what to do. */
export class BackendError extends Error {}

async function ask(path, init) {
  const response = await fetch(path, { ...init, cache: 'no-store' }).catch(() => {
    throw new BackendError('The playground does not answer: start it again, and reload this page.')
  })
  const body = await response.json().catch(() => ({}))
  if (response.ok) return body
  const { error = `The playground answered ${response.status}`, message = 'try again' } = body
  throw new BackendError(`${error}: ${message}`)
}

function post(path, body) {
  const headers = { 'content-type': 'application/json' }
  return ask(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

export const state = () => ask('/state')
export const stepsOf = (id) => ask(`/calls/${id}`)
export const logIn = async (credentials) => (await post('/login', credentials)).token
export const issueToken = async (flaw, { scope, type }) =>
  (await post('/tokens', { flaw, scope, type })).token
export const prove = async (path, accessToken, nonce) =>
  (await post('/proofs', { path, accessToken, nonce })).proof
export const rotateKeys = () => post('/keys', {})
export const setIssuer = (up) => post('/issuer', { up })
