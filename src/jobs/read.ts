/** What callers see: lists, and where their videos stand. */

import type { KeptFiles } from "./contract.ts";
import { type Core, videoOfAccount } from "./core.ts";
import { Gather } from "./gather.ts";
import { type RawVideo, videoOf } from "./rows.ts";
import { KEPT_FILES, LIST_ASCENDING, LIST_DESCENDING, PACE, PLACES } from "./sql/videos.ts";
import type { ListVideos, QueuePlace, StoredResult, VideoPage } from "./video-contract.ts";

/** Counting on costs more than anybody learns from it: every create counts. */
const MOST_COUNTED = 1_000;
/** The pace changes slowly; asking for every poll would cost more than it tells. */
const PACE_MS = 2_000;

/** See `Jobs.list`. */
export async function list(core: Core, { accountId, limit, order, after }: ListVideos): Promise<VideoPage> {
  if (after !== undefined) await videoOfAccount(core.database, accountId, after);
  const [text, start] = order === "asc" ? [LIST_ASCENDING, ""] : [LIST_DESCENDING, "~"];
  const rows = await core.database.query<RawVideo>(text, [accountId, after ?? start, limit + 1]);
  return { videos: rows.slice(0, limit).map(videoOf), hasMore: rows.length > limit };
}

interface Keeping {
  readonly id: string;
  readonly live: boolean;
  readonly result: Partial<StoredResult> | null;
}

/** See `Jobs.keptFiles`. */
export async function keptFiles(core: Core, ids: readonly string[]): Promise<ReadonlyMap<string, KeptFiles>> {
  const rows = await core.database.query<Keeping>(KEPT_FILES, [[...ids]]);
  const keysOf = ({ live, result }: Keeping): KeptFiles =>
    live ? "all" : new Set(Object.values(result ?? {}).map(({ key }) => key));
  return new Map(rows.map((row) => [row.id, keysOf(row)]));
}

async function positionsOf({ database }: Core, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await database.query<{ id: string; position: number }>(PLACES, [[...ids], MOST_COUNTED]);
  return new Map(rows.map(({ id, position }) => [id, position]));
}

interface Pace {
  readonly seconds: number | null;
  readonly running: number;
}

/** Knows where videos stand; keeps the pace for a moment. */
export class Places {
  readonly #core: Core;
  readonly #positions: Gather<readonly string[], ReadonlyMap<string, number>>;
  #pace: Pace = { seconds: null, running: 0 };
  #paceAt = Number.NEGATIVE_INFINITY;

  constructor(core: Core) {
    this.#core = core;
    this.#positions = new Gather(async (asks) => {
      const positions = await positionsOf(core, asks.flat());
      return asks.map(() => positions);
    });
  }

  /** See `Jobs.places`. */
  async of(ids: readonly string[]): Promise<ReadonlyMap<string, QueuePlace>> {
    const positions = await this.#positions.ask(ids);
    const queued = ids.flatMap((id) => {
      const position = positions.get(id);
      return position === undefined ? [] : [{ id, position }];
    });
    if (queued.length === 0) return new Map();
    const pace = await this.#current();
    return new Map(queued.map(({ id, position }) => [id, { position, etaSeconds: eta(pace, position) }]));
  }

  async #current(): Promise<Pace> {
    const { database, now } = this.#core;
    if (now() - this.#paceAt >= PACE_MS) {
      [this.#pace = this.#pace] = await database.query<Pace>(PACE);
      this.#paceAt = now();
    }
    return this.#pace;
  }
}

/** Until it is done: everything before it and itself, shared by as many as are at work now. */
function eta({ seconds, running }: Pace, position: number): number | undefined {
  if (seconds === null) return undefined;
  return Math.ceil((seconds * (position + 1)) / Math.max(1, running));
}
