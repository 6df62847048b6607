/** What a key may spend in a day or a month. */

import { MixcacheError } from "../errors.ts";
import type { Sql } from "./database-contract.ts";
import { inUnits } from "./ledger.ts";
import type { Micros } from "./money-contract.ts";
import { SPENT_BY_KEYS } from "./sql/limits.ts";
import type { CreateVideo, SpendCap } from "./video-contract.ts";

/** What keys have spent, as far as they have caps. The lines of the accounts are locked: nobody else spends. */
export class Caps {
  readonly #at: Date;
  readonly #before: ReadonlyMap<string, Micros>;
  /** By key, of the videos that are created now. */
  readonly #now = new Map<string, Micros>();

  private constructor(at: Date, before: ReadonlyMap<string, Micros>) {
    this.#at = at;
    this.#before = before;
  }

  static async read(tx: Sql, wishes: readonly CreateVideo[], at: Date): Promise<Caps> {
    const asked = new Map<string, { keyId: string; since: Date }>();
    for (const { keyId, spendCap } of wishes) {
      if (keyId === undefined || spendCap === undefined) continue;
      const { since } = periodOf(spendCap.period, at);
      asked.set(nameOf(keyId, since), { keyId, since });
    }
    if (asked.size === 0) return new Caps(at, new Map());
    const pairs = [...asked.values()];
    const values = [pairs.map(({ keyId }) => keyId), pairs.map(({ since }) => since)];
    const rows = await tx.query<SpentRow>(SPENT_BY_KEYS, values);
    return new Caps(
      at,
      new Map(rows.map(({ key_id, since, spent }) => [nameOf(key_id, since), BigInt(spent)])),
    );
  }

  /**
   * Refuses a video whose hold, with what the key's other videos of the period cost or hold, is above its cap.
   * @throws MixcacheError `spend_cap_reached`
   */
  check({ keyId, spendCap, hold }: CreateVideo): void {
    if (keyId === undefined || spendCap === undefined) return;
    const { since, until } = periodOf(spendCap.period, this.#at);
    const spent = (this.#before.get(nameOf(keyId, since)) ?? 0n) + (this.#now.get(keyId) ?? 0n);
    if (spent + hold <= spendCap.amount) return;
    throw new MixcacheError(
      "spend_cap_reached",
      `This API key may spend ${inUnits(spendCap.amount)} a ${spendCap.period}; ${inUnits(spent)} are spent or held, and this video may cost ${inUnits(hold)}. Wait until ${until.toISOString()} or for videos that are being made to cost less than is held, or have the cap raised.`,
      { retryAfterSeconds: Math.ceil((until.getTime() - this.#at.getTime()) / 1000) },
    );
  }

  /** The video is created: what it holds counts for those that follow. */
  add({ keyId, hold }: CreateVideo): void {
    if (keyId !== undefined) this.#now.set(keyId, (this.#now.get(keyId) ?? 0n) + hold);
  }
}

interface SpentRow {
  readonly key_id: string;
  readonly since: Date;
  readonly spent: string;
}

function nameOf(keyId: string, since: Date): string {
  return `${keyId} ${since.getTime()}`;
}

/** The day or month of UTC that a moment lies in. */
export function periodOf(period: SpendCap["period"], at: Date): { since: Date; until: Date } {
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  if (period === "day")
    return { since: new Date(Date.UTC(year, month, day)), until: new Date(Date.UTC(year, month, day + 1)) };
  return { since: new Date(Date.UTC(year, month)), until: new Date(Date.UTC(year, month + 1)) };
}
