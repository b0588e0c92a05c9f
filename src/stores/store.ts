/** What instances of an API share (and one alone keeps for itself). */

/**
 * A place for small pieces of text, each for a limited time. Times are in milliseconds; keys and
 * values are ASCII, and no secret is in either. Every method rejects when it can't do what it says,
 * and does so soon: requests wait for it.
 */
export interface Store {
  /**
   * Atomic, whoever else calls it: `true` if there was nothing under the key and now there is,
   * `false` if there was something. What was added is there until its time is over, and never
   * forgotten before, to make room or otherwise: a store without room rejects.
   */
  add(key: string, value: string, ttl: number): Promise<boolean>
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttl: number): Promise<void>
  delete(key: string): Promise<void>
}
