/** `passwordGrant()`: starts no API, because its checks start a token endpoint. */
import type { Target } from './target.js'

export const helper: Target = {
  name: 'helper',
  features: new Set(['password-grant'] as const),
  start: async () => ({ url: 'http://127.0.0.1', close: async () => {} }),
}
