/** The files in examples/operations, and the runbook, match the code. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { Counters } from '../../src/observability/statistics.js'
import { run } from '../fixtures/programs/run.js'

const root = new URL('../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

const metrics = read('examples/metrics.ts')
const runbook = read('docs/runbook.md')
const observability = read('docs/observability.md')
const METRIC = /\bresource_server_\w+/g

interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook: string }
}

const { groups } = parse(read('examples/operations/alerts.yaml')) as {
  groups: { name: string; rules: AlertRule[] }[]
}
const rules = groups.flatMap(({ rules }) => rules)

const { code, stdout, stderr } = await run(new URL('.build/examples/metrics.js', root).pathname)
const exported = new Set(stdout.match(METRIC))
/** Whether the example exports the metric; it prints no `_bucket` series. */
const isExported = (metric: string) => exported.has(metric.replace(/_bucket$/, '_count'))

t.test('every metric of the example has the prefix and is exported', async (t) => {
  t.equal(code, 0, stderr)
  const names = [...metrics.matchAll(/^ {2}(?:name: )?'(\w+)',$/gm)].map(([, name = '']) => name)
  const registered = names.filter((name) => name.startsWith('resource_server_'))
  t.equal(registered.length, 19)
  for (const name of registered) {
    t.ok(exported.has(name) || exported.has(`${name}_count`), name)
    t.ok(observability.includes(`| \`${name}\` |`), `${name} is documented`)
  }
  const constructed = metrics.match(
    /new (?:Counter|Gauge|Histogram)\(\{\n {2}name: '(?!resource_server_)/,
  )
  t.equal(constructed, null)
})

t.test('the example exports every statistic', async (t) => {
  // Rejections and events of feeds are counted with more labels.
  const elsewhere = { rejections: "'token:reject'", securityEvents: 'securityEventStatus()' }
  for (const member of Object.keys(new Counters().read(0))) {
    t.ok(metrics.includes(elsewhere[member as keyof typeof elsewhere] ?? member), member)
  }
})

t.test('every alert is complete, and queries exported metrics', async (t) => {
  t.equal(rules.length, 14)
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
  for (const { alert, expr, for: duration, labels, annotations } of rules) {
    t.match(alert, /^ResourceServer[A-Z]\w+$/)
    t.match(duration, /^\d+[ms]$/)
    t.match(labels.severity, /^(?:page|ticket)$/)
    t.match(annotations.summary, /\.$/)
    const used = expr.match(METRIC) ?? []
    t.ok(used.length > 0, alert)
    for (const metric of used) t.ok(isExported(metric), `${alert}: ${metric}`)
    for (const [, check = ''] of expr.matchAll(/(?:check|code|outcome)=~?"([^"]+)"/g)) {
      for (const value of check.split('|')) {
        t.ok(observability.includes(value) || metrics.includes(value), `${alert}: ${value}`)
      }
    }
    const [page, anchor] = annotations.runbook.split('#')
    t.equal(page, 'docs/runbook.md')
    const headings = runbook.match(/^## .*$/gm) ?? []
    t.ok(
      headings
        .map((heading) => heading.slice(3).toLowerCase().replaceAll(' ', '-'))
        .includes(anchor as string),
      alert,
    )
  }
})

interface RuleTest {
  readonly name: string
  readonly alert_rule_test: readonly { alertname: string; exp_alerts: readonly unknown[] }[]
}

const RULE_TESTS = ['alerts.test.yaml', 'alerts.week.test.yaml']

t.test('each alert has a row in the guide, and test cases that fire and that do not', async (t) => {
  const cases = RULE_TESTS.flatMap((file) => {
    const { rule_files, tests } = parse(read(`examples/operations/${file}`))
    t.strictSame(rule_files, ['alerts.yaml'])
    return (tests as RuleTest[]).flatMap((test) => test.alert_rule_test)
  })
  const [, section = ''] = observability.split(/^## Recommended alerts$/m)
  for (const { alert, for: duration } of rules) {
    const [row] = section.match(new RegExp(`^\\| \`${alert}\` .*$`, 'm')) ?? ['']
    const [, minutes] = /^(\d+)m$/.exec(duration) ?? []
    const words = { 0: ' ', 1: 'for a minute' }[Number(minutes)] ?? `for ${minutes} minutes`
    t.ok(row.includes(words), `${alert}: ${words}`)
    const own = cases.filter(({ alertname }) => alertname === alert)
    for (const isFiring of [true, false]) {
      const matching = own.filter(({ exp_alerts }) => exp_alerts.length > 0 === isFiring)
      t.ok(matching.length > 0, `${alert}, firing: ${isFiring}`)
    }
  }
})

const promtool = spawnSync('promtool', ['--version']).error === undefined
t.test(
  'promtool: each alert fires when its test cases say so',
  { skip: !promtool && 'promtool is not installed (Debian package prometheus)' },
  async (t) => {
    const cwd = new URL('examples/operations/', root)
    for (const args of [
      ['check', 'rules', 'alerts.yaml'],
      ['test', 'rules', ...RULE_TESTS],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, { cwd, encoding: 'utf8' })
      t.equal(status, 0, `${args.join(' ')}\n${stdout}${stderr}`)
    }
  },
)

t.test('every panel of the dashboard queries exported metrics', async (t) => {
  const { panels } = JSON.parse(read('examples/operations/dashboard.json')) as {
    panels: { id: number; title: string; targets: { expr: string }[] }[]
  }
  t.equal(panels.length, 12)
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const used = expr.match(METRIC) ?? []
      t.ok(used.length > 0, title)
      for (const metric of used) t.ok(isExported(metric), `${title}: ${metric}`)
    }
  }
})

t.test('the probes of the manifest are routes of the example', async (t) => {
  const documents = parseAllDocuments(read('examples/operations/kubernetes.yaml'))
  t.strictSame(
    documents.flatMap(({ errors }) => errors),
    [],
  )
  const [deployment] = documents.map((document) => document.toJS())
  const { template, strategy } = deployment.spec
  t.equal(strategy.rollingUpdate.maxUnavailable, 0)
  const [{ ports, livenessProbe, readinessProbe }] = template.spec.containers
  const readiness = read('examples/readiness.ts')
  for (const [probe, path] of [
    [livenessProbe, '/live'],
    [readinessProbe, '/ready'],
  ]) {
    t.equal(probe.httpGet.path, path)
    t.ok(readiness.includes(`app.get('${path}', { config: { auth: false } }`))
    t.equal(probe.httpGet.port, ports[0].name)
  }
  const annotations = template.metadata.annotations
  t.ok(metrics.includes(`app.get('${annotations['prometheus.io/path']}'`))
})

t.test('the runbook quotes existing alerts, metrics and log lines', async (t) => {
  const quoted = [...runbook.matchAll(/`([^`\n]+)`/g)].map(([, text]) => text as string)
  const alerts = new Set(rules.map(({ alert }) => alert))
  const found = quoted.filter((text) => /^ResourceServer[A-Z]/.test(text))
  t.ok(found.length > 15)
  for (const text of found) t.ok(alerts.has(text), text)
  for (const alert of alerts) t.ok(found.includes(alert), `${alert} has a section`)

  for (const page of [runbook, observability]) {
    for (const metric of page.match(METRIC) ?? []) {
      t.ok(isExported(metric) || exported.has(`${metric}_count`), metric)
    }
  }

  const [, section = ''] = observability.split(/^## Log lines$/m)
  const lines = quoted.filter((text) => section.includes(`\`${text}\` | `))
  t.ok(lines.length >= 10)
  const sentences = quoted.filter((text) => /^\w[\w "]+; \w/.test(text))
  t.ok(sentences.length > 10)
  for (const sentence of sentences) t.ok(lines.includes(sentence), sentence)
})
