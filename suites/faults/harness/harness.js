/** Starts and stops the issuers, APIs and folders of one case for one subject. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthorizationServer } from 'fastify-resource-server/testing'
import { Api } from './api.js'
import { startKeySetMirror } from './key-set-mirror.js'

/** Exceeds every simulated outage, so that no token expires. In seconds. */
const TOKEN_LIFETIME_SECONDS = 30 * 86_400

export class Harness {
  /** `ours` or `jose`. */
  subject
  #cleanups = []
  #isClosed = false

  constructor(subject) {
    this.subject = subject
  }

  get isOurs() {
    return this.subject === 'ours'
  }

  async issuer(options = {}) {
    const issuer = await createAuthorizationServer({
      accessTokenLifetime: TOKEN_LIFETIME_SECONDS,
      algorithm: 'ES256',
      ...options,
    })
    return this.#onClose(() => issuer.close(), issuer)
  }

  /** Starts a server with a copy of the issuer's key set, which `publish()` updates. */
  async mirror(issuer) {
    const mirror = await startKeySetMirror(issuer)
    return this.#onClose(() => mirror.stop(), mirror)
  }

  /**
   * Starts an API that trusts the issuer. This package discovers the key set unless `jwksUri` is
   * set; jose has no discovery.
   *
   * @param options.frozen whether only `advance` moves the clock.
   * @param options.jwks options of this package only.
   * @param options.ownProcess whether the API runs in a new process, which `stop` ends.
   */
  async api(issuer, { jwksUri, ...options } = {}) {
    const api = new Api(this.subject, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      jwksUri: this.isOurs ? jwksUri : (jwksUri ?? issuer.jwksUri),
      ...options,
    })
    this.#onClose((options) => api.stop(options), api)
    await api.start()
    return api
  }

  async folder() {
    const folder = await mkdtemp(join(tmpdir(), 'fault-suite-'))
    return this.#onClose(() => rm(folder, { recursive: true, force: true }), folder)
  }

  /** @param options.graceful whether processes may be reused; otherwise ends them immediately. */
  async close(options) {
    this.#isClosed = true
    for (const cleanup of this.#cleanups.toReversed()) await cleanup(options)
  }

  #onClose(cleanup, resource) {
    // A case that timed out may still be running.
    if (this.#isClosed) {
      cleanup({ graceful: false })
      throw new Error('the harness is closed')
    }
    this.#cleanups.push(cleanup)
    return resource
  }
}
