/** The proxies whose word about a client's certificate counts: by the address of the connection. */
import { BlockList, isIP } from 'node:net'

export interface AddressRange {
  readonly address: string
  /** How many leading bits count. */
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

export class TrustedProxies {
  readonly #ranges = new BlockList()

  constructor(ranges: readonly AddressRange[]) {
    for (const { address, prefix, family } of ranges) {
      this.#ranges.addSubnet(address, prefix, family)
    }
  }

  /**
   * @param address `undefined` once the connection is closed, and where it is a Unix socket: nobody
   *   can tell then who it is.
   */
  has(address: string | undefined): boolean {
    if (address === undefined) return false
    const version = isIP(address)
    return version !== 0 && this.#ranges.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }
}
