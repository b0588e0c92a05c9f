/**
 * Calls the API, which has another origin: the page can read only the headers that CORS exposes.
 */
import { prove } from './backend.js'

/** Sends one request, with a proof if there is one. */
export async function send(api, path, { token, type } = {}, proof) {
  const headers = {}
  if (token !== undefined) headers.authorization = `${type} ${token}`
  if (proof !== undefined) headers.dpop = proof
  const response = await fetch(api + path, {
    headers,
    cache: 'no-store',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
  }).catch(() => {
    throw new Error('The API does not respond: restart the playground and reload this page.')
  })
  return {
    request: { path, headers },
    status: response.status,
    statusText: response.statusText,
    id: response.headers.get('x-request-id'),
    challenge: response.headers.get('www-authenticate'),
    retryAfter: response.headers.get('retry-after'),
    nonce: response.headers.get('dpop-nonce'),
    body: await response.text(),
  }
}

/** Sends a request as a client does: a DPoP token gets a new proof, with the API's latest nonce. */
export async function call(api, path, held) {
  if (held?.type !== 'DPoP') return send(api, path, held)
  const { response } = await callWithProof(api, path, held)
  return response
}

/**
 * Sends a request with a new proof, and repeats it with another proof if the API requires a new
 * nonce.
 *
 * @returns the last response and its proof.
 */
export async function callWithProof(api, path, held) {
  const proof = await prove(path, held.token, lastNonce)
  const response = await send(api, path, held, proof)
  const isNewNonce = response.nonce !== null && response.nonce !== lastNonce
  lastNonce = response.nonce ?? lastNonce
  if (!isNewNonce || !response.challenge?.includes('use_dpop_nonce')) return { response, proof }
  const retryProof = await prove(path, held.token, lastNonce)
  return { response: await send(api, path, held, retryProof), proof: retryProof }
}

let lastNonce
