/** Names of statements, by which the server keeps them prepared, connection by connection: it parses each text once. */

/** More texts than the service has; whoever composes texts must not fill the server's memory. */
const MOST_NAMED = 400;

export class Names {
  readonly #names = new Map<string, string>();

  /** The text's own; none for texts beyond what is kept. */
  of(text: string): string | undefined {
    const known = this.#names.get(text);
    if (known !== undefined || this.#names.size === MOST_NAMED) return known;
    const name = `mixcache_${this.#names.size}`;
    this.#names.set(text, name);
    return name;
  }
}
