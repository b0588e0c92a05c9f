/** The proxies that may forward a client's certificate, by the address of their connection. */
import { BlockList, isIP } from 'node:net'

/** An address, or a range of them in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3). */
export interface AddressRange {
  readonly address: string
  /** Number of leading bits that are compared. */
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** The widest ranges that are private: 10.0.0.0/8 and fc00::/7. */
const MIN_PREFIX = { ipv4: 8, ipv6: 7 }
const MAX_PREFIX = { ipv4: 32, ipv6: 128 }

export function parseAddressRange(text: string): AddressRange | undefined {
  const [, address = '', bits] = /^([0-9a-f.:]+)(?:\/(0|[1-9]\d{0,2}))?$/i.exec(text) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const prefix = bits === undefined ? MAX_PREFIX[family] : Number(bits)
  return prefix > MAX_PREFIX[family] ? undefined : { address, prefix, family }
}

/** Whether the range is wider than any private one, such as `0.0.0.0/0`, which trusts everyone. */
export function isTooWide({ prefix, family }: AddressRange): boolean {
  return prefix < MIN_PREFIX[family]
}

/**
 * Whether an IPv6 range contains IPv4-mapped addresses (RFC 4291 §2.5.5.2): its prefix would not
 * show how many IPv4 addresses it trusts.
 */
export function hidesIPv4({ address, prefix, family }: AddressRange): boolean {
  if (family === 'ipv4') return false
  const range = new BlockList()
  range.addSubnet(address, prefix, family)
  return range.check(MAPPED.address, family) || mappedRange.check(address, family)
}

const MAPPED = { address: '::ffff:0:0', prefix: 96 }
const mappedRange = new BlockList()
mappedRange.addSubnet(MAPPED.address, MAPPED.prefix, 'ipv6')

export class TrustedProxies {
  readonly #ranges = new BlockList()

  constructor(ranges: readonly AddressRange[]) {
    for (const { address, prefix, family } of ranges) {
      this.#ranges.addSubnet(address, prefix, family)
    }
  }

  /**
   * @param address `undefined` for a closed connection and for a Unix socket; neither is trusted,
   *   because its peer is unknown.
   */
  has(address: string | undefined): boolean {
    if (address === undefined) return false
    const version = isIP(address)
    return version !== 0 && this.#ranges.check(address, version === 4 ? 'ipv4' : 'ipv6')
  }
}
