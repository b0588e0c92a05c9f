import { readdir } from 'node:fs/promises'
import { newToken } from '../harness/tokens.js'
import { eventually } from '../harness/traffic.js'

export default {
  name: 'restart during an outage with a file store',
  expected: 'first request 200',

  async observe(harness) {
    const issuer = await harness.issuer()
    const storeDirectory = await harness.folder()
    const before = await harness.api(issuer, { storeDirectory, ownProcess: true })
    const token = await newToken(issuer)
    await before.get(token)
    if (harness.isOurs) await eventually(() => isSaved(storeDirectory), 'saving the key set')
    await before.stop()

    /** Starts a new process and presents the token. */
    const restart = async ({ advanceMs = 0, ...options } = {}) => {
      const api = await harness.api(issuer, { storeDirectory, ownProcess: true, ...options })
      await api.advance(advanceMs)
      return api.get(token)
    }
    await issuer.suspend()
    const refused = await restart()
    if (!harness.isOurs) return { refused }
    const afterFourHours = await restart({ advanceMs: 4 * 3_600_000 })
    await issuer.resume()
    issuer.fail('hang')
    // A request that waited for the fetch would take longer than the case may.
    const jwks = { timeout: 60_000 }
    return { refused, afterFourHours, hanging: await restart({ jwks }) }
  },

  check: ({ refused, afterFourHours, hanging }) => ({
    'first request 200 while the issuer refuses connections': refused.status === 200,
    'also 4 hours later': afterFourHours.status === 200,
    'first request 200 while the issuer hangs': hanging.status === 200,
  }),

  describe: ({ refused, afterFourHours, hanging }, isOurs) =>
    isOurs
      ? `connection refused: ${refused.status}, also 4 hours later: ${afterFourHours.status}; hanging: ${hanging.status} after ${Math.round(hanging.durationMs)} ms`
      : `${refused.status} (has no store)`,
}

async function isSaved(folder) {
  return (await readdir(folder)).some((name) => name.endsWith('.json'))
}
