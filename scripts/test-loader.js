/**
 * Lets tap's test processes import TypeScript; .taprc preloads this file in each of them. It
 * replaces tap's default loader, ts-node, which loads the compiler twice in every process; that
 * took longer than most tests.
 */
import { register } from 'node:module'
import './tests/no-network.js'

register('./test-loader-hooks.js', import.meta.url)

// Only the processes that a test starts with its own execArgv need the loader as well.
delete process.env.NODE_OPTIONS
process.execArgv.unshift(`--import=${import.meta.url}`)
