/**
 * Whether a key is good: its cell is asked, and what it said holds for a minute, in this isolate and in this data
 * centre's cache. So a key that is revoked is refused here a minute later; the cell refuses it at once.
 */

import { rateLimited } from "../wire/failure.ts";
import { keyInvalid } from "../wire/key.ts";
import { Recent } from "../wire/recent.ts";

const KEPT_MS = 60_000;
const MOST_KEPT = 10_000;

/** A request with a key. */
export interface Visit {
  /** The cell and the key's SHA-256, `a/2fd4…`. */
  readonly key: string;
  /** Of the client. */
  readonly ip: string;
  readonly lookUp: () => Promise<boolean>;
  /** Counts an unknown key of this address. @returns false where there were too many */
  readonly count: () => Promise<boolean>;
  /** Keeps the request alive for others, who wait for the same answer. */
  readonly waitUntil: (work: Promise<unknown>) => void;
}

/** What one isolate knows. Who makes keys up does not drive out those that are good. */
export class Keys {
  readonly #known = new Recent<true>(MOST_KEPT, KEPT_MS);
  readonly #unknown = new Recent<true>(MOST_KEPT, KEPT_MS);
  readonly #blocked = new Recent<true>(MOST_KEPT, KEPT_MS);
  readonly #asked = new Map<string, Promise<boolean>>();

  /** @throws MixcacheError `invalid_api_key`, `rate_limited`, `cell_unavailable` */
  async check(visit: Visit): Promise<void> {
    const { key, ip } = visit;
    if (this.#known.get(key, Date.now())) return;
    if (this.#unknown.get(key, Date.now())) throw keyInvalid();
    if (this.#blocked.get(ip, Date.now()))
      throw rateLimited("Too many unknown API keys come from here.", KEPT_MS / 1000);
    // At most one question for a key at a time.
    const asked = this.#asked.get(key) ?? this.#ask(visit);
    if (await asked) return;
    if (!(await visit.count())) this.#blocked.set(ip, true, Date.now());
    throw keyInvalid();
  }

  #ask(visit: Visit): Promise<boolean> {
    const asked = this.#find(visit).finally(() => this.#asked.delete(visit.key));
    this.#asked.set(visit.key, asked);
    visit.waitUntil(asked.catch(() => {}));
    return asked;
  }

  /** In the data centre's cache, or else in the cell. */
  async #find({ key, lookUp }: Visit): Promise<boolean> {
    const cache = await caches.open("keys");
    const url = `https://keys.invalid/${key}`;
    const kept = (await (await cache.match(url))?.json()) as { known: boolean; atMs: number } | undefined;
    const isFresh = kept && Date.now() - kept.atMs < KEPT_MS;
    const said = isFresh ? kept : { known: await lookUp(), atMs: Date.now() };
    const headers = { "cache-control": `max-age=${KEPT_MS / 1000}` };
    if (said !== kept) await cache.put(url, Response.json(said, { headers }));
    (said.known ? this.#known : this.#unknown).set(key, true, said.atMs);
    return said.known;
  }
}
