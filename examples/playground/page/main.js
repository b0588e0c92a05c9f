/** Handles the controls of the playground. The token exists only in the memory of this module. */
import * as api from './api.js'
import * as backend from './backend.js'
import { say, showBusy, showNext, showResponse, showState, showSteps, showToken } from './show.js'
import { decode, tamper } from './token.js'

const byId = (id) => document.getElementById(id)
const form = byId('login')

/** The token of the user: `{ token, type, scope }`. */
let held
let state = await refresh()
showSteps(state.steps)
let busy = false

async function refresh() {
  const seen = await backend.state()
  showState(seen)
  // This button is enabled without a token, because a user cannot log in until the issuer is back.
  byId('issuer').disabled = false
  return seen
}

/** Runs one action at a time, and shows its failure. */
function action(work) {
  return async (event) => {
    event.preventDefault()
    if (busy) return
    busy = true
    showBusy(true)
    try {
      await work()
    } catch (error) {
      const isDown = state.issuerIsUp ? '' : ' The issuer is down: bring it back first.'
      say(`${error.message}${isDown}`, true)
    }
    try {
      state = await refresh()
    } catch (error) {
      say(error.message, true)
    }
    busy = false
    showBusy(false)
  }
}

function needsToken(id, work) {
  const button = byId(id)
  button.disabled = true
  button.addEventListener('click', action(work))
}

function hold(token, { type, scope }, note) {
  held = { token, type, scope }
  showNext(true)
  showToken(token, decode(token), note)
  for (const button of document.querySelectorAll('.experiments button')) button.disabled = false
}

const path = () => byId('path').value

/** Sends a token, and shows the response of the API. */
async function call(sent, note, sentence) {
  if (sent !== undefined) showToken(sent.token, decode(sent.token), note)
  const response = await api.call(state.api, path(), sent)
  await show(response, sentence)
  return response
}

async function show(response, sentence) {
  const steps = await backend.stepsOf(response.id)
  const failed = steps.find(({ outcome }) => outcome === 'failed')
  const result = failed ? `Rejected at step ${failed.name}.` : 'Every step passed.'
  showResponse(response, steps, sentence === undefined ? result : `${result} ${sentence}`)
}

form.addEventListener(
  'submit',
  action(async () => {
    const data = new FormData(form)
    const type = data.get('type')
    const scope = ['openid', ...data.getAll('scope')].join(' ')
    const credentials = { username: byId('username').value, password: byId('password').value }
    say('')
    hold(
      await backend.logIn({ ...credentials, scope, type }),
      { type, scope },
      'From the password grant.',
    )
    say('Logged in. Call the API now.')
  }),
)

byId('call').addEventListener(
  'submit',
  action(() => call(held, 'The token that was sent.')),
)

needsToken('tamper', () =>
  call(
    { ...held, token: tamper(held.token) },
    'The token that was sent, with another “sub”. Yours is unchanged.',
    'Another “sub” with the original signature.',
  ),
)

needsToken('expire', async () =>
  call(
    { ...held, token: await backend.issueToken('expired', held) },
    'The token that was sent; it expired an hour ago. Yours is unchanged.',
    'No key was looked up for it.',
  ),
)

needsToken('drop-scope', async () => {
  const scope = held.scope.replace(/ ?orders:read/, '')
  byId('path').value = '/orders'
  await call(
    { ...held, token: await backend.issueToken('valid', { ...held, scope }) },
    'The token that was sent, without orders:read. Yours is unchanged.',
    'The token is valid, but this route requires more.',
  )
})

needsToken('encrypt', async () =>
  call(
    { ...held, token: await backend.issueToken('encrypted', held) },
    'The token that was sent, encrypted for the API. Yours is unchanged.',
    'Only the API can read the claims.',
  ),
)

needsToken('misencrypt', async () =>
  call(
    { ...held, token: await backend.issueToken('encrypted-for-another-api', held) },
    'The token that was sent, encrypted for another API. Yours is unchanged.',
    'This API does not have the key.',
  ),
)

needsToken('rotate', async () => {
  await backend.rotateKeys()
  hold(await backend.issueToken('valid', held), held, '')
  const { status } = await call(held, 'Signed with the issuer’s new key; it replaces your token.')
  if (status !== 503) return
  byId('sentence').textContent += ' The issuer’s new key is unavailable: 503, never 401.'
})

needsToken('issuer', async () => {
  const up = !state.issuerIsUp
  await backend.setIssuer(up)
  say('')
  if (up || held === undefined) {
    await call(held, 'The token that was sent.', up ? 'The issuer is back.' : 'The issuer is down.')
    return
  }
  // A token that the API has not seen, so that it must verify the signature.
  hold(await backend.issueToken('valid', held), held, '')
  const { status } = await call(held, 'A token that the API has not seen; it replaces yours.')
  if (status !== 200) return
  byId('sentence').textContent +=
    ' The issuer is down, and the token is new to the API: it used a cached key, as it does for up to 4 hours.'
})

needsToken('twice', async () => {
  if (held.type === 'DPoP') {
    const { response: first, proof } = await api.callWithProof(state.api, path(), held)
    const second = await api.send(state.api, path(), held, proof)
    return show(second, `The same proof twice: first ${first.status}, then ${second.status}.`)
  }
  const first = await call(held, 'The token that was sent, twice.')
  const second = await api.call(state.api, path(), held)
  await show(second, `First ${first.status}, then ${second.status}.`)
})

showBusy(false)
