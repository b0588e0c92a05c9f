/** The program of the thread that decrypts tokens; decryption-thread.ts starts it. */
import { type MessagePort, parentPort } from 'node:worker_threads'
import { decryptWith, keysAt } from './decrypt-with.js'
import type { KeyRing, ThreadMessage, ThreadResponse } from './decryption-thread.js'

const port = parentPort as MessagePort
const keyRings = new Map<number, KeyRing>()

port.on('message', async (message: ThreadMessage) => {
  const { type, ring } = message
  if (type === 'load') keyRings.set(ring, message.keyRing)
  else if (type === 'forget') keyRings.delete(ring)
  else {
    const { id, raw, keyIndexes } = message
    const { keys, contentEncryptionAlgorithms } = keyRings.get(ring) as KeyRing
    const decryption = await decryptWith(keysAt(keys, keyIndexes), contentEncryptionAlgorithms, raw)
    port.postMessage({ id, decryption } satisfies ThreadResponse)
  }
})
