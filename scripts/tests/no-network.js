/**
 * Lets a test process resolve only the names of this machine, so that no test depends on a network
 * or on the speed of a resolver. Any other name fails with ENOTFOUND at once.
 */
import dns from 'node:dns'
import { isIP } from 'node:net'

const lookup = dns.lookup

dns.lookup = (hostname, ...rest) => {
  if (hostname === 'localhost' || isIP(hostname) !== 0) return lookup(hostname, ...rest)
  const callback = rest.at(-1)
  const details = { code: 'ENOTFOUND', errno: -3008, syscall: 'getaddrinfo', hostname }
  const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${hostname}`), details)
  process.nextTick(callback, error)
}
