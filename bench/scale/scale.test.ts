/** The model of docs/scale.md gives what queueing theory knows, and obeys the service's rules. */

import { describe, expect, it } from "vitest";
import { summarize } from "../../src/engine/metrics/statistics.ts";
import { seeded } from "../../test/support/random.ts";
import { meanWait, waitProbability } from "./erlang.ts";
import { Agenda } from "./heap.ts";
import { type Fleet, simulate } from "./simulate.ts";

const exponential = (random: () => number) => -Math.log(1 - random());

/** Jobs of one second on average, always all GPUs, no losses. */
function fleet(gpus: number, load: number, more: Partial<Fleet> = {}): Fleet {
  return {
    gpus,
    arrivalsPerSecond: gpus * load,
    jobSeconds: exponential,
    startSeconds: () => 0,
    lossesPerSecond: 0,
    handBackSeconds: 0,
    videos: 200_000,
    random: seeded(1),
    ...more,
  };
}

describe("Erlang C", () => {
  it("is what it is known to be", () => {
    // One server waits with the probability of its load; two with a half of it each: 1/3.
    expect(waitProbability(1, 0.7)).toBeCloseTo(0.7, 12);
    expect(waitProbability(2, 0.5)).toBeCloseTo(1 / 3, 12);
    expect(meanWait(8, 0.8)).toBeCloseTo(0.29, 2);
    expect(meanWait(1000, 0.95)).toBeCloseTo(0.001, 3);
    expect(meanWait(1, 0.5, 0)).toBeCloseTo(0.5, 12);
  });
});

describe("the simulation", () => {
  it.each([
    [1, 0.5],
    [8, 0.8],
    [100, 0.9],
  ])("of %i GPUs at load %f waits as M/M/c does", (gpus, load) => {
    const { waits, utilisation } = simulate(fleet(gpus, load));
    const known = meanWait(gpus, load);
    expect(Math.abs(summarize(waits).mean / known - 1)).toBeLessThan(0.15);
    expect(utilisation).toBeCloseTo(load, 1);
    expect(waits.filter((wait) => wait > 1e-9).length / waits.length).toBeCloseTo(
      waitProbability(gpus, load),
      1,
    );
  });

  it("of constant jobs waits half as long as of exponential ones", () => {
    const { waits } = simulate(fleet(1, 0.8, { jobSeconds: () => 1 }));
    expect(summarize(waits).mean).toBeCloseTo(meanWait(1, 0.8, 0), 1);
  });

  it("is the same for the same seed", () => {
    const run = () => simulate(fleet(4, 0.9, { videos: 1000, lossesPerSecond: 0.01 }));
    expect(run()).toEqual(run());
  });

  it("makes every video that a loss ended again, and pays for what was lost", () => {
    const none = simulate(fleet(8, 0.5, { videos: 20_000, jobSeconds: () => 1 }));
    const some = simulate(fleet(8, 0.5, { videos: 20_000, jobSeconds: () => 1, lossesPerSecond: 0.1 }));
    expect(none.lostAttempts).toBe(0);
    // A job of one second meets a loss with 1 − e^−0.1.
    expect(some.lostAttempts).toBeCloseTo(1 - Math.exp(-0.1), 2);
    expect(some.waits).toHaveLength(none.waits.length);
    expect(some.utilisation).toBeCloseTo(none.utilisation, 1);
  });

  it("scales to what its work needs, never beyond the most, and loses little to idling", () => {
    const scaling = { meanJobSeconds: 60, targetWaitSeconds: 60, tickSeconds: 60 };
    const startSeconds = () => 200;
    const jobSeconds = (random: () => number) => 60 * exponential(random);
    const scaled = simulate(
      fleet(100, 0, { arrivalsPerSecond: 0.5, jobSeconds, startSeconds, scaling, videos: 50_000 }),
    );
    expect(scaled.gpus).toBeGreaterThan(30);
    expect(scaled.gpus).toBeLessThan(45);
    expect(scaled.utilisation).toBeGreaterThan(0.7);
    const short = simulate(
      fleet(32, 0, { arrivalsPerSecond: 0.5, jobSeconds, startSeconds, scaling, videos: 50_000 }),
    );
    expect(short.gpus).toBeLessThanOrEqual(32);
  });
});

describe("the agenda", () => {
  it("gives what was added in the order of time", () => {
    const random = seeded(3);
    const times = Array.from({ length: 1000 }, () => Math.floor(random() * 100));
    const agenda = new Agenda<{ at: number }>();
    for (const at of times) agenda.add({ at });
    const given = times.map(() => agenda.next()?.at);
    expect(given).toEqual(times.toSorted((a, b) => a - b));
    expect(agenda.next()).toBeUndefined();
  });
});
