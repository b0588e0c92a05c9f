/**
 * Tests and suites must not assert a measured time, because the machines that run them are shared.
 * They count calls, check the order of events or replace the clock; suites may print times. A
 * watchdog of at least 30 s for something that would otherwise hang is allowed.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'

/** Comparisons with a clock that judge no speed: a part of the line, and the reason. */
const ALLOWED: Readonly<Record<string, readonly (readonly [part: string, reason: string])[]>> = {
  'test/base/deadline-timer.test.ts': [['end = performance.now()', 'blocks the event loop']],
  'test/project/examples.test.ts': [['Number(seconds)', 'compares a time of day']],
  'test/testing/dpop-proof.test.ts': [['claims.iat', 'compares a time of day']],
  'suites/conformance/targets/url.ts': [['giveUpAt', 'a watchdog of 30 s or more']],
  'suites/faults/harness/traffic.js': [['dueCount', 'sends requests at a rate']],
  'suites/introspection-attack/cell.js': [['perSecond', 'sends requests at a rate']],
  'suites/mutation/baseline.js': [['SLOW_MS', 'chooses the tests of a quick run']],
  'suites/mutation/explained.js': [['#validUntil', 'quotes a line of src']],
  'suites/mutation/run.js': [['isLate', 'ends a run that has a time limit']],
  'suites/quickstart/processes.js': [['deadline', 'a watchdog of 60 s']],
  'suites/redis/fixtures/proof-load.ts': [['expiresAt', 'ignores a stale proof, as an API does']],
  'suites/redis/hints-and-stalls.redis.ts': [['end = performance.now()', 'blocks the event loop']],
  'suites/soak/minutes.js': [['lengthMs', 'ends a run of a given length']],
  'suites/soak/run.js': [['dueCount', 'sends requests at a rate']],
}

const CLOCK = String.raw`(?:performance|Date)\.now\(\)|hrtime|cpuUsage\(`
/** An assignment of a duration: the name, and a clock from which a time is subtracted. */
const DURATION = /\b(\w+)\s*(?:[+]?=|:)\s*[^=;,\n]*(?:\.now\(\)\s*-|hrtime|cpuUsage\()/g
/** Names of durations that are measured in another function or file. */
const DURATIONS = ['durationMs', 'cpu', 'elapsed\\w*', 'slowest', 'measure\\w*Ms']

/** Returns the lines that compare a clock or a measured duration, with their numbers. */
function comparisonsIn(text: string): (readonly [line: number, text: string])[] {
  const names = [...text.matchAll(DURATION)].map(([, name]) => name as string)
  const measured = new RegExp(`${CLOCK}|\\b(?:${[...names, ...DURATIONS].join('|')})\\b`)
  return text
    .split('\n')
    .map((line, index) => [index + 1, line.trim()] as const)
    .filter(([, line]) => / [<>]=? /.test(line) && measured.test(line))
    .filter(([, line]) => !/^(?:\/\/|\*)/.test(line))
}

t.test('no test compares a measured time', async (t) => {
  const files = execFileSync('git', ['ls-files', 'test', 'suites'], { encoding: 'utf8' })
    .split('\n')
    .filter((file) => /\.[cm]?[jt]s$/.test(file) && file !== 'test/project/measured-times.test.ts')
  t.ok(files.length > 300)
  const used = new Set<string>()
  for (const file of files) {
    for (const [line, text] of comparisonsIn(readFileSync(file, 'utf8'))) {
      const allowed = ALLOWED[file]?.find(([part]) => text.includes(part))
      if (allowed === undefined) t.fail(`${file}:${line} compares a measured time: ${text}`)
      else used.add(`${file} ${allowed[0]}`)
    }
  }
  const listed = Object.entries(ALLOWED).flatMap(([file, all]) => all.map(([p]) => `${file} ${p}`))
  t.strictSame(
    listed.filter((entry) => !used.has(entry)),
    [],
    'each exception is needed',
  )
})

t.test('finds comparisons of measured times', async (t) => {
  const found = [
    't.ok(performance.now() - began < 1_000)',
    't.ok(1_000 >= Date.now() - began)',
    'if (process.hrtime.bigint() - began > 5n) t.fail()',
    'const took = performance.now() - began\nt.ok(took < 5)',
    'let cpu = process.cpuUsage(before).user\nassert.ok(cpu <= 5)',
    't.ok(first.durationMs < 5)',
    't.ok(slowest(responses) < 5)',
    't.ok((await measureRejectionMs(token)) < 1_000)',
  ]
  for (const text of found) t.equal(comparisonsIn(text).length, 1, text)
  const others = [
    't.comment(performance.now() - began)',
    't.ok(count < 5)',
    'now = () => Date.now()',
  ]
  for (const text of others) t.strictSame(comparisonsIn(text), [], text)
})
