/** `passwordGrant()`: no API is started; its checks start their own token endpoint. */
import type { Target } from './target.js'

export const helper: Target = {
  name: 'helper',
  features: new Set(['password-grant'] as const),
  start: async () => ({ url: 'http://127.0.0.1', close: async () => {} }),
}
