/** What was learnt lately, up to so many things and for so long. */

export class Recent<V> {
  readonly #most: number;
  readonly #keptMs: number;
  readonly #kept = new Map<string, { readonly value: V; readonly atMs: number }>();

  /** When there are more than `most`, the oldest goes. */
  constructor(most: number, keptMs: number) {
    this.#most = most;
    this.#keptMs = keptMs;
  }

  /** Undefined where it is forgotten. @param nowMs milliseconds since 1970 */
  get(key: string, nowMs: number): V | undefined {
    const found = this.#kept.get(key);
    return found && nowMs - found.atMs < this.#keptMs ? found.value : undefined;
  }

  /** @param atMs when it was learnt, from when on its time runs */
  set(key: string, value: V, atMs: number): void {
    this.#kept.delete(key);
    this.#kept.set(key, { value, atMs });
    if (this.#kept.size <= this.#most) return;
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}
