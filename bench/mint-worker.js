/** Signs tokens in a thread, because one RSA signature takes a millisecond. */
import { parentPort, workerData } from 'node:worker_threads'
import { accessTokenClaims, signToken } from './jwt.js'

const { key, issuer, issuedAt, lifetime, from, to } = workerData
const tokens = []
for (let number = from; number < to; number++) {
  tokens.push(signToken(key, accessTokenClaims({ issuer, number, issuedAt, lifetime })))
}
parentPort.postMessage(tokens)
