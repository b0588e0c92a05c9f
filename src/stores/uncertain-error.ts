/**
 * What {@link Store.add} rejects with where the entry was added, and nobody can tell whether it was
 * there before: the store may have forgotten it.
 */
export class UncertainError extends Error {
  override readonly name = 'UncertainError'
  readonly code = 'store_uncertain'
}
