/** Names of statements, by which the server keeps them prepared, connection by connection: it parses each text once. */

/** More texts than the service has; whoever composes texts must not fill the server's memory. */
const MOST_NAMED = 400;

export class Names {
  readonly #names = new Map<string, string>();
  #made = 0;

  /** The text's own; none for texts beyond what is kept. */
  of(text: string): string | undefined {
    if (!this.#names.has(text) && this.#names.size < MOST_NAMED) this.#name(text);
    return this.#names.get(text);
  }

  /** What is prepared under the name is out of date, on every connection: the text gets another one. */
  renew(text: string): void {
    if (this.#names.has(text)) this.#name(text);
  }

  #name(text: string): void {
    this.#names.set(text, `mixcache_${this.#made++}`);
  }
}
