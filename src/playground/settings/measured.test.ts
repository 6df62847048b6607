import path from "node:path";
import { expect, it } from "vitest";
import { readBundle } from "../../engine/bundle/read.ts";
import { FolderFiles } from "../../node/bundle-folder.ts";
import { PRESET_NAMES } from "./cache-choice.ts";
import { EMBEDDED_DIGEST, measuredPresets } from "./measured.ts";

it("every preset of the embedded model was measured, and a faster one is not nearer to the uncached video", async () => {
  const folder = path.join(import.meta.dirname, "../../../models/shapes");
  const { digest } = await readBundle(new FolderFiles(folder));
  expect(EMBEDDED_DIGEST).toBe(digest);
  const measured = measuredPresets(`sha256:${digest}`);
  const rows = PRESET_NAMES.map((name) => measured?.of.get(name));
  const speedups = rows.map((row) => row?.speedup ?? Number.NaN);
  const psnrs = rows.map((row) => row?.psnr ?? Number.NaN);
  expect(speedups).toEqual([...speedups].sort((a, b) => a - b));
  expect(psnrs).toEqual([...psnrs].sort((a, b) => b - a));
  expect(measured?.videos).toBeGreaterThan(0);
});

it("nothing is said of a model that nobody measured", () => {
  expect(measuredPresets("00".repeat(32))).toBeUndefined();
  expect(measuredPresets(undefined)).toBeUndefined();
});
