/** Event streams that are cut anywhere and resumed on the other of two servers: nothing lost, nothing twice. */

import type { TestApi } from "../support/api.ts";
import { cutStream } from "../support/cut-stream.ts";
import type { SseEvent } from "../support/sse.ts";
import type { TwoServers } from "./two-servers.ts";

export interface EventsDrillOptions {
  readonly servers: Omit<TwoServers, "close">;
  /** Connections to cut, in all. */
  readonly cuts: number;
  /** Of each video, which has three more events than steps. */
  readonly steps: number;
  /** Videos that are followed at a time. */
  readonly atOnce: number;
  /** A number in [0, 1). */
  readonly random: () => number;
}

export interface EventsReport {
  readonly videos: number;
  readonly cuts: number;
  /** Cuts by what was cut: the head of the answer, or its body while the video was being made, or afterwards. */
  readonly cutIn: { head: number; live: number; replay: number };
  /** Events that are kept, over all videos. */
  readonly events: number;
  /** The fewest of one video. */
  readonly fewest: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly outOfOrder: number;
  /** Events that say something else than what is kept, or videos whose steps are not all there. */
  readonly wrong: number;
  readonly tookMs: number;
}

/** A cut lies up to here in an answer, whose head is about 350 bytes and whose events are about 200. */
const FARTHEST_CUT = 3000;

interface Followed {
  readonly id: string;
  readonly events: readonly SseEvent[];
}

/** Follows one video after the other until enough connections were cut. */
export async function eventsDrill(options: EventsDrillOptions): Promise<EventsReport> {
  const { servers, cuts, atOnce } = options;
  const startedMs = Date.now();
  const { key } = await servers.first.account({ unlimited: true });
  const cutIn = { head: 0, live: 0, replay: 0 };
  const count = () => cutIn.head + cutIn.live + cutIn.replay;
  const followed: Followed[] = [];
  const follower = async () => {
    while (count() < cuts) {
      const id = await create(options, key);
      followed.push({ id, events: await follow(options, { id, key, cutIn }) });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, follower));
  const sums = { events: 0, fewest: Infinity, lost: 0, duplicated: 0, outOfOrder: 0, wrong: 0 };
  for (const one of followed) await judge(options, one, sums);
  return { videos: followed.length, cuts: count(), cutIn, ...sums, tookMs: Date.now() - startedMs };
}

async function create({ servers, steps }: EventsDrillOptions, key: string): Promise<string> {
  const response = await fetch(`${servers.first.origin}/v1/videos`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify({ prompt: "a red circle", num_inference_steps: steps, cache: "off" }),
  });
  if (!response.ok) throw new Error(await response.text());
  return ((await response.json()) as { id: string }).id;
}

/** Follows a video to its end, on one server and then the other, as a client would. */
async function follow(
  { servers, random }: EventsDrillOptions,
  { id, key, cutIn }: { id: string; key: string; cutIn: EventsReport["cutIn"] },
): Promise<SseEvent[]> {
  const events: SseEvent[] = [];
  for (let turn = 0; ; turn++) {
    const cut = await cutStream({
      origin: turn % 2 === 0 ? servers.first.origin : servers.secondOrigin,
      path: `/v1/videos/${id}/events`,
      key,
      lastEventId: events.at(-1)?.id,
      afterBytes: 1 + Math.floor(random() * FARTHEST_CUT),
    });
    if (![0, 200, 204].includes(cut.status)) throw new Error(`The server answered ${cut.status}.`);
    // Progress has no id, and is not replayed.
    events.push(...cut.events.filter((event) => event.id !== undefined));
    if (cut.ended) return events;
    if (cut.status === 0) cutIn.head++;
    else if (await isLive(servers.first, id)) cutIn.live++;
    else cutIn.replay++;
  }
}

async function isLive({ database }: TestApi, id: string): Promise<boolean> {
  const [row] = await database.query<{ status: string }>("select status from mixcache.videos where id = $1", [
    id,
  ]);
  return row?.status === "queued" || row?.status === "in_progress";
}

interface Kept {
  readonly sequence: number;
  readonly type: string;
  readonly data: { readonly step?: number };
}

/** Compares what a client got with what is kept, and that with what a video has to have. */
async function judge(
  { servers, steps }: EventsDrillOptions,
  { id, events }: Followed,
  sums: { -readonly [Name in "events" | "fewest" | "lost" | "duplicated" | "outOfOrder" | "wrong"]: number },
): Promise<void> {
  const kept = await servers.first.database.query<Kept>(
    "select sequence, type, data from mixcache.events where video_id = $1 order by sequence",
    [id],
  );
  const got = new Map(events.map((event) => [Number(event.id), event]));
  sums.events += kept.length;
  sums.fewest = Math.min(sums.fewest, kept.length);
  sums.duplicated += events.length - got.size;
  sums.outOfOrder += events.filter(
    ({ id: own }, at) => at > 0 && Number(own) <= Number(events[at - 1]?.id),
  ).length;
  for (const { sequence, type, data } of kept) {
    const event = got.get(sequence);
    sums.lost += Number(event === undefined);
    sums.wrong += Number(event !== undefined && (event.type !== type || event.data.step !== data.step));
  }
  const decided = kept.filter(({ type }) => type === "decision").map(({ data }) => data.step);
  const whole = Array.from({ length: steps }, (_, at) => at + 1);
  const isWhole =
    JSON.stringify(decided) === JSON.stringify(whole) &&
    kept[0]?.type === "video.queued" &&
    kept.at(-1)?.type === "video.completed";
  sums.wrong += Number(!isWhole);
}
