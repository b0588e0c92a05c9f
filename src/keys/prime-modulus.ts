/**
 * RSA moduli that are prime. The private exponent of such a key follows from the public one, so
 * anyone can sign with it, and importers take it.
 */
import { checkPrime, type KeyObject } from 'node:crypto'
import { BoundedCache } from '../base/bounded-cache.js'

/** By modulus: the check takes 3 ms of the thread pool for 2048 bits and 140 ms for 8192. */
const known = new BoundedCache<string, boolean>({ max: 1_000 })

/** Whether it is an RSA key whose modulus is prime. In the thread pool. */
export async function hasPrimeModulus(key: KeyObject): Promise<boolean> {
  if (key.asymmetricKeyType !== 'rsa') return false
  const { n } = key.export({ format: 'jwk' }) as { n: string }
  const answered = known.get(n)
  if (answered !== undefined) return answered
  const answer = await isPrime(Buffer.from(n, 'base64url'))
  known.set(n, answer)
  return answer
}

function isPrime(modulus: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    // An error, of which none is known for these arguments, leaves the key unusable.
    checkPrime(modulus, { checks: 1 }, (_error, answer) => resolve(answer !== false))
  })
}
