/** Coverage of `src`, counted by V8 in each worker; `tap report` adds it up and enforces 100 %. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { createRequire, findSourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** tap reads whatever is in there. */
const FOLDER = '.tap/coverage'
const SOURCES = new URL('../../src/', import.meta.url).href

/** Starts counting in this process. Call the result once, to write what was counted. */
export function startCoverage(file) {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  return () => {
    session.post('Profiler.takePreciseCoverage', (error, { result } = {}) => {
      if (error) throw new Error('V8 gave no coverage', { cause: error })
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
    // A module that a test loads again, with mocks or a query, counts as the same file.
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

/** Returns what to print, and whether every statement, branch, function and line was run. */
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
