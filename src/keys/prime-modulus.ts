/**
 * Detects RSA keys with a prime modulus. From such a public key, an attacker can compute the
 * private exponent and sign tokens, but jose and Node import the key without an error.
 */
import { checkPrime, type KeyObject } from 'node:crypto'
import { BoundedCache } from '../base/bounded-cache.js'

/**
 * Results by modulus, because a check takes 3 ms in the thread pool for 2048 bits, 140 ms for 8192.
 */
const known = new BoundedCache<string, boolean>({ max: 1_000 })

/** Whether the key is an RSA key with a prime modulus. The check runs in the thread pool. */
export async function hasPrimeModulus(key: KeyObject): Promise<boolean> {
  if (key.asymmetricKeyType !== 'rsa') return false
  const { n } = key.export({ format: 'jwk' }) as { n: string }
  const cached = known.get(n)
  if (cached !== undefined) return cached
  const answer = await isPrime(Buffer.from(n, 'base64url'))
  known.set(n, answer)
  return answer
}

function isPrime(modulus: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    // If the check itself fails, `answer` is undefined, and the modulus counts as prime: the key is
    // not used.
    checkPrime(modulus, { checks: 1 }, (_error, answer) => resolve(answer !== false))
  })
}
