/**
 * Prints the running files: on a terminal in one line that is rewritten, otherwise in a line every
 * 20 s.
 */
const LINE_INTERVAL_MS = 20_000

export class Progress {
  #files
  #done = 0
  #total = 0
  #running = new Set()
  #startedAt = performance.now()
  #timer
  #terminal = process.stdout.isTTY === true

  constructor(files) {
    this.#files = files
    this.#timer = setInterval(() => this.#show(), this.#terminal ? 200 : LINE_INTERVAL_MS)
    this.#timer.unref()
  }

  start(file) {
    this.#running.add(file)
  }

  end(file, total) {
    if (this.#running.delete(file)) this.#done++
    this.#total = total
  }

  /** Prints text above the progress line. */
  print(text) {
    this.#erase()
    console.log(text)
  }

  stop() {
    clearInterval(this.#timer)
    this.#erase()
  }

  #show() {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000)
    const names = [...this.#running].map((file) => file.replace(/^test\/|\.test\.ts$/g, ''))
    const counts = `${this.#done}/${this.#files} files, ${this.#total} assertions, ${seconds} s`
    const line = `${counts}: ${names.join(', ')}`
    if (!this.#terminal) return console.log(line)
    this.#erase()
    process.stdout.write(line.slice(0, (process.stdout.columns ?? 80) - 1))
  }

  #erase() {
    if (this.#terminal) process.stdout.write('\r\x1b[K')
  }
}
