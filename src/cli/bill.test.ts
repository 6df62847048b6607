import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type AttemptRecord, RECORD_FORMAT } from "../jobs/usage.ts";
import { main } from "./main.ts";

const record: AttemptRecord = {
  format: RECORD_FORMAT,
  video: "video_a1",
  attempt: 2,
  outcome: "completed",
  bundle: { id: "shapes", digest: "d" },
  computed: {
    text: [{ graph: "text.onnx", flops: 1e9, duration_ms: 1 }],
    steps: [
      { index: 0, mode: "full", flops: 2e12, full_flops: 2e12 },
      { index: 1, mode: "step", flops: 0, full_flops: 2e12 },
    ],
    decode: [{ graph: "decoder.onnx", flops: 5e11, duration_ms: 1 }],
  },
  engine_ms: 1500,
  video_ms: 2000,
  trace: null,
};

let folder: string;
let file: string;
let [out, err] = ["", ""];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "bill-"));
  file = path.join(folder, "trace.json");
  await writeFile(file, JSON.stringify(record));
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += text;
    return true;
  });
});
afterEach(() => {
  [out, err] = ["", ""];
});
afterAll(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

describe("mixcache bill", () => {
  it("shows where the amount comes from", async () => {
    expect(await main(["bill", file, "--price", "tflop:500"])).toBe(0);
    expect(out).toBe(
      [
        "video_a1, attempt 2: completed",
        "text encoders    1000000000 FLOP  1 runs",
        "denoiser      2000000000000 FLOP  2 steps, 1 of them reused something",
        "decoder        500000000000 FLOP  1 calls",
        "together      2501000000000 FLOP",
        "engine 1.5 s, video 2 s",
        "0.00125 USD at 500 micros for a tflop: 1250 micros",
        "",
      ].join("\n"),
    );
  });

  it.each([
    ["tflop:500", "1250"],
    ["gpu_second:555.5", "833"],
    ["video_second:40000", "80000"],
  ])("at %s is %s micros for programs", async (price, micros) => {
    expect(await main(["bill", file, "--price", price, "--currency", "EUR", "--json"])).toBe(0);
    expect(JSON.parse(out)).toEqual({
      flops: "2501000000000",
      engine_ms: "1500",
      video_ms: "2000",
      micros,
      currency: "EUR",
    });
  });

  it.each(["500", "tflop", "hour:500", "tflop:-5", "tflop:5:5"])("refuses the price %s", async (price) => {
    expect(await main(["bill", file, "--price", price])).toBe(2);
    expect(err).toContain(`price is “${price}”`);
  });

  it("says what is wrong with the file", async () => {
    expect(await main(["bill", path.join(folder, "none.json"), "--price", "tflop:1"])).toBe(2);
    expect(err).toContain("can't be read");
  });
});
