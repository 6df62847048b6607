import { describe, expect, it } from "vitest";
import { type AttemptRecord, RECORD_FORMAT, readRecord, usageOf, videoMsOf } from "./usage.ts";

const graph = (name: string, flops: number) => ({ graph: name, flops, duration_ms: 1.5 });
const step = (index: number, flops: number) => ({
  index,
  mode: flops === 100 ? "full" : "step",
  flops,
  full_flops: 100,
});

/** A run that was stopped while it decoded, one of whose steps was reused. */
const record: AttemptRecord = {
  format: RECORD_FORMAT,
  video: "video_a",
  attempt: 1,
  outcome: "cancelled",
  bundle: { id: "shapes", digest: "d" },
  computed: {
    text: [graph("text.onnx", 7)],
    steps: [step(0, 100), step(1, 0), step(2, 2 ** 60)],
    decode: [graph("decoder.onnx", 1000), graph("decoder_next.onnx", 2000.4)],
  },
  engine_ms: 61,
  video_ms: 0,
  trace: null,
};

describe("the record of an attempt", () => {
  it("says what was computed: texts, steps without what was reused, the decoder; to the last FLOP", () => {
    // Beyond 2^53 a sum of numbers would lose the small ones.
    expect(usageOf(record)).toEqual({ flops: 2n ** 60n + 3107n, engineMs: 61n, videoMs: 0n });
    const nothing = { ...record, computed: { text: [], steps: [], decode: [] }, engine_ms: 0 };
    expect(usageOf(nothing)).toEqual({ flops: 0n, engineMs: 0n, videoMs: 0n });
  });

  it("is the same after the way through a file", () => {
    expect(readRecord(JSON.stringify(record), "trace.json")).toEqual(record);
  });

  it("that can't be read is refused with the place", () => {
    expect(() => readRecord("{", "trace.json")).toThrow("trace.json is cut off");
    const computed = { ...record.computed, steps: [step(0, -1)] };
    expect(() => readRecord(JSON.stringify({ ...record, computed }), "trace.json")).toThrow(
      "computed.steps.0.flops",
    );
    const other = { ...record, format: "mixcache.trace/1" };
    expect(() => readRecord(JSON.stringify(other), "trace.json")).toThrow(
      "no record of the format mixcache.record/1",
    );
  });

  it("measures videos in whole milliseconds", () => {
    expect(videoMsOf(16, 8)).toBe(2000);
    expect(videoMsOf(1, 24)).toBe(42);
  });
});
