/** An immutable set. `Object.freeze` alone does not prevent changes to the values of a `Set`. */
class FixedSet extends Set<string> {
  // This field is absent while super() adds the values, so that only later additions throw.
  readonly #fixed = true

  constructor(values: Iterable<string>) {
    super(values)
    Object.freeze(this)
  }

  override add(value: string): this {
    if (#fixed in this) throw immutable()
    return super.add(value)
  }

  override delete(): boolean {
    throw immutable()
  }

  override clear(): void {
    throw immutable()
  }
}

function immutable(): TypeError {
  return new TypeError('A verified access token cannot be changed')
}

/** All tokens share this empty set, because most tokens have no roles, groups or permissions. */
const EMPTY: ReadonlySet<string> = new FixedSet([])

/** Returns an immutable set, because all requests with the same token share it. */
export function fixedSet(values: readonly string[]): ReadonlySet<string> {
  return values.length === 0 ? EMPTY : new FixedSet(values)
}
