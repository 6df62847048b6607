import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { ManualTimers } from "../../../test/support/manual-timers.ts";
import type { Jobs, Standing, VideoRow } from "../../jobs/index.ts";
import type { ApiEnv } from "../context.ts";
import { Streams } from "../streams.ts";
import { preferredWait, waited } from "./wait.ts";

describe("Prefer", () => {
  it.each([
    ["wait=10", 10],
    ["wait=120", 60],
    ['respond-async, wait="5"', 5],
    ["handling=lenient;x=1, WAIT = 7 ,foo", 7],
  ])("%s waits %i seconds", (prefer, seconds) => {
    expect(preferredWait(prefer)).toBe(seconds);
  });

  it.each([undefined, "", "wait", "wait=0", "wait=x", "wait=-1", "wait=1.5", "await=9", "respond-async"])(
    "%s waits for nothing",
    (prefer) => {
      expect(preferredWait(prefer)).toBeUndefined();
    },
  );
});

/** A request that waits for a video, on a clock that stands still. */
function waiting(row: Partial<VideoRow> = {}, streams = new Streams({ process: 1, account: 1 })) {
  const timers = new ManualTimers();
  const told: { listener?: ((standing: Standing | undefined) => void) | undefined; reads: number } = {
    reads: 0,
  };
  const video = { id: "video_a1", accountId: "acct_1", status: "queued", lastEvent: 1, ...row } as VideoRow;
  const jobs = {
    watch: (_: string, listener: (standing: Standing | undefined) => void) => {
      told.listener = listener;
      return () => {
        told.listener = undefined;
      };
    },
    get: async () => {
      told.reads++;
      return video;
    },
  } as unknown as Jobs;
  const options = { jobs, wait: timers.wait.bind(timers), now: () => new Date(timers.nowMs()) };
  const app = new Hono<ApiEnv>();
  app.get("/", async (c) => {
    c.set("account", "acct_1");
    return c.json({ status: (await waited(c, options, streams, video)).status });
  });
  const leaving = new AbortController();
  const answer = { response: undefined as Response | undefined };
  void Promise.resolve(app.request("/", { headers: { prefer: "wait=30" }, signal: leaving.signal })).then(
    (response) => {
      answer.response = response;
    },
  );
  return { timers, told, answer, leaving, streams };
}

const standing = (status: Standing["status"], lastEvent: number): Standing => ({
  status,
  lastEvent,
  attempt: 1,
  progress: { percent: 0 },
});

describe("an answer that waits", () => {
  it("comes with the end of the video, and is not disturbed by what happens before", async () => {
    const { timers, told, answer, streams } = waiting();
    await timers.advance(1000);
    told.listener?.(standing("in_progress", 2));
    told.listener?.(standing("in_progress", 30));
    await timers.advance(1000);
    expect(answer.response).toBeUndefined();
    expect(streams.open).toBe(1);
    told.listener?.(standing("completed", 31));
    await timers.advance(0);
    expect(answer.response?.headers.get("preference-applied")).toBe("wait=30");
    expect(told).toEqual({ reads: 1, listener: undefined });
    expect(streams.open).toBe(0);
  });

  it("comes when the time is over, as things are then", async () => {
    const { timers, answer, streams } = waiting();
    await timers.advance(29_999);
    expect(answer.response).toBeUndefined();
    await timers.advance(1);
    expect(answer.response?.status).toBe(200);
    expect(streams.open).toBe(0);
  });

  it("is for nobody when the caller goes", async () => {
    const { timers, told, leaving, streams } = waiting();
    await timers.advance(1000);
    leaving.abort();
    await timers.advance(0);
    expect(told).toEqual({ reads: 0, listener: undefined });
    expect(streams.open).toBe(0);
  });

  it("comes at once where the video has ended, or where too many wait", async () => {
    const over = waiting({ status: "failed" });
    await over.timers.advance(0);
    expect(over.answer.response?.headers.get("preference-applied")).toBe("wait=30");
    const streams = new Streams({ process: 1, account: 1 });
    streams.mustTake("acct_2");
    const full = waiting({}, streams);
    await full.timers.advance(0);
    expect(full.answer.response?.headers.get("preference-applied")).toBeNull();
    expect(await full.answer.response?.json()).toEqual({ status: "queued" });
  });
});
