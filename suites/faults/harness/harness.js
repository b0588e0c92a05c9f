/** Starts and stops the issuers, APIs and folders of one case for one subject. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthorizationServer } from 'fastify-resource-server/testing'
import { Api } from './api.js'
import { keySetMirror } from './key-set-mirror.js'

/** Longer than every simulated outage, so that only the keys matter. In seconds. */
const LIFETIME = 30 * 86_400

export class Harness {
  /** `ours` or `jose`. */
  subject
  #ends = []
  #over = false

  constructor(subject) {
    this.subject = subject
  }

  get isOurs() {
    return this.subject === 'ours'
  }

  async issuer(options = {}) {
    const issuer = await createAuthorizationServer({
      accessTokenLifetime: LIFETIME,
      algorithm: 'ES256',
      ...options,
    })
    return this.#until(() => issuer.close(), issuer)
  }

  /** A delayed copy of the issuer's key set; `publish()` updates it. */
  async mirror(issuer) {
    const mirror = await keySetMirror(issuer)
    return this.#until(() => mirror.stop(), mirror)
  }

  /**
   * Starts an API that trusts the issuer. This package discovers the key set unless `jwksUri` is set;
   * jose cannot.
   *
   * @param options.still whether only `advance` moves its clock.
   * @param options.jwks options of this package only.
   * @param options.ownProcess whether it runs in a new process, which ends with it.
   */
  async api(issuer, { jwksUri, ...options } = {}) {
    const api = new Api(this.subject, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      jwksUri: this.isOurs ? jwksUri : (jwksUri ?? issuer.jwksUri),
      ...options,
    })
    this.#until((how) => api.stop(how), api)
    await api.start()
    return api
  }

  async folder() {
    const folder = await mkdtemp(join(tmpdir(), 'fault-suite-'))
    return this.#until(() => rm(folder, { recursive: true, force: true }), folder)
  }

  /** @param how with `graceful: false`, ends processes immediately. */
  async close(how) {
    this.#over = true
    for (const end of this.#ends.toReversed()) await end(how)
  }

  #until(end, what) {
    // A case that timed out may still be running.
    if (this.#over) {
      end({ graceful: false })
      throw new Error('the harness is closed')
    }
    this.#ends.push(end)
    return what
  }
}
