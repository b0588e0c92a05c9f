/**
 * Whether a URL names this very machine: `localhost`, `*.localhost`, `127.0.0.0/8` or `[::1]`.
 * Plain http is accepted for these hosts only; everything else must be https.
 */
export function isLoopback(url: URL): boolean {
  const { hostname } = url
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    // The URL parser has already turned every spelling of an IPv4 address into four decimals.
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}
