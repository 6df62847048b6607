/** `GET /v1/videos/{id}/events`: what happens to a video, as it happens, and again from where a client was cut off. */

import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { invalid } from "../../errors.ts";
import type { Standing, VideoRow } from "../../jobs/index.ts";
import { accountOf, authenticated } from "../auth.ts";
import type { ApiEnv, ApiOptions } from "../context.ts";
import { addOperation } from "../operation.ts";
import type { Streams } from "../streams.ts";
import { Following, isOver } from "./following.ts";
import { eventFrame, greetingFrame, KEEP_ALIVE, progressFrame } from "./frames.ts";
import { idOf } from "./id.ts";

/** Clients come again after this long. */
const RETRY_MS = 1000;
/** A place in line is looked up this often; where nothing is said for longer, a comment is. */
const PLACE_MS = 5000;
const KEEP_ALIVE_MS = 15_000;
/** Then the client has to come again, with a key that is still good. */
const LONGEST_MS = 3_600_000;
/** Events that are read and sent at a time. */
const PAGE = 200;

const headers = z.object({
  "last-event-id": z
    .string()
    .optional()
    .meta({ description: "The id of the last event that was received: the stream goes on after it." }),
});

/** Adds the route. */
export function addEventRoutes(app: OpenAPIHono<ApiEnv>, options: ApiOptions, streams: Streams): void {
  addOperation(app, {
    method: "get",
    path: "/v1/videos/{id}/events",
    id: "streamEvents",
    summary: "Follow a video",
    description:
      "Server-sent events: changes of state, what the cache did in each step, previews, and progress. The stream ends " +
      "after the video's last event. With `last-event-id` it goes on where it was cut off, on any server.",
    tag: "Videos",
    headers,
    success: { content: ["text/event-stream"], none: "The video has ended and its last event was received." },
    failures: [400, 404, 429],
    key: authenticated(options.accounts, "videos:read"),
    handle: (c) => follow(c, options, streams),
  });
}

async function follow(c: Context<ApiEnv>, options: ApiOptions, streams: Streams): Promise<Response> {
  const { jobs, log } = options;
  const last = lastEventId(c.req.header("last-event-id"));
  const row = await jobs.get(accountOf(c), idOf(c));
  // A number that was never given can't be waited for.
  const after = Math.min(last, row.lastEvent);
  if (isOver(row) && after === row.lastEvent) return c.body(null, 204);
  // Buffering proxies would deliver it all at the end.
  c.header("x-accel-buffering", "no");
  if (c.req.method === "HEAD") return c.body(null, 200, { "content-type": "text/event-stream" });
  const release = streams.mustTake(row.accountId);
  const gone = new AbortController();
  return streamSSE(c, async (sse) => {
    sse.onAbort(() => gone.abort());
    const send = async (text: string) => {
      await sse.write(text);
    };
    try {
      await feed(options, row, { after, send, gone: gone.signal });
    } catch (error) {
      // The client comes again, here or elsewhere, and misses nothing.
      if (!gone.signal.aborted) log.warn({ video: row.id, error }, "an event stream broke off");
    } finally {
      release();
    }
  });
}

/** @throws MixcacheError `invalid_argument` */
function lastEventId(given: string | undefined): number {
  if (given === undefined || given === "") return 0;
  if (!/^\d{1,9}$/.test(given))
    invalid("last-event-id", "Last-Event-ID must be the id of an event of this video: a whole number.");
  return Number(given);
}

/** Where a stream goes. */
interface Sink {
  /** The last event that the client has. */
  readonly after: number;
  readonly send: (text: string) => Promise<void>;
  readonly gone: AbortSignal;
}

/** Sends everything after what the client has, and goes on until the video has ended or nobody listens. */
async function feed(
  { jobs, wait, now }: ApiOptions,
  row: VideoRow,
  { after, send, gone }: Sink,
): Promise<void> {
  const following = new Following({ jobs, wait, gone }, row);
  const startedMs = now().getTime();
  let sent = after;
  let spokeMs = startedMs;
  let shown = "";
  const say = async (text: string) => {
    await send(text);
    spokeMs = now().getTime();
  };
  try {
    await say(greetingFrame(RETRY_MS));
    while (!gone.aborted && now().getTime() - startedMs < LONGEST_MS) {
      const { standing } = following;
      if (!standing) return;
      sent = await sendEvents(jobs, row.id, sent, standing, say);
      if (isOver(standing)) return;
      const progress = await progressOf(jobs, row.id, standing);
      if (progress !== shown) await say(progress);
      else if (now().getTime() - spokeMs >= KEEP_ALIVE_MS) await say(KEEP_ALIVE);
      shown = progress;
      await following.change(PLACE_MS);
    }
  } finally {
    following.close();
  }
}

/** Everything up to the newest event of a standing. @returns its sequence */
async function sendEvents(
  jobs: ApiOptions["jobs"],
  id: string,
  after: number,
  { lastEvent }: Standing,
  say: (text: string) => Promise<void>,
): Promise<number> {
  let sent = after;
  while (sent < lastEvent) {
    const page = await jobs.events(id, sent, PAGE);
    if (page.length > 0) await say(page.map((event) => eventFrame(id, event)).join(""));
    // Fewer than were asked for: the rest up to the newest was forgotten, as it was too old.
    sent =
      page.length < PAGE ? Math.max(lastEvent, page.at(-1)?.sequence ?? 0) : (page.at(-1)?.sequence ?? sent);
  }
  return sent;
}

async function progressOf(jobs: ApiOptions["jobs"], id: string, standing: Standing): Promise<string> {
  const places = standing.status === "queued" ? await jobs.places([id]) : undefined;
  return progressFrame(id, standing, places?.get(id));
}
