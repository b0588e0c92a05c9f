/**
 * How long the servers keep unused connections open, in milliseconds: longer than they wait for their
 * turn.
 */
export const KEEP_ALIVE_MS = 900_000
