/** Tests replays of a proof (RFC 9449 §11.1) at two processes that share a Redis. */
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import t, { type Test } from 'tap'
import { DPoPClient } from '../../test/fixtures/dpop-client.js'
import { key, tokenOf } from '../../test/fixtures/protected-api.js'
import { clientNames } from './fixtures/clients.js'
import { forkProgram } from './fixtures/fork.js'
import { DURABLE, type RedisServer, startRedis } from './fixtures/redis-server.js'

const client = await DPoPClient.make()
const token = await tokenOf({ cnf: { jkt: client.jkt } })

async function startApi(t: Test, name: string, { url }: RedisServer): Promise<string> {
  const child = forkProgram('replay-api', [name, url, JSON.stringify(key.publicJwk)])
  t.teardown(async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const [address] = await once(child, 'message')
  return address
}

async function proof(): Promise<Record<string, string>> {
  const dpop = await client.proof({ url: 'https://api.example/', token })
  return { authorization: `DPoP ${token}`, dpop }
}

function statusOf(address: string, headers: Record<string, string>, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get(address, { headers, agent }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode as number))
    }).on('error', reject)
  })
}

for (const name of clientNames) {
  // Sends fewer requests with the other clients, which share the implementation of the store.
  const count = name === 'ioredis' ? 10_000 : 2_000
  t.test(
    `P5: ${name}: accepts exactly one of ${count} uses of a proof at two processes`,
    async (t) => {
      const redis = await startRedis(t, DURABLE)
      const apis = await Promise.all([startApi(t, name, redis), startApi(t, name, redis)])
      const agent = new Agent({ keepAlive: true, maxSockets: 100 })
      t.teardown(() => agent.destroy())
      const send = (i: number, headers: Record<string, string>) =>
        statusOf(apis[i % apis.length] as string, headers, agent)

      const headers = await proof()
      const statuses = await Promise.all(Array.from({ length: count }, (_, i) => send(i, headers)))
      t.equal(statuses.filter((status) => status === 200).length, 1)
      t.equal(statuses.filter((status) => status === 401).length, count - 1)

      t.equal(await send(0, await proof()), 200, 'accepts another proof')
      const usedProof = await proof()
      t.equal(await send(0, usedProof), 200)
      await redis.kill()
      t.equal(await send(1, await proof()), 503, 'rejects proofs during the outage')
      await redis.start()
      let status = 503
      for (let i = 0; status === 503 && i < 200; i++) {
        status = await send(1, await proof())
        if (status === 503) await new Promise((resolve) => setTimeout(resolve, 50))
      }
      t.equal(status, 200, 'recovers without a restart')
      t.equal(await send(1, usedProof), 401, 'still rejects the proof that was used before')
    },
  )
}
