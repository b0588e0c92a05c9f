/** Features of all commands: help, version, invalid arguments, exit codes. */
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { nearest } from '../../src/base/did-you-mean.js'
import { colorsFor } from '../../src/cli/colors.js'
import { main } from '../../src/cli/main.js'
import { jsonDocument, printable } from '../../src/cli/printable.js'
import { runBuilt, runHere } from './fixtures/run.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

t.test('the built command prints its version and its help', async (t) => {
  t.strictSame(await runBuilt(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })
  const help = await runBuilt(['--help'])
  t.equal(help.code, 0)
  for (const command of ['init', 'token', 'explain', 'doctor', 'serve', 'stream'])
    t.match(help.stdout, `  ${command}`)
  for (const args of [['-h'], ['help']]) t.strictSame(await runHere(args), help)
  for (const command of ['token', 'serve']) {
    const own = await runHere([command, '--help'])
    t.strictSame(await runHere(['help', command]), own)
    t.match(own.stdout, `Usage: fastify-resource-server ${command} `)
    t.match(own.stdout, '  -h, --help ')
  }
  t.strictSame(await runHere(['help', '--help']), help)
  t.strictSame(await runHere(['-v']), { code: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('without a command, prints the help to stderr with exit code 2', async (t) => {
  const { code, stdout, stderr } = await runBuilt([])
  t.same(await runHere([]), { code, stdout, stderr })
  t.strictSame([code, stdout], [2, ''])
  t.match(stderr, 'Usage: fastify-resource-server COMMAND')
})

t.test('the help of each command lists its flags, examples and exit codes', async (t) => {
  const expected = {
    token: ['--issuer', '--client-id', '--username', '--password-stdin', 'FRS_CLIENT_SECRET'],
    explain: ['--issuer', '--audience', '--scope', '--jwks-uri'],
    init: ['--profile', '--issuer', '--audience', '--offline', '--typescript'],
    doctor: ['--issuer', '--audience', '--profile', '--json'],
    serve: ['--port', '--profile', '--algorithm'],
    stream: ['--issuer', '--push', '--poll', '--stream-id', 'FRS_PUSH_AUTHORIZATION'],
  }
  for (const [command, words] of Object.entries(expected)) {
    const { code, stdout, stderr } = await runHere([command, '--help'])
    t.strictSame([code, stderr], [0, ''])
    for (const word of [...words, '--help', 'Example', 'Exit codes:', '  3    ', '  130  '])
      t.match(stdout, word)
    t.notMatch(stdout, /.{130}/, 'no line exceeds the width of a terminal')
    t.same(await runHere([command, '-h']), { code, stdout, stderr })
  }
})

t.test('suggests the nearest command or flag, and hides other unknown flags', async (t) => {
  const cases = [
    [['tokn'], 'Did you mean token? Run fastify-resource-server help token for details'],
    [['help', 'tokn'], 'unknown command. Did you mean token?'],
    [
      ['help', 'token', 'serve'],
      'help takes one command: run fastify-resource-server help COMMAND',
    ],
    [['exp'], 'Did you mean explain?'],
    [
      ['frobnicate'],
      'unknown command. The commands are: init, token, explain, doctor, serve, stream',
    ],
    [['explain', '--isuer', 'x'], 'unknown flag --isuer. Did you mean --issuer?'],
    [['init', '--provider', 'okta'], 'unknown flag --provider. Did you mean --profile?'],
    [['token', '--ts'], 'unknown flag (argument 1 of token)'],
    [
      ['doctor', '--issuer', 'https://a.example', '--algorithms', 'RS256,ES256'],
      '--algorithms must be one of these, with a flag for each: RS256',
    ],
    [['explain', '--hepl'], 'unknown flag --hepl. Did you mean --help?'],
    [
      ['serve', '--frobnicate'],
      'unknown flag (argument 1 of serve). Run fastify-resource-server serve --help for details',
    ],
    [['serve', '--port', '1', '-p'], 'unknown flag (argument 3 of serve)'],
    [['serve', '--__proto__'], 'unknown flag (argument 1 of serve)'],
    [['serve', '--constructor'], 'unknown flag (argument 1 of serve)'],
    [
      ['token', '--pasword', 'x'],
      'Did you mean --password? But --password is rejected, because other users',
    ],
    [
      ['token', '--pasword=x'],
      'Did you mean --password? But --password is rejected, because other users',
    ],
    [
      ['token', '--Password'],
      'Did you mean --password? But --password is rejected, because other users',
    ],
    [
      ['token', '--client-secert', 'x'],
      'Did you mean --client-secret? But --client-secret is rejected, because other',
    ],
  ] as const
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await runHere(args)
    t.strictSame([code, stdout], [2, ''])
    t.match(stderr, expected)
  }
  t.match((await runBuilt(['serve', '--prot', '1'])).stderr, 'Did you mean --port?')
})

t.test('rejects invalid arguments without showing values', async (t) => {
  const cases = [
    [['explain', '--issuer'], '--issuer needs a value'],
    [['explain', '--issuer='], '--issuer needs a value'],
    [
      ['explain', '--issuer', '--json'],
      '--issuer needs a value. If it begins with -, write --issuer=VALUE',
    ],
    [['explain', '--json=hunter2'], '--json takes no value: remove "=" and the text after it'],
    [['explain', '--issuer', 'hunter2', '--issuer', 'hunter2'], '--issuer may be given only once'],
    [
      ['explain', 'hunter2', 'hunter2'],
      'too many arguments: explain takes only one argument besides its flags',
    ],
    [['serve', 'hunter2'], 'too many arguments: serve takes only flags'],
    [['serve', '--port', 'hunter2'], '--port must be a whole number'],
    [['token', '--password', 'hunter2'], '--password is rejected, because other users'],
    [['token', '--client-secret=hunter2'], '--client-secret is rejected, because other users'],
    [['token', '--', 'hunter2'], 'too many arguments'],
    [['token'], '--client-id is required'],
    [['explain'], 'no token: pass it on standard input'],
    [['explain', '--issuer', 'x'], '--audience is required; without --issuer and --audience'],
    [['explain', '--audience', 'x'], '--issuer is required; without --issuer and --audience'],
    [['explain', '--scope', 'hunter2'], '--scope needs --issuer and --audience'],
    [['explain', '--audience', 'x', '--issuer', 'y'], '--issuer must be a URL'],
    [['hunter2'], 'unknown command'],
    [['token', '--hunter2'], 'unknown flag'],
    [['token', '--pasword=hunter2'], 'unknown flag'],
    [['token', '--passwordhunter2'], 'unknown flag'],
    [['token', '-phunter2'], 'unknown flag'],
    [['token', '-p=hunter2'], 'unknown flag'],
    [['explain', '-hunter2'], 'unknown flag'],
    [['token', '--no-hunter2'], 'unknown flag'],
    [['serve', '--port', '1', '--hunter2=x'], 'unknown flag'],
  ] as const
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = await runHere(args)
    t.strictSame([code, stdout], [2, ''], args.join(' '))
    t.match(stderr, expected)
    t.notMatch(stderr, 'hunter2')
    t.match(stderr, /^fastify-resource-server: /)
  }
})

t.test('a result that cannot be written is exit code 3', async (t) => {
  for (const args of [['--version'], ['--help'], ['token', '--help']]) {
    const { code, stderr } = await runHere(args, { unwritable: 'ENOSPC' })
    t.equal(code, 3)
    t.equal(stderr, 'fastify-resource-server: standard output could not be written (ENOSPC)\n')
  }
  const other = await runHere(['--version'], { unwritable: '' })
  t.match(other, { code: 3, stderr: /could not be written \(Error\)/ })
})

t.test('an unexpected error is exit code 4', async (t) => {
  for (const [thrown, expected] of [
    [new RangeError('too far'), 'unexpected error, please report it: RangeError: too far'],
    ['text', 'unexpected error, please report it: string'],
  ] as const) {
    let stderr = ''
    const code = await main(['--version'], {
      stdin: new PassThrough(),
      stdout: {
        write() {
          throw thrown
        },
      },
      stderr: {
        write(text: string) {
          stderr += text
          return true
        },
      },
      env: {},
      cwd: '/nonexistent',
      signals: new EventEmitter(),
    })
    t.equal(code, 4)
    t.equal(stderr, `fastify-resource-server: ${expected}\n`)
  }
})

t.test('bin.js uses the arguments and streams of the process', async (t) => {
  t.intercept(process, 'argv', { value: ['node', 'fastify-resource-server', '--version'] })
  const written = t.capture(process.stdout, 'write', (...[, done]: unknown[]) => {
    if (typeof done === 'function') queueMicrotask(done as () => void)
    return true
  })
  await import('../../src/cli/bin.js')
  t.match(written.args(), [[`${version}\n`, Function]])
  t.equal(process.exitCode, 0)
  for (const stream of [process.stdout, process.stderr]) {
    for (let times = 0; times < 2; times++) {
      t.ok(stream.emit('error', new Error('EPIPE')), 'a failed write does not end the process')
    }
  }
})

t.test('colors follow the terminal, FORCE_COLOR and NO_COLOR', async (t) => {
  const isRed = (isTTY: boolean, env: Record<string, string>) =>
    colorsFor({ isTTY, write: () => true }, env).red('x') !== 'x'
  t.equal(isRed(true, {}), true)
  t.equal(isRed(false, {}), false)
  t.equal(isRed(true, { NO_COLOR: '1' }), false)
  t.equal(isRed(true, { NO_COLOR: '' }), true, 'no-color.org: an empty value is ignored')
  t.equal(isRed(true, { TERM: 'dumb' }), false)
  t.equal(isRed(false, { FORCE_COLOR: '1' }), true)
  t.equal(isRed(true, { FORCE_COLOR: '0' }), false)
  t.equal(isRed(true, { FORCE_COLOR: 'false' }), false)
  t.equal(isRed(false, { FORCE_COLOR: '1', NO_COLOR: '1' }), true)
  t.match((await runHere(['x'], { color: true })).stderr, '\x1b[31m')
})

t.test('escapes control characters for terminals', async (t) => {
  t.equal(
    printable('a\x1b[2J\x9b\u202e\u200b\u2028\nß✔'),
    'a\\u001b[2J\\u009b\\u202e\\u200b\\u2028\\u000aß✔',
  )
  t.equal(printable('\u{e0041}'), '\\udb40\\udc41')
  const value = { 'a\x9b': ['\u202e\n', { b: '\ud800' }] }
  const text = jsonDocument(value)
  t.notMatch(text, /[^\x20-\x7e\n]/)
  t.strictSame(JSON.parse(text), value)
})

t.test('the nearest name differs in few letters, or has the word as a prefix', async (t) => {
  const known = ['issuer', 'audience', 'scope', 'json', 'client-authentication']
  t.equal(nearest('isser', known), 'issuer')
  t.equal(nearest('audeince', known), 'audience')
  t.equal(nearest('client', known), 'client-authentication')
  t.equal(nearest('x', known), undefined)
  t.equal(nearest('nothing-like-it', known), undefined)
  t.equal(nearest('x'.repeat(100_000), known), undefined)
})
