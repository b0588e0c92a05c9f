import { spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { digestOf, nameOfDigest } from '../../src/revocation/revocation-names.js'
import { DIGEST_WORDS, RevocationTable } from '../../src/revocation/revocation-table.js'

const FOREVER = Number.POSITIVE_INFINITY

function digest(text: string): Uint32Array {
  return digestOf(hash('sha256', text, 'base64url')).slice()
}

/** Returns a table with entries "0", "1" … whose `before` is their number. */
function tableOf(count: number, lastIssued = (_: number) => 5): RevocationTable {
  const table = new RevocationTable()
  for (let i = 0; i < count; i++) {
    table.set(digest(`${i}`), { before: i, lastIssued: lastIssued(i) })
  }
  return table
}

t.test('finds every entry, and no other', async (t) => {
  const table = tableOf(30_000)
  t.equal(table.size, 30_000)
  let found = 0
  for (let i = 0; i < 30_000; i++) found += Number(table.get(digest(`${i}`))?.before === i)
  t.equal(found, 30_000)
  for (let i = 0; i < 30_000; i++) found -= Number(table.get(digest(`${-1 - i}`)) === undefined)
  t.equal(found, 0)
  t.equal(new RevocationTable().get(digest('0')), undefined)
})

t.test('distinguishes digests that differ in one bit', async (t) => {
  const table = new RevocationTable()
  const similar = Array.from({ length: DIGEST_WORDS * 32 }, (_, bit) => {
    const words = digest('0')
    words[bit >> 5] = ((words[bit >> 5] as number) ^ (1 << (bit & 31))) >>> 0
    return words
  })
  for (const [i, words] of similar.entries()) {
    t.equal(table.get(words), undefined)
    table.set(words, { before: i, lastIssued: 0 })
  }
  t.equal(table.get(digest('0')), undefined)
  t.strictSame(
    similar.map((words) => table.get(words)?.before),
    similar.map((_, i) => i),
  )
})

t.test('keeps times exactly, and replaces them', async (t) => {
  const table = new RevocationTable()
  for (const times of [
    { before: 0, lastIssued: 0 },
    { before: 1_800_000_000.25, lastIssued: 1e11 },
    { before: FOREVER, lastIssued: FOREVER },
  ]) {
    table.set(digest('a'), times)
    t.strictSame(table.get(digest('a')), times)
    t.equal(table.size, 1)
  }
})

t.test('reads one of several digests', async (t) => {
  const table = tableOf(2)
  const digests = new Uint32Array(3 * DIGEST_WORDS)
  for (const [i, text] of ['1', 'x', '0'].entries()) digests.set(digest(text), i * DIGEST_WORDS)
  t.equal(table.get(digests)?.before, 1)
  t.equal(table.get(digests, DIGEST_WORDS), undefined)
  t.equal(table.get(digests, 2 * DIGEST_WORDS)?.before, 0)
})

t.test('removes expired entries, and no others', async (t) => {
  const table = tableOf(1_000, (i) => (i % 2 === 0 ? 5 : 6))
  table.removeExpired(5)
  t.equal(table.size, 1_000)
  table.removeExpired(Number.NaN)
  t.equal(table.size, 1_000, 'none with a NaN clock')
  table.removeExpired(6)
  t.equal(table.size, 500)
  for (let i = 0; i < 1_000; i++) {
    if ((table.get(digest(`${i}`)) === undefined) !== (i % 2 === 0)) t.fail(`${i}`)
  }
  table.set(digest('1'), { before: 0, lastIssued: 9 })
  table.removeExpired(9)
  t.strictSame([...table.entries()].length, 1)
  t.equal(table.size, 1, 'the later time counts')
})

t.test('removes a part of many expired entries at a time, and at least one', async (t) => {
  const table = tableOf(100_000)
  for (const words of ['x', 'y']) table.set(digest(words), { before: 0, lastIssued: FOREVER })
  let calls = 0
  while (table.size > 2) {
    const { size } = table
    table.removeExpired(6)
    calls++
    if (table.size >= size || size - table.size > 20_000) t.fail(`${size} -> ${table.size}`)
  }
  t.ok(calls >= 5 && calls <= 20, `${calls} calls`)
  t.equal(table.get(digest('x'))?.lastIssued, FOREVER)

  table.set(digest('z'), { before: 0, lastIssued: 5 })
  table.removeExpired(6)
  t.equal(table.size, 2)
})

t.test('removes the only expired entry of many', async (t) => {
  const table = tableOf(50_000, () => 1)
  for (let i = 0; i < 50_000; i++) table.set(digest(`${i}`), { before: i, lastIssued: 9 })
  // In the last shard.
  const expired = digest('x').fill(255, 0, 1)
  table.set(expired, { before: 0, lastIssued: 2 })
  table.removeExpired(5)
  t.equal(table.size, 50_000)
  t.equal(table.get(expired), undefined)
})

t.test('lists each entry with its latest times while the table changes', async (t) => {
  const table = tableOf(5_000, (i) => (i < 100 ? 1 : 5))
  const names = new Map<string, number>()
  let step = 0
  for (const [words, times] of table.entries()) {
    names.set(nameOfDigest(words), times.before)
    step++
    // Makes every shard grow, so that the arrays are replaced.
    if (step === 10) {
      for (let i = 5_000; i < 20_000; i++) table.set(digest(`${i}`), { before: i, lastIssued: 5 })
      for (let i = 0; i < 5_000; i++) {
        table.set(digest(`${i}`), { before: i + 0.5, lastIssued: i < 100 ? 1 : 5 })
      }
    }
    if (step === 20) while (table.get(digest('99'))) table.removeExpired(2)
  }
  let listed = 0
  for (let i = 100; i < 5_000; i++) {
    const before = names.get(nameOfDigest(digest(`${i}`)))
    if (before === i + 0.5) listed++
    else if (before !== i) t.fail(`${i}: ${before}`)
  }
  t.ok(listed > 4_850, `${listed} with their latest times`)
  t.notOk([...table.entries()].some(([, { lastIssued }]) => lastIssued === 1))
})

t.test('an entry takes less than 80 bytes', async (t) => {
  const file = fileURLToPath(new URL('../fixtures/revocations-size.ts', import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, [...process.execArgv, '--expose-gc', file])
  const bytes = Number(stdout)
  t.comment(`${bytes} bytes`)
  t.ok(bytes > 40 && bytes < 80, `${stdout}${stderr}`)
})
