/** Renders text only: no content of a token or a response becomes markup. */

const MARKS = { passed: '✔', failed: '✘', 'not reached': '–' }
const byId = (id) => document.getElementById(id)

function make(name, className, ...children) {
  const element = document.createElement(name)
  if (className) element.className = className
  element.append(...children)
  return element
}

/** Tells assistive technology and tests that a request is in flight. */
export function showBusy(isBusy) {
  document.querySelector('main').ariaBusy = String(isBusy)
}

export function say(text, isBad = false) {
  byId('login-message').textContent = text
  byId('login-message').classList.toggle('bad', isBad)
}

export function showToken(token, { header, claims }, note) {
  byId('token').hidden = false
  byId('token-note').textContent = note
  byId('token-header').textContent = JSON.stringify(header, null, 2)
  byId('token-claims').textContent =
    claims === undefined
      ? 'Encrypted: neither the client nor this page can read them.'
      : JSON.stringify(claims, null, 2)
  const [first, ...others] = token.split('.')
  const last = others.pop()
  byId('token-raw').replaceChildren(
    make('span', 'first', first),
    '.',
    make('span', 'second', others.join('.')),
    '.',
    make('span', 'third', last),
  )
}

/** @param sentence the explanation after the status of the response. */
export function showResponse(response, steps, sentence) {
  const { status, statusText } = response
  byId('status').textContent = `${status} ${statusText}`
  byId('status').className = status < 400 ? 'badge good' : 'badge bad'
  byId('sentence').textContent = sentence
  showSteps(steps)
  byId('wire').hidden = false
  byId('request').textContent = requestText(response.request)
  byId('response').textContent = responseText(response)
  bringIntoView(byId('response-heading'))
}

/** Scrolls to the heading if it is not visible: on a phone, the response is below the button. */
function bringIntoView(heading) {
  const { top, bottom } = heading.getBoundingClientRect()
  if (top >= 0 && bottom < innerHeight * 0.75) return
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches
  heading.scrollIntoView({ behavior: still ? 'auto' : 'smooth' })
}

export function showSteps(steps) {
  byId('steps').replaceChildren(...steps.map(step))
}

function step({ name, what, outcome, seen, expected, found, advice }) {
  const mark = make('span', 'mark', MARKS[outcome])
  mark.ariaHidden = 'true'
  const rows = [
    ['expected', expected],
    ['found', found],
    ['to do', advice],
  ].filter(([, text]) => text !== undefined)
  const body = make('div', 'body', make('p', 'what', what))
  if (seen !== undefined) body.append(make('p', 'seen', seen))
  if (rows.length > 0) body.append(make('dl', 'reason', ...rows.flatMap(row)))
  const item = make('li', `step ${outcome.replace(' ', '-')}`)
  item.dataset.step = name
  item.append(mark, make('h3', '', name), make('span', 'outcome', outcome), body)
  return item
}

function row([term, text]) {
  return [make('dt', '', term), make('dd', '', text)]
}

function requestText({ path, headers }) {
  const lines = [`GET ${path}`, `Origin: ${location.origin}`]
  const shown = (value) => (value.length > 48 ? `${value.slice(0, 32)}… (${value.length})` : value)
  if (headers.authorization) lines.push(`Authorization: ${shown(headers.authorization)}`)
  if (headers.dpop) lines.push(`DPoP: ${shown(headers.dpop)}`)
  return lines.join('\n')
}

function responseText({ status, statusText, challenge, nonce, retryAfter, body }) {
  const lines = [`${status} ${statusText}`]
  if (challenge !== null) lines.push(`WWW-Authenticate: ${challenge}`)
  if (nonce !== null) lines.push(`DPoP-Nonce: ${nonce}`)
  if (retryAfter !== null) lines.push(`Retry-After: ${retryAfter}`)
  return [...lines, '', body].join('\n')
}

export function showState({ api, issuer, issuerIsUp, statistics, fetches }) {
  byId('page-origin').textContent = location.host
  byId('api-origin').textContent = new URL(api).host
  byId('issuer-origin').textContent = new URL(issuer).host
  byId('issuer-state').textContent = issuerIsUp ? 'up' : 'down'
  byId('issuer-state').className = issuerIsUp ? 'pill' : 'pill down'
  const [name, what] = byId('issuer').children
  name.textContent = issuerIsUp ? 'Take the issuer down' : 'Bring the issuer back'
  what.textContent = issuerIsUp ? 'New tokens, cached keys' : 'It responds again'
  const rejected = Object.values(statistics.rejections).reduce((sum, count) => sum + count, 0)
  const counts = [
    [statistics.signatureVerifications, 'signature verified', 'signatures verified'],
    [statistics.cacheHits, 'cache hit', 'cache hits'],
    [rejected, 'request rejected', 'requests rejected'],
    [fetches, 'key set fetched', 'key sets fetched'],
  ]
  byId('counts').replaceChildren(
    ...counts.map(([count, one, several]) =>
      make('div', '', ...row([count === 1 ? one : several, count])),
    ),
  )
}

/** Emphasizes the next action: to log in, and then to call the API. */
export function showNext(hasToken) {
  const [logIn, call] = ['login', 'call'].map((id) => byId(id).querySelector('[type=submit]'))
  logIn.classList.toggle('primary', !hasToken)
  call.classList.toggle('primary', hasToken)
}
