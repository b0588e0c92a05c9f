/** The playground: what each control does. The token is in this module's memory, and nowhere else. */
import * as api from './api.js'
import * as backend from './backend.js'
import { say, showAnswer, showBusy, showState, showSteps, showToken } from './show.js'
import { decode, tamper } from './token.js'

const byId = (id) => document.getElementById(id)
const form = byId('login')

/** What the user logged in for: `{ token, type, scope }`. */
let held
let state = await refresh()
showSteps(state.steps)
let busy = false

async function refresh() {
  const seen = await backend.state()
  showState(seen)
  // It needs no token: after a reload, no user can log in before the issuer is back.
  byId('issuer').disabled = false
  return seen
}

/** One thing after the other, and whatever goes wrong is said. */
function does(work) {
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
  button.addEventListener('click', does(work))
}

function hold(token, { type, scope }, note) {
  held = { token, type, scope }
  showToken(token, decode(token), note)
  for (const button of document.querySelectorAll('.experiments button')) button.disabled = false
}

const path = () => byId('path').value

/** Sends a token, and shows what the API says to it. */
async function call(sent, note, sentence) {
  if (sent !== undefined) showToken(sent.token, decode(sent.token), note)
  const answer = await api.call(state.api, path(), sent)
  await show(answer, sentence)
  return answer
}

async function show(answer, sentence) {
  const steps = await backend.stepsOf(answer.id)
  const failed = steps.find(({ outcome }) => outcome === 'failed')
  const verdict = failed ? `Refused at ${failed.name}.` : 'Every step passed.'
  showAnswer(answer, steps, sentence === undefined ? verdict : `${verdict} ${sentence}`)
}

form.addEventListener(
  'submit',
  does(async () => {
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
  does(() => call(held, 'As it was sent.')),
)

needsToken('tamper', () =>
  call(
    { ...held, token: tamper(held.token) },
    'As it was sent, with another “sub”. Yours is untouched.',
    'Another “sub”, the same signature.',
  ),
)

needsToken('expire', async () =>
  call(
    { ...held, token: await backend.issueToken('expired', held) },
    'As it was sent, from an hour ago. Yours is untouched.',
    'No key was looked up for it.',
  ),
)

needsToken('drop-scope', async () => {
  const scope = held.scope.replace(/ ?orders:read/, '')
  byId('path').value = '/orders'
  await call(
    { ...held, token: await backend.issueToken('none', { ...held, scope }) },
    'As it was sent, without orders:read. Yours is untouched.',
    'The token is good, and not enough for this route.',
  )
})

needsToken('rotate', async () => {
  await backend.rotateKeys()
  hold(await backend.issueToken('none', held), held, '')
  const { status } = await call(held, 'Signed with the issuer’s new key. It is yours from now on.')
  if (status !== 503) return
  byId('sentence').textContent += ' The issuer’s new key can’t be had now: 503 and never 401.'
})

needsToken('issuer', async () => {
  const up = !state.issuerIsUp
  await backend.setIssuer(up)
  say('')
  await call(held, 'As it was sent.', up ? 'The issuer is back.' : 'The issuer is down.')
})

needsToken('twice', async () => {
  if (held.type === 'DPoP') {
    const { answer: first, proof } = await api.callWithProof(state.api, path(), held)
    const second = await api.send(state.api, path(), held, proof)
    return show(second, `The same proof twice: first ${first.status}, then ${second.status}.`)
  }
  const first = await call(held, 'As it was sent, twice.')
  const second = await api.call(state.api, path(), held)
  await show(second, `First ${first.status}, then ${second.status}.`)
})

showBusy(false)
