/** Calls of the API, which is on another origin: what is read of its answers is what CORS exposes. */
import { prove } from './backend.js'

/** One request, with the proof that is given, if there is one. */
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
    throw new Error('The API does not answer: start the playground again, and reload this page.')
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

/** A request as a client sends it: with a new proof if the token needs one, and the API's nonce. */
export async function call(api, path, held) {
  if (held?.type !== 'DPoP') return send(api, path, held)
  const { answer } = await callWithProof(api, path, held)
  return answer
}

/** @returns the answer, and the proof that it is an answer to. */
export async function callWithProof(api, path, held) {
  const proof = await prove(path, held.token, lastNonce)
  const answer = await send(api, path, held, proof)
  const wanted = answer.nonce !== null && answer.nonce !== lastNonce
  lastNonce = answer.nonce ?? lastNonce
  if (!wanted || !answer.challenge?.includes('use_dpop_nonce')) return { answer, proof }
  const again = await prove(path, held.token, lastNonce)
  return { answer: await send(api, path, held, again), proof: again }
}

let lastNonce
