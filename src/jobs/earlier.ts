/** Which earlier request a new one repeats: by its idempotency key, or as a client's own retry. */

import { MixcacheError } from "../errors.ts";
import type { Sql } from "./database-contract.ts";
import { KEEP_KEYS, READ_KEYS } from "./sql/promises.ts";
import { SAME_WISHES } from "./sql/videos.ts";
import type { CreateVideo } from "./video-contract.ts";

/** How long an idempotency key stands for its request. */
export const KEY_HOURS = 24;
/** How long a client's own retry is taken for one. */
export const RETRY_SECONDS = 60;

/** A key with what it stands for. */
interface Kept {
  readonly account_id: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly video_id: string;
}

interface Same {
  readonly account_id: string;
  readonly fingerprint: string;
  readonly id: string;
}

/** What is known of earlier requests. The lines of the accounts are locked: no other request gets in between. */
export class Earlier {
  readonly #keys: Map<string, Kept>;
  readonly #wishes: Map<string, string>;
  readonly #fresh: Kept[] = [];

  private constructor(keys: readonly Kept[], same: readonly Same[]) {
    this.#keys = new Map(keys.map((kept) => [pair(kept.account_id, kept.key), kept]));
    this.#wishes = new Map(
      same.map(({ account_id, fingerprint, id }) => [pair(account_id, fingerprint), id]),
    );
  }

  static async read(tx: Sql, wishes: readonly CreateVideo[], at: Date): Promise<Earlier> {
    const since = (seconds: number) => new Date(at.getTime() - seconds * 1000);
    const keyed = wishes.filter(({ idempotencyKey }) => idempotencyKey !== undefined);
    const keys = keyed.map(({ idempotencyKey }) => idempotencyKey);
    const kept =
      keyed.length === 0
        ? []
        : await tx.query<Kept>(READ_KEYS, [accountsOf(keyed), keys, since(KEY_HOURS * 3_600)]);
    const retries = wishes.filter(isRetry);
    const fingerprints = retries.map(({ fingerprint }) => fingerprint);
    const same =
      retries.length === 0
        ? []
        : await tx.query<Same>(SAME_WISHES, [accountsOf(retries), fingerprints, since(RETRY_SECONDS)]);
    return new Earlier(kept, same);
  }

  /** The id of the video that answers the wish; undefined: it is new. @throws MixcacheError `idempotency_conflict` */
  of(wish: CreateVideo): string | undefined {
    const { accountId, idempotencyKey, fingerprint } = wish;
    if (isRetry(wish)) return this.#wishes.get(pair(accountId, fingerprint));
    const kept = idempotencyKey === undefined ? undefined : this.#keys.get(pair(accountId, idempotencyKey));
    if (!kept || kept.fingerprint === fingerprint) return kept?.video_id;
    throw new MixcacheError(
      "idempotency_conflict",
      "This Idempotency-Key was used for another request. Use a new key for a new request.",
      { field: "Idempotency-Key" },
    );
  }

  /** The wish is new and has this video: those that follow may be repetitions of it. */
  add({ accountId, idempotencyKey, fingerprint }: CreateVideo, videoId: string): void {
    const name = pair(accountId, fingerprint);
    if (!this.#wishes.has(name)) this.#wishes.set(name, videoId);
    if (idempotencyKey === undefined) return;
    const kept = { account_id: accountId, key: idempotencyKey, fingerprint, video_id: videoId };
    this.#keys.set(pair(accountId, idempotencyKey), kept);
    this.#fresh.push(kept);
  }

  /** Keeps the keys of new wishes. */
  async write(tx: Sql, at: Date): Promise<void> {
    if (this.#fresh.length > 0) await tx.query(KEEP_KEYS, [JSON.stringify(this.#fresh), at]);
  }
}

function isRetry({ retry, idempotencyKey }: CreateVideo): boolean {
  return retry === true && idempotencyKey === undefined;
}

function accountsOf(wishes: readonly CreateVideo[]): string[] {
  return wishes.map(({ accountId }) => accountId);
}

/** Neither ids nor keys nor fingerprints have spaces. */
function pair(accountId: string, other: string): string {
  return `${accountId} ${other}`;
}
