/** `passwordGrant`: no API, and so nothing is started. The checks of its rows bring their own server. */
import type { Target } from './target.js'

export const helper: Target = {
  name: 'helper',
  features: new Set(['password-grant'] as const),
  start: async () => ({ url: 'http://127.0.0.1', close: async () => {} }),
}
