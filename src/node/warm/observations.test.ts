import { describe, expect, it } from "vitest";
import type { RunTrace, StepTrace } from "../../engine/trace.ts";
import {
  MOST_RUNS,
  mergeObservations,
  type Observations,
  observationsOf,
  readObservations,
  writeObservations,
} from "./observations.ts";
import { profileOf, seenAt } from "./testing.ts";

const { key } = profileOf(12);

/** A trace by the modes of its steps: F in full with a deviation of 1/4, s a predicted output, c a predicted guidance. */
function traceOf(modes: string, more: Partial<RunTrace> = {}): Pick<RunTrace, "policy" | "steps" | "run"> {
  const word = { F: "full", s: "step", c: "cfg" } as const;
  const steps = [...modes].map(
    (mode, index) =>
      ({
        index,
        branches: [],
        decision: { mode: word[mode as keyof typeof word] },
        ...(mode === "F" && index > 0 && { deviation: 0.25 }),
      }) as unknown as StepTrace,
  );
  const denoisers = [{ id: "main", steps: [0, modes.length] }];
  return { policy: "mixcache", steps, run: { denoisers } as unknown as RunTrace["run"], ...more };
}

describe("what a video shows", () => {
  it("is the deviation of each step in full whose two results before lie equally far apart", () => {
    expect(observationsOf(key, traceOf("FFFsFsFssFF"))?.deviations).toEqual({
      1: { 2: { "-8": 1 } },
      2: { 6: { "-8": 1 } },
    });
  });

  it.each([
    ["two results only", "FFss"],
    ["anchors of other ages", "FFsFssF"],
    ["guidance that was predicted in between", "FsFcF"],
    ["nothing in full", "ssss"],
  ])("is nothing after %s", (_, modes) => {
    expect(observationsOf(key, traceOf(modes))).toBeUndefined();
  });

  it("is nothing where another policy made it, whose deviations mean something else", () => {
    expect(observationsOf(key, traceOf("FFF", { policy: "easycache" }))).toBeUndefined();
  });

  it("does not reach over a switch of experts", () => {
    const denoisers = [
      { id: "high", steps: [0, 3] },
      { id: "low", steps: [3, 6] },
    ];
    const run = { denoisers } as unknown as RunTrace["run"];
    expect(observationsOf(key, traceOf("FFFFFF", { run }))?.deviations).toEqual({
      1: { 2: { "-8": 1 }, 5: { "-8": 1 } },
    });
  });

  it("holds no word of a prompt, no seed and no account: counts alone", () => {
    const text = new TextDecoder().decode(
      writeObservations(observationsOf(key, traceOf("FFF")) as Observations),
    );
    expect(JSON.parse(text)).toEqual({
      format: "mixcache.observed/1",
      key,
      runs: 1,
      deviations: { 1: { 2: { "-8": 1 } } },
    });
  });
});

describe("sums", () => {
  it("are the same in whatever order and grouping they are added, to the byte", () => {
    const all = Array.from({ length: 24 }, (_, i) => seenAt(2 + (i % 5), -10 + (i % 3)));
    const add = (list: readonly Observations[]) => list.reduce(mergeObservations);
    const half = mergeObservations(add(all.slice(12).reverse()), add(all.slice(0, 12)));
    expect(writeObservations(half)).toEqual(writeObservations(add(all)));
    expect(half.runs).toBe(24);
  });

  it("are halved when there are too many, so that old videos fade and nothing grows for ever", () => {
    const many = { ...seenAt(3, -8), runs: MOST_RUNS, deviations: { 1: { 3: { "-8": MOST_RUNS } } } };
    const sum = mergeObservations(many, seenAt(3, -4));
    expect(sum.runs).toBe(MOST_RUNS / 2);
    expect(sum.deviations).toEqual({ 1: { 3: { "-8": MOST_RUNS / 2 } } });
  });
});

it.each([
  ["cut off", (text: string) => text.slice(0, 60)],
  ["of another version", (text: string) => text.replace("observed/1", "observed/2")],
  ["with a field more", (text: string) => text.replace("{", '{"prompt":"x",')],
  ["with a count that is none", (text: string) => text.replace('"-8":1', '"-8":-1')],
])("observations %s are refused", (_, spoil) => {
  const text = new TextDecoder().decode(writeObservations(seenAt(3, -8)));
  expect(() => readObservations(spoil(text), "x.json")).toThrow(
    expect.objectContaining({ code: "profile_invalid" }),
  );
  expect(readObservations(text, "x.json")).toEqual(seenAt(3, -8));
});
