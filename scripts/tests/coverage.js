/** Collects V8 coverage of `src` in each worker; `tap report` merges it and enforces 100 %. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { createRequire, findSourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** `tap report` reads all files of this folder. */
const FOLDER = '.tap/coverage'
const SOURCES = new URL('../../src/', import.meta.url).href

/**
 * Starts to collect coverage in this process. Returns a function that writes it to `file`; call it
 * once.
 */
export function startCoverage(file) {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  return () => {
    session.post('Profiler.takePreciseCoverage', (error, { result } = {}) => {
      if (error) throw new Error('V8 returned no coverage', { cause: error })
      writeFileSync(file, JSON.stringify(coverageOfSources(result)))
    })
    session.disconnect()
  }
}

function coverageOfSources(scripts) {
  const result = []
  const sourceMaps = {}
  for (const script of scripts) {
    if (!script.url.startsWith(SOURCES)) continue
    const map = findSourceMap(script.url)
    // A module that a test imports again, with mocks or a query, is covered as the same file.
    const url = script.url.replace(/\?.*/, '')
    if (map !== undefined) {
      const sources = [fileURLToPath(url)]
      sourceMaps[url] = { lineLengths: map.lineLengths, data: { ...map.payload, sources } }
    }
    result.push({ ...script, url })
  }
  return { result, 'source-map-cache': sourceMaps }
}

export function emptyCoverage() {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER, { recursive: true })
}

export function coverageFileOf(worker) {
  return `${FOLDER}/${worker}.json`
}

/** Returns whether every statement, branch, function and line was run, and the report to print. */
export function coverageReport() {
  const require = createRequire(import.meta.url)
  const tap = require.resolve('tap/package.json').replace(/package\.json$/, 'dist/esm/run.mjs')
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [tap, 'report', '--no-show-full-coverage'],
    { encoding: 'utf8' },
  )
  return { complete: status === 0, text: `${stdout}${stderr}`.trim() }
}
