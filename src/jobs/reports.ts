/** What is known of many videos together: what alike ones cost, what an account used, how the whole stands. */

import type { Database } from "./database-contract.ts";
import type { Micros, PriceTerms } from "./money-contract.ts";
import { PAST_CHARGES, TOTALS, USAGE } from "./sql/reports.ts";
import type { VideoRequest } from "./video-contract.ts";

/** By what usage can be grouped. */
export const USAGE_GROUPS = ["day", "key", "model"] as const;
export type UsageGroup = (typeof USAGE_GROUPS)[number];

/** Recent videos that are like one that is asked for. */
export interface PastCharges {
  readonly videos: number;
  /** What they cost together, and what was held for them. */
  readonly cost: Micros;
  readonly hold: Micros;
}

export interface UsageWish {
  readonly accountId: string;
  readonly from: Date;
  /** Not in it any more. */
  readonly until: Date;
  readonly by: readonly UsageGroup[];
  /** Rows at most. */
  readonly limit: number;
}

/** What ended in one group; undefined is what is not grouped by, or what nobody knows (a video without a key). */
export interface UsageRow {
  /** YYYY-MM-DD, of UTC. */
  readonly day: string | undefined;
  readonly key: string | undefined;
  readonly model: string | undefined;
  readonly videos: number;
  readonly completed: number;
  readonly amount: Micros;
  readonly flops: bigint;
  readonly engineMs: bigint;
  readonly videoMs: bigint;
}

/** The service as a whole. */
export interface Totals {
  readonly queued: number;
  readonly running: number;
  /** When the video was created that has waited longest. */
  readonly oldestAt: Date | undefined;
  readonly issued: Micros;
  readonly credit: Micros;
  readonly held: Micros;
  readonly revenue: Micros;
}

/** Every method is one statement. */
export interface Reports {
  /** Of the last completed videos with this model, cache and unit of price. */
  pastCharges(request: Pick<VideoRequest, "model" | "cache">, unit: PriceTerms["unit"]): Promise<PastCharges>;
  usage(wish: UsageWish): Promise<UsageRow[]>;
  totals(): Promise<Totals>;
}

const ALIKE = 50;

interface RawUsage {
  readonly day: string | null;
  readonly key: string | null;
  readonly model: string | null;
  readonly videos: number;
  readonly completed: number;
  readonly amount: string;
  readonly flops: string;
  readonly engine_ms: string;
  readonly video_ms: string;
}

interface RawTotals extends Record<"issued" | "credit" | "held" | "revenue", string> {
  readonly queued: number;
  readonly running: number;
  readonly oldest_at: Date | null;
}

/** Reports on a database that has the schema. */
export function openReports(database: Database): Reports {
  return {
    async pastCharges({ model, cache }, unit) {
      const values = [model, JSON.stringify(cache), unit, ALIKE];
      const [row] = await database.query<{ videos: number; cost: string; hold: string }>(
        PAST_CHARGES,
        values,
      );
      return { videos: row?.videos ?? 0, cost: BigInt(row?.cost ?? 0), hold: BigInt(row?.hold ?? 0) };
    },
    async usage({ accountId, from, until, by, limit }) {
      const grouped = USAGE_GROUPS.map((group) => by.includes(group));
      const rows = await database.query<RawUsage>(USAGE, [accountId, from, until, ...grouped, limit]);
      return rows.map(usageRowOf);
    },
    async totals() {
      const [row] = await database.query<RawTotals>(TOTALS);
      return {
        queued: row?.queued ?? 0,
        running: row?.running ?? 0,
        oldestAt: row?.oldest_at ?? undefined,
        issued: BigInt(row?.issued ?? 0),
        credit: BigInt(row?.credit ?? 0),
        held: BigInt(row?.held ?? 0),
        revenue: BigInt(row?.revenue ?? 0),
      };
    },
  };
}

function usageRowOf({ day, key, model, videos, completed, ...sums }: RawUsage): UsageRow {
  return {
    day: day ?? undefined,
    key: key ?? undefined,
    model: model ?? undefined,
    videos,
    completed,
    amount: BigInt(sums.amount),
    flops: BigInt(sums.flops),
    engineMs: BigInt(sums.engine_ms),
    videoMs: BigInt(sums.video_ms),
  };
}
