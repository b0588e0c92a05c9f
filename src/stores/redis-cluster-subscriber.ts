/**
 * Subscribes to a channel at one node of a Redis Cluster, which delivers the messages of all nodes.
 * If the node is lost, subscribes at another one, because a node that fails may never return.
 */
import type { NodeSubscriber, RedisSubscriber } from './redis-connection.js'

const RETRY_DELAY_MS = 200

export class ClusterSubscriber implements RedisSubscriber {
  /** Returns a new connection to any node; `undefined` if no node is known. */
  readonly #connectToAnyNode: () => NodeSubscriber | undefined
  readonly #readyListeners: (() => void)[] = []
  #node: NodeSubscriber | undefined
  #subscription: { channel: string; onMessage: (message: string) => void } | undefined
  #isEnded = false

  constructor(connectToAnyNode: () => NodeSubscriber | undefined) {
    this.#connectToAnyNode = connectToAnyNode
  }

  get lastError(): string | undefined {
    return this.#node?.lastError
  }

  connect(): void {
    if (this.#isEnded) return
    const node = this.#connectToAnyNode()
    if (node === undefined) {
      this.#retryLater()
      return
    }
    this.#node = node
    node.onLost(() => this.#leave(node))
    node.onReady(() => this.#resubscribe(node))
    node.connect()
  }

  onReady(listener: () => void): void {
    this.#readyListeners.push(listener)
  }

  subscribe(channel: string, onMessage: (message: string) => void): Promise<unknown> {
    this.#subscription = { channel, onMessage }
    // Called in a listener of onReady, so there is a node.
    return (this.#node as NodeSubscriber).subscribe(channel, onMessage)
  }

  end(): void {
    this.#isEnded = true
    this.#node?.end()
  }

  #resubscribe(node: NodeSubscriber): void {
    if (this.#subscription === undefined) {
      this.#emitReady()
      return
    }
    const { channel, onMessage } = this.#subscription
    node.subscribe(channel, onMessage).then(
      () => this.#emitReady(),
      () => this.#leave(node),
    )
  }

  #leave(node: NodeSubscriber): void {
    if (this.#node !== node) return
    this.#node = undefined
    node.end()
    this.#retryLater()
  }

  #retryLater(): void {
    setTimeout(() => this.connect(), RETRY_DELAY_MS).unref()
  }

  #emitReady(): void {
    for (const listener of this.#readyListeners) listener()
  }
}
