/** The pages for login, consent and logout, and the attacks on them (RFC 9700 §4.16, RFC 6749 §10). */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { decodeJwt } from 'jose'
import t from 'tap'
import { BrowserSessions } from '../../src/testing/authorization-server/login/browser-sessions.js'
import { createAuthorizationServer } from '../../src/testing/index.js'
import { freePort } from '../fixtures/free-port.js'
import { authorizationUrl, CALLBACK, pkce, redeem } from './fixtures/authorization.js'
import { Browser, formsOf, type Visited } from './fixtures/browser.js'

let seconds = 1_800_000_000
const XSS = '"><script>alert(1)</script>\''
const server = await createAuthorizationServer({
  algorithm: 'ES256',
  now: () => seconds * 1000,
  users: [
    {
      username: 'ada',
      password: 'demo-password',
      claims: { groups: ['Admins', 'Staff'], tenant: 'acme', nested: { a: 'x'.repeat(100) } },
    },
    { username: 'bob', password: 'demo-password' },
    { username: 'carol', password: 'her own password' },
    { username: XSS, password: 'demo-password', claims: { [XSS]: XSS } },
  ],
  clients: [
    {
      clientId: 'app',
      name: 'Orders app',
      redirectUris: [CALLBACK, 'http://[::1]/cb', 'com.example.app:/cb'],
      postLogoutRedirectUris: ['https://app.example/bye', 'https://app.example/bye?x=1'],
    },
    { clientId: XSS, redirectUris: ['https://app.example/cb'] },
  ],
})
t.teardown(() => server.close())
const { authorizationEndpoint, tokenEndpoint, endSessionEndpoint } = server
const loginUrl = `${authorizationEndpoint}/login`
const consentUrl = `${authorizationEndpoint}/consent`

function url(parameters: Record<string, string | undefined> = {}) {
  return authorizationUrl(authorizationEndpoint, pkce().challenge, parameters)
}

function titleOf({ text }: Visited): string | undefined {
  return /<h1>(.*?)<\/h1>/.exec(text)?.[1]
}

async function loggedIn(user = 'ada') {
  const browser = new Browser()
  const page = await browser.submit(await browser.open(url()), { user })
  return { browser, page }
}

t.test('lists the users whose password is public knowledge, with a button each', async (t) => {
  const page = await new Browser().open(url())
  t.equal(titleOf(page), 'Log in')
  t.match(page.text, 'Orders app')
  t.match(page.text, '<button name="user" value="ada">')
  t.match(page.text, '<button name="user" value="bob">')
  t.match(page.text, 'groups: Admins, Staff · tenant: acme')
  t.notMatch(page.text, 'x'.repeat(61), 'long claims are cut')
  t.notMatch(page.text, 'carol', 'a button would make the password of this user useless')
  const browser = new Browser()
  const forged = await browser.submit(await browser.open(url()), { user: 'carol' })
  t.equal(forged.status, 400)
  t.equal(titleOf(forged), 'Log in')
  const hinted = await new Browser().open(url({ login_hint: 'carol' }))
  t.match(hinted.text, 'value="carol" autocomplete="username"')
})

t.test('lists no user if no password is public knowledge', async (t) => {
  await using other = await createAuthorizationServer({
    algorithm: 'ES256',
    users: [{ username: 'carol', password: 'her own password' }],
    clients: [{ clientId: 'app', redirectUris: [CALLBACK] }],
  })
  const page = await new Browser().open(
    authorizationUrl(other.authorizationEndpoint, pkce().challenge),
  )
  t.notMatch(page.text, /Another user|<ul/)
  t.equal(formsOf(page).length, 1)
})

t.test('logs a user in with user name and password', async (t) => {
  const browser = new Browser()
  const page = await browser.open(url())
  for (const [username, password] of [
    ['carol', 'demo-password'],
    ['nope', 'demo-password'],
    ['carol', ''],
    ['', ''],
  ] as const) {
    const failed = await browser.submit(page, { username, password })
    t.equal(failed.status, 400)
    t.match(failed.text, /role="alert">The user name or the password is wrong/)
    t.match(failed.text, `name="username" value="${username}"`)
    t.notMatch(failed.text, 'value="demo-password"')
  }
  const consent = await browser.submit(page, { username: 'carol', password: 'her own password' })
  t.equal(titleOf(consent), 'Allow access?')
  t.match(consent.text, '<strong>carol</strong>')
})

t.test('the consent page names client, user, scope, resource and host', async (t) => {
  const { browser, page } = await loggedIn()
  t.match(page.text, '<strong>Orders app</strong>')
  t.match(page.text, '<code>127.0.0.1:4000</code>')
  t.match(page.text, /<code>openid<\/code> <span class="quiet">know who you are/)
  t.match(page.text, '<code>orders:read</code>')
  t.notMatch(page.text, 'registered itself')
  const resource = 'https://api.example/mcp'
  t.match((await browser.open(url({ resource }))).text, `<code>${resource}</code>`)
  const native = await browser.open(url({ redirect_uri: 'com.example.app:/cb' }))
  t.match(native.text, 'com.example.app (an app on this device)')
})

t.test('asks for each access, and for the login only once', async (t) => {
  const { browser } = await loggedIn()
  t.equal(titleOf(await browser.open(url())), 'Allow access?')
  await browser.allow(url(), 'ada')
  t.equal(titleOf(await browser.open(url())), 'Allow access?', 'RFC 8252 §8.6')
  const silent = await browser.open(url({ prompt: 'none' }))
  t.equal(silent.location?.searchParams.get('error'), 'consent_required')
  const { text } = await browser.open(url())
  const [, other = ''] = /<a href="([^"]+)">Use another user/.exec(text) ?? []
  const again = new URL(other.replaceAll('&amp;', '&'), authorizationEndpoint).href
  const page = await browser.open(again)
  t.equal(titleOf(page), 'Log in')
  const consent = await browser.submit(page, { user: 'bob' })
  t.match(consent.text, '<strong>bob</strong>', 'and the login is not requested again')
})

t.test('OpenID Connect Core §3.1.2.1: prompt and max_age require another login', async (t) => {
  const { browser } = await loggedIn()
  seconds += 100
  for (const parameters of [{ prompt: 'login' }, { prompt: 'select_account' }, { max_age: '99' }]) {
    const { status, text } = await browser.open(url(parameters))
    t.match([status, text], [200, '<h1>Log in</h1>'])
  }
  t.equal(titleOf(await browser.open(url({ max_age: '100' }))), 'Allow access?')
  t.equal(titleOf(await browser.open(url({ prompt: 'consent' }))), 'Allow access?')
  const aged = await browser.open(url({ max_age: '100' }))
  seconds += 1
  t.equal(titleOf(await browser.submit(aged, { decision: 'allow' })), 'Log in')
  const both = await browser.open(url({ max_age: '0', prompt: 'login consent' }))
  t.equal(titleOf(await browser.submit(both, { user: 'ada' })), 'Allow access?')
})

t.test('a login ends after 8 hours, and when the user is disabled', async (t) => {
  await using other = await createAuthorizationServer({
    algorithm: 'ES256',
    now: () => seconds * 1000,
    clients: [{ clientId: 'app', redirectUris: [CALLBACK] }],
  })
  const request = authorizationUrl(other.authorizationEndpoint, pkce().challenge)
  const browser = new Browser()
  const user = 'testuser1@example.com'
  const page = await browser.open(request)
  const consent = await browser.submit(page, { user })
  seconds += 8 * 3600
  t.equal(titleOf(await browser.open(request)), 'Log in')
  t.equal(titleOf(await browser.submit(consent, { decision: 'allow' })), 'Log in')
  await browser.submit(await browser.open(request), { user })
  t.equal(titleOf(await browser.open(request)), 'Allow access?')
  await other.disableUser(user)
  const after = await browser.open(request)
  t.equal(titleOf(after), 'Log in')
  const fresh = new Browser()
  const failed = await fresh.submit(await fresh.open(request), { user })
  t.match([failed.status, failed.text], [400, 'The user is disabled.'])
})

t.test('endSession ends the login of the session', async (t) => {
  const browser = new Browser()
  const { challenge, verifier } = pkce()
  const location = await browser.allow(authorizationUrl(authorizationEndpoint, challenge), 'ada')
  const code = location.searchParams.get('code')
  const { body } = await redeem(tokenEndpoint, code, verifier)
  const other = await loggedIn()
  await server.endSession({ sid: `${decodeJwt(`${body.id_token}`).sid}` })
  t.equal(titleOf(await browser.open(url())), 'Log in')
  t.equal(titleOf(await other.browser.open(url())), 'Allow access?', 'and no other login')
})

t.test('every page forbids scripts, frames and caches', async (t) => {
  const { browser, page: consent } = await loggedIn()
  const pages = {
    login: await new Browser().open(url()),
    consent,
    error: await browser.open(url({ client_id: 'nope' })),
    logout: await browser.open(endSessionEndpoint),
    'logged out': await new Browser().open(endSessionEndpoint),
  }
  for (const [title, { headers, text }] of Object.entries(pages)) {
    const policy = headers.get('content-security-policy')
    t.match(policy, /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'/, title)
    t.match(policy, "; frame-ancestors 'none'; base-uri 'none'")
    t.equal(headers.get('x-frame-options'), 'DENY')
    t.equal(headers.get('x-content-type-options'), 'nosniff')
    t.equal(headers.get('cache-control'), 'no-store')
    t.equal(headers.get('access-control-allow-origin'), null)
    t.notMatch(text, /<script| on\w+=| style=|<img|<link|<iframe/i)
  }
  const action = (page: Visited) =>
    /form-action ([^;]+);/.exec(`${page.headers.get('content-security-policy')}`)?.[1]
  t.equal(action(pages.login), "'self' http://127.0.0.1:4000", 'the form may lead to the client')
  t.equal(action(pages.consent), "'self' http://127.0.0.1:4000")
  t.equal(action(pages.error), "'self'")
  const native = await browser.open(url({ redirect_uri: 'com.example.app:/cb' }))
  t.equal(action(native), "'self' com.example.app:")
  const ipv6 = await browser.open(url({ redirect_uri: 'http://[::1]:4000/cb' }))
  t.equal(action(ipv6), "'self' http:", 'CSP cannot express IPv6 addresses')
})

t.test('escapes everything that a client, a user or a request names', async (t) => {
  const browser = new Browser()
  const hostile = { client_id: XSS, redirect_uri: 'https://app.example/cb', state: XSS, nonce: XSS }
  const login = await browser.open(url({ ...hostile, login_hint: XSS }))
  const failed = await browser.submit(login, { username: XSS, password: XSS })
  const consent = await browser.submit(login, { user: XSS })
  const error = await browser.open(url({ redirect_uri: `${CALLBACK}/${XSS}` }))
  const logout = await browser.open(endSessionEndpoint)
  const resource = `https://api.example/${XSS}`
  const pages = {
    login,
    failed,
    consent,
    error,
    logout,
    again: await browser.open(url({ resource })),
  }
  for (const [title, { text }] of Object.entries(pages)) {
    t.match(text, '&lt;script&gt;', title)
    t.notMatch(text, '<script', title)
    t.notMatch(text, "alert(1)</script>'", title)
  }
  t.equal(titleOf(consent), 'Allow access?')
  const { location } = await browser.submit(consent, { decision: 'allow' })
  t.equal(location?.searchParams.get('state'), XSS)
  t.equal(location?.host, 'app.example')
})

t.test(
  'the cookie is HttpOnly, SameSite, limited to the server, and new after a login',
  async (t) => {
    const { port } = new URL(server.url)
    const first = await fetch(url())
    const [cookie = ''] = first.headers.getSetCookie()
    t.match(
      cookie,
      new RegExp(`^frs-login-${port}=[\\w-]{43}; Path=/oauth2/default; HttpOnly; SameSite=Lax$`),
    )
    const browser = new Browser()
    const page = await browser.open(url())
    const before = browser.cookie
    t.notOk((await browser.open(url())).headers.has('set-cookie'))
    await browser.submit(page, { user: 'ada' })
    t.not(browser.cookie, before, 'session fixation')
    const attacker = new Browser()
    attacker.cookie = before
    t.equal(titleOf(await attacker.open(url())), 'Log in')
    const victim = browser.cookie
    await browser.submit(await browser.open(url({ prompt: 'login' })), { user: 'bob' })
    browser.cookie = victim
    t.equal(titleOf(await browser.open(url())), 'Log in', 'another login ends the previous one')
    for (const value of [`${victim}; ${victim}`, `${victim?.slice(0, -1)}`, 'frs-login-1=x']) {
      const odd = new Browser()
      odd.cookie = value
      t.equal(titleOf(await odd.open(url())), 'Log in', value)
      t.not(odd.cookie, value, 'and gets a new cookie')
    }
  },
)

t.test('the cookie is Secure if the address of the server is https', async (t) => {
  const port = await freePort()
  await using remote = await createAuthorizationServer({
    algorithm: 'ES256',
    publicUrl: 'https://auth.example',
    dangerouslyAllowRemote: true,
    port,
  })
  t.equal(remote.registrationEndpoint, 'https://auth.example/oauth2/default/v1/clients')
  const headers = { accept: 'text/html' }
  const response = await fetch(`http://127.0.0.1:${port}/oauth2/default/v1/logout`, { headers })
  t.match(response.headers.get('set-cookie'), /^frs-login=.*; SameSite=Lax; Secure$/)
})

t.test('rejects forms that are not from its own pages (login CSRF, consent CSRF)', async (t) => {
  const attackers: Record<string, Record<string, string>> = {
    'another site': { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
    'another port, which can set the cookie': {
      origin: 'http://127.0.0.1:6666',
      'sec-fetch-site': 'same-site',
    },
    'a sandboxed page': { origin: 'null' },
    'a browser that sends no Origin': { origin: server.url, 'sec-fetch-site': 'cross-site' },
    'another scheme': { origin: server.url.replace('http:', 'ftp:') },
  }
  for (const [title, headers] of Object.entries(attackers)) {
    const browser = new Browser()
    const page = await browser.open(url())
    // The attacker even knows the form token.
    const rejected = await browser.submit(page, { user: 'ada' }, headers)
    t.match([rejected.status, titleOf(rejected)], [403, 'Cannot log in'], title)
    t.equal(titleOf(await browser.open(url())), 'Log in', 'and no user is logged in')
    const { browser: victim, page: consent } = await loggedIn()
    const stolen = await victim.submit(consent, { decision: 'allow' }, headers)
    t.match([stolen.status, stolen.location], [403, undefined], title)
  }
  const { browser: victim, page: consent } = await loggedIn()
  for (const form_token of [
    '',
    'x',
    formsOf(await new Browser().open(url()))[0]?.hidden.form_token,
  ]) {
    const login = new Browser()
    const page = await login.open(url())
    const fields = { form_token: `${form_token}` }
    t.equal((await login.submit(page, { ...fields, user: 'ada' })).status, 403)
    const { status, location, text } = await victim.submit(consent, {
      ...fields,
      decision: 'allow',
    })
    t.match([status, location], [403, undefined])
    t.match(text, 'Start again')
  }
  const withoutCookie = new Browser()
  const page = await withoutCookie.open(url())
  withoutCookie.cookie = undefined
  t.equal((await withoutCookie.submit(page, { user: 'ada' })).status, 403, 'cookies are blocked')
})

t.test('validates the request in a form again', async (t) => {
  const { browser, page } = await loggedIn()
  const [form] = formsOf(page)
  const change = async (name: string, value: string) => {
    const request = new URLSearchParams(form?.hidden.request)
    request.set(name, value)
    return browser.submit(page, { request: `${request}`, decision: 'allow' })
  }
  for (const redirect of ['https://evil.example/', 'http://127.0.0.1:4000@evil.example/callback']) {
    const { status, location } = await change('redirect_uri', redirect)
    t.match([status, location], [400, undefined])
  }
  const changed = await change('response_type', 'token')
  t.equal(changed.location?.searchParams.get('error'), 'unsupported_response_type')
  t.equal((await browser.submit(page, { request: '', decision: 'allow' })).status, 400)
  const unclear = await browser.submit(page, { decision: 'maybe' })
  t.equal(unclear.location?.searchParams.get('error'), 'access_denied')
  t.equal((await browser.open(loginUrl)).status, 405, 'a link cannot log in')
  t.equal((await browser.open(consentUrl)).status, 405)
})

t.test('responds with 421 to another Host, as all endpoints do', async (t) => {
  for (const path of ['authorize', 'authorize/login', 'authorize/consent', 'clients', 'logout']) {
    const status = await new Promise((resolve, reject) => {
      const headers = { host: 'evil.example' }
      get(`${server.issuer}/v1/${path}`, { headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).on('error', reject)
    })
    t.equal(status, 421, path)
  }
})

t.test('forgets the least recently used of more than 1,000 logins', async (t) => {
  const cookie = { name: 'c', path: '/', secure: false }
  const sessions = new BrowserSessions(cookie, () => 0)
  const request = (value = '') => ({ headers: { cookie: value } }) as IncomingMessage
  const user = { username: 'ada', password: 'demo-password' }
  const cookies = Array.from({ length: 1_001 }, () =>
    `${sessions.logIn(user, sessions.visitor(request()))['set-cookie']}`.replace(/;.*/, ''),
  )
  t.equal(sessions.visitor(request(cookies[0])).session, undefined)
  const { session } = sessions.visitor(request(cookies[1]))
  if (session === undefined) throw new Error('The login is unknown')
  for (let i = 0; i < 101; i += 1) sessions.addGrant(session, `s-${i}`)
  t.equal(session.grants.length, 100, 'and the sessions of a login are bounded')
  t.same(sessions.endWith('s-0'), [])
  t.equal(sessions.endWith('s-100').length, 99)
})

t.test('RP-Initiated Logout §2: asks the user, and ends all sessions of the login', async (t) => {
  const browser = new Browser()
  const { challenge, verifier } = pkce()
  const scope = 'openid offline_access'
  const location = await browser.allow(
    authorizationUrl(authorizationEndpoint, challenge, { scope }),
    'ada',
  )
  const { body } = await redeem(tokenEndpoint, location.searchParams.get('code'), verifier)
  const pending = await browser.allow(authorizationUrl(authorizationEndpoint, challenge), 'ada')
  const refresh = async () => {
    const form = { grant_type: 'refresh_token', client_id: 'app' }
    const response = await fetch(tokenEndpoint, {
      method: 'POST',
      body: new URLSearchParams({ ...form, refresh_token: `${body.refresh_token}` }),
    })
    return response.status
  }
  const question = await browser.open(endSessionEndpoint)
  t.equal(titleOf(question), 'Log out?')
  t.match(question.text, '<strong>ada</strong>')
  const forged = await browser.submit(question, {}, { origin: 'https://evil.example' })
  t.equal(titleOf(forged), 'Log out?', 'another page cannot log the user out')
  t.equal(titleOf(await browser.open(url())), 'Allow access?')
  t.equal(titleOf(await browser.submit(question)), 'Logged out')
  t.equal(titleOf(await browser.open(url())), 'Log in')
  t.equal(titleOf(await browser.open(endSessionEndpoint)), 'Logged out')
  t.equal(await refresh(), 400)
  const code = pending.searchParams.get('code')
  t.match((await redeem(tokenEndpoint, code, verifier)).body, { error: 'invalid_grant' })
})

t.test('RP-Initiated Logout §3: redirects to a registered URI only', async (t) => {
  const idToken = async (browser: Browser) => {
    const { challenge, verifier } = pkce()
    const location = await browser.allow(authorizationUrl(authorizationEndpoint, challenge), 'ada')
    const { body } = await redeem(tokenEndpoint, location.searchParams.get('code'), verifier)
    return `${body.id_token}`
  }
  const logOut = async (parameters: Record<string, string>) => {
    const browser = new Browser()
    const other = await idToken(browser)
    t.ok(other)
    const id_token_hint = await idToken(browser)
    const query = new URLSearchParams({ id_token_hint, ...parameters })
    const page = await browser.open(`${endSessionEndpoint}?${query}`)
    t.equal(titleOf(await browser.open(url())), 'Log in', 'the login has ended')
    return page
  }
  const bye = 'https://app.example/bye'
  t.equal((await logOut({ post_logout_redirect_uri: bye })).location?.href, bye)
  const state = { post_logout_redirect_uri: `${bye}?x=1`, state: 's 1' }
  t.equal((await logOut(state)).location?.href, `${bye}?x=1&state=s+1`)
  for (const post_logout_redirect_uri of [`${bye}/`, 'https://evil.example/', CALLBACK]) {
    const page = await logOut({ post_logout_redirect_uri })
    t.match([page.location, titleOf(page)], [undefined, 'Logged out'])
    t.match(page.text, `<dd><code>${post_logout_redirect_uri}</code></dd>`)
    t.match(page.text, `<li><code>${bye}</code></li>`)
    t.match(page.text, 'serve --post-logout-redirect-uri, the option postLogoutRedirectUris')
  }
})

t.test('RP-Initiated Logout §2, §3: asks without a valid hint, and then redirects', async (t) => {
  const bye = 'https://app.example/bye'
  const logoutUrl = (parameters: Record<string, string>) =>
    `${endSessionEndpoint}?${new URLSearchParams({ post_logout_redirect_uri: bye, ...parameters })}`
  const known = { client_id: 'app', state: 's&1' }
  for (const hint of [{}, { id_token_hint: 'of an earlier start' }]) {
    const { browser } = await loggedIn()
    const question = await browser.open(logoutUrl({ ...known, ...hint }))
    t.equal(titleOf(question), 'Log out?')
    t.match(question.text, 'continue at <code>app.example</code>')
    t.match(question.headers.get('content-security-policy'), "'self' https://app.example;")
    const forged = await browser.submit(question, {}, { origin: 'https://evil.example' })
    t.equal(titleOf(forged), 'Log out?')
    const { location } = await browser.submit(forged)
    t.equal(location?.href, `${bye}?state=s%261`)
    const again = await browser.open(logoutUrl(known))
    t.equal(again.location, undefined, 'without a login, the user follows a link')
    t.match(again.text, `<a href="${bye}?state=s%261">Continue to app.example</a>`)
  }
  const unknown: Record<string, string>[] = [{}, { client_id: 'gone' }]
  for (const parameters of unknown) {
    const { browser } = await loggedIn()
    const question = await browser.open(logoutUrl(parameters))
    t.notMatch(question.text, 'app.example<')
    for (const page of [await browser.submit(question), await browser.open(logoutUrl({}))]) {
      t.match([page.location, titleOf(page)], [undefined, 'Logged out'])
      t.match(page.text, 'no valid client_id and no valid id_token_hint')
      t.notMatch(page.text, '<a')
    }
  }
  const { browser } = await loggedIn()
  const form = new URLSearchParams({ ...known, post_logout_redirect_uri: 'https://evil.example/' })
  const posted = await browser.open(endSessionEndpoint, { method: 'POST', body: form })
  t.equal(titleOf(posted), 'Log out?', 'a form of the client is no confirmation')
  t.equal((await browser.submit(posted)).location, undefined)
  const none = await browser.open(logoutUrl({ client_id: XSS }))
  t.match(none.text, '<dt>Registered</dt>\n<dd>none</dd>')
})

t.test('a program that sends no Accept header gets JSON', async (t) => {
  const type = await new Promise((resolve, reject) => {
    get(endSessionEndpoint, (response) => {
      response.resume()
      resolve(response.headers['content-type'])
    }).on('error', reject)
  })
  t.equal(type, 'application/json')
})

t.test('a form that is interrupted does not stop the server', async (t) => {
  const { hostname, port, pathname } = new URL(loginUrl)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  const type = 'content-type: application/x-www-form-urlencoded'
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nhost: 127.0.0.1\r\n${type}\r\ncontent-length: 99\r\n\r\na=b`,
  )
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  await once(socket, 'close')
  t.equal((await new Browser().open(url())).status, 200)
})
