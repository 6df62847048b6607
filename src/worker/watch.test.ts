import { setImmediate } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { ManualTimers } from "../../test/support/manual-timers.ts";
import type { AttemptEvents, Orders, Progress, Taken } from "../jobs/index.ts";
import { createLog } from "../logging.ts";
import { Watch } from "./watch.ts";

const log = createLog({ level: "silent" });
const taken = { video: { id: "video_a1" }, attempt: 1, heartbeatSeconds: 10 } as Taken;

/** A watch over jobs that answer what they are told, and note what they were asked. */
function watched() {
  const timers = new ManualTimers();
  const asked: {
    kind: "check" | "heartbeat";
    atMs: number;
    progress?: Progress | undefined;
    events?: AttemptEvents | undefined;
  }[] = [];
  const jobs: { answer: () => Orders } = { answer: () => "continue" };
  const startMs = timers.nowMs();
  const note = async (kind: "check" | "heartbeat", progress?: Progress, events?: AttemptEvents) => {
    asked.push({ kind, atMs: timers.nowMs() - startMs, progress, events });
    return jobs.answer();
  };
  const watch = new Watch({
    jobs: { check: () => note("check"), heartbeat: (_, ...told) => note("heartbeat", ...told) },
    taken,
    timers,
    log,
  });
  open.push(watch);
  return { watch, timers, jobs, asked };
}
const open: Watch[] = [];
afterEach(() => {
  for (const watch of open.splice(0)) watch.close();
});

describe("the watch over an attempt", () => {
  it("renews the lease twice in a heartbeat's time, and asks for orders in between", async () => {
    const { timers, asked } = watched();
    await timers.advance(20_000);
    const beats = asked.filter(({ kind }) => kind === "heartbeat").map(({ atMs }) => atMs);
    expect(beats).toEqual([5000, 10_000, 15_000, 20_000]);
    expect(asked.length).toBe(100);
  });

  it("passes the latest progress on, at most once a second, and each once", async () => {
    const { watch, timers, asked } = watched();
    for (let percent = 1; percent <= 30; percent++) {
      watch.report({ percent });
      await timers.advance(100);
    }
    const told = asked
      .filter(({ progress }) => progress)
      .map(({ progress, atMs }) => [atMs, progress?.percent]);
    expect(told).toEqual([
      [1000, 10],
      [2000, 20],
      [3000, 30],
    ]);
    await timers.advance(2000);
    expect(asked.filter(({ progress }) => progress)).toHaveLength(3);
  });

  it("passes events on in batches, again where the answer was lost, and leaves the last ones to who settles", async () => {
    const { watch, timers, jobs, asked } = watched();
    const event = (step: number) => ({ type: "decision" as const, data: { step } });
    for (const step of [1, 2]) watch.note(event(step));
    jobs.answer = () => {
      throw new Error("connection lost");
    };
    await timers.advance(1000);
    watch.note(event(3));
    jobs.answer = () => "continue";
    await timers.advance(200);
    watch.note(event(4));
    const told = asked.flatMap(({ events }) => events ?? []);
    expect(told).toEqual([
      { from: 0, events: [event(1), event(2)] },
      { from: 0, events: [event(1), event(2), event(3)] },
    ]);
    expect(watch.pending).toEqual({ from: 3, events: [event(4)] });
    await timers.advance(1000);
    expect(watch.pending).toBeUndefined();
  });

  it.each(["cancel", "deadline", "lost"] as const)(
    "ends the attempt when it is told to: %s",
    async (orders) => {
      const { watch, timers, jobs } = watched();
      await timers.advance(1000);
      expect(watch.signal.aborted).toBe(false);
      jobs.answer = () => orders;
      await timers.advance(200);
      expect(watch.signal.aborted).toBe(true);
      expect(watch.verdict).toBe(orders);
    },
  );

  it("asks at once when it is poked", async () => {
    const { watch, timers, jobs } = watched();
    await timers.advance(200);
    jobs.answer = () => "cancel";
    watch.poke();
    await setImmediate();
    await setImmediate();
    expect(watch.verdict).toBe("cancel");
  });

  it("goes on renewing the lease after a cancel, until it is closed: settling may take its time", async () => {
    const { watch, timers, jobs, asked } = watched();
    jobs.answer = () => "cancel";
    await timers.advance(10_000);
    expect(asked.filter(({ kind }) => kind === "heartbeat")).toHaveLength(2);
    watch.close();
    const before = asked.length;
    await timers.advance(10_000);
    expect(asked.length).toBe(before);
  });

  it("bears a database that doesn't answer, until the lease is surely somebody else's", async () => {
    const { watch, timers, jobs } = watched();
    jobs.answer = () => {
      throw new Error("connection refused");
    };
    await timers.advance(29_000);
    expect(watch.verdict).toBeUndefined();
    jobs.answer = () => "continue";
    await timers.advance(1000);
    jobs.answer = () => {
      throw new Error("connection refused");
    };
    await timers.advance(29_000);
    expect(watch.verdict).toBeUndefined();
    await timers.advance(2000);
    expect(watch.verdict).toBe("lost");
  });

  it("keeps to the first reason it was given", async () => {
    const { watch, timers, jobs } = watched();
    watch.end("stop");
    jobs.answer = () => "cancel";
    await timers.advance(1000);
    expect(watch.verdict).toBe("stop");
  });
});
