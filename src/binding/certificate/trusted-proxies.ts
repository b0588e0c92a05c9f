/**
 * Decides whether the certificate header is trusted, by the address that the proxy connects from.
 */
import { BlockList, isIP } from 'node:net'
import { BoundedCache } from '../../base/bounded-cache.js'

/** A range of addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3), or a single address. */
export interface AddressRange {
  readonly address: string
  /** Number of leading bits that are compared; all bits for a single address. */
  readonly prefix: number
  readonly family: 'ipv4' | 'ipv6'
}

/** Prefix lengths of the widest private ranges: 10.0.0.0/8 and fc00::/7. */
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

/**
 * Whether the range is wider than the widest private range. An example is `0.0.0.0/0`, which
 * contains every IPv4 address.
 */
export function isTooWide({ prefix, family }: AddressRange): boolean {
  return prefix < MIN_PREFIX[family]
}

/**
 * Whether an IPv6 range contains IPv4-mapped addresses (RFC 4291 §2.5.5.2). Such a range is
 * rejected because its prefix does not show how many IPv4 addresses it trusts.
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

/** Maximum number of cached results. */
const MAX_CACHED = 1_000

export class TrustedProxies {
  readonly #ranges = new BlockList()
  /** Results by address, because `BlockList.check` costs more than the rest of a cached request. */
  readonly #results = new BoundedCache<string, boolean>({ max: MAX_CACHED })

  constructor(ranges: readonly AddressRange[]) {
    for (const { address, prefix, family } of ranges) {
      this.#ranges.addSubnet(address, prefix, family)
    }
  }

  /**
   * Whether the address is in a trusted range.
   *
   * @param address `undefined` for a closed connection and for a Unix socket: both are untrusted,
   *   because the address of the peer is unknown.
   */
  has(address: string | undefined): boolean {
    if (address === undefined) return false
    const cached = this.#results.get(address)
    if (cached !== undefined) return cached
    const version = isIP(address)
    const isTrusted = version !== 0 && this.#ranges.check(address, version === 4 ? 'ipv4' : 'ipv6')
    this.#results.set(address, isTrusted)
    return isTrusted
  }
}
