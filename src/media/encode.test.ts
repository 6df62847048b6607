import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { BufferSource, Input, MP4 } from "mediabunny";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { type EncodeVideoOptions, encodeVideo, type VideoFormat } from "./encode.ts";
import { loadNodeCodecs } from "./mp4.ts";
import { differenceOf, movingSquare } from "./testing.ts";
import { upscale } from "./upscale.ts";

const hasCodecs = await loadNodeCodecs().then(
  () => true,
  () => false,
);

/** Large enough that more threads would cut pictures differently, and quick. */
const enlargement = { factor: 4 };
const MP4_VARIANTS: EncodeVideoOptions[] = [
  { format: "mp4", fps: 8, upscale: enlargement },
  { format: "mp4", fps: 8, upscale: enlargement, codec: "av1" },
  { format: "mp4", fps: 8, upscale: enlargement, codec: "vp9" },
];
const WEBP_VARIANTS: EncodeVideoOptions[] = [
  { format: "webp", fps: 8, upscale: enlargement },
  { format: "webp", fps: 8, upscale: { method: "lanczos", factor: 2 } },
];

/** Encodes every variant in a fresh process; SHA-256 of each file. */
function digestsInAnotherProcess(variants: readonly EncodeVideoOptions[]): string[] {
  const script = `
    const { encodeVideo } = await import(${JSON.stringify(import.meta.resolve("./encode.ts"))});
    const { movingSquare } = await import(${JSON.stringify(import.meta.resolve("./testing.ts"))});
    const { createHash } = await import("node:crypto");
    const digests = [];
    for (const options of ${JSON.stringify(variants)}) {
      digests.push(createHash("sha256").update(await encodeVideo(movingSquare(), options)).digest("hex"));
    }
    console.log(JSON.stringify(digests));`;
  const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    encoding: "utf8",
  });
  return JSON.parse(printed) as string[];
}

async function isReproducible(variants: readonly EncodeVideoOptions[]): Promise<void> {
  const first = digestsInAnotherProcess(variants);
  // Container clocks count whole seconds: only a later second shows whether they are in the file.
  await delay(1100);
  const second = digestsInAnotherProcess(variants);
  const here: string[] = [];
  for (const options of variants) {
    here.push(
      createHash("sha256")
        .update(await encodeVideo(movingSquare(), options))
        .digest("hex"),
    );
  }
  expect(new Set(first).size).toBe(variants.length);
  expect(second).toEqual(first);
  expect(here).toEqual(first);
}

describe("encodeVideo", () => {
  it.skipIf(!hasCodecs)(
    "gives the same MP4 bytes in every process and second (needs the optional package @mediabunny/server)",
    () => isReproducible(MP4_VARIANTS),
  );

  it("gives the same WebP bytes in every process and second", () => isReproducible(WEBP_VARIANTS));

  it.skipIf(!hasCodecs)(
    "enlarges a small video by default, for MP4 (needs the optional package @mediabunny/server)",
    async () => {
      const bytes = await encodeVideo(movingSquare(2), { format: "mp4", fps: 8 });
      const track = await new Input({
        formats: [MP4],
        source: new BufferSource(bytes),
      }).getPrimaryVideoTrack();
      expect(await track?.getDisplayWidth()).toBe(512);
    },
  );

  it("stores nearest-enlarged WebP exactly, and leaves the size alone when told to", async () => {
    const frames = movingSquare(2);
    const large = sharp(await encodeVideo(frames, { format: "webp", fps: 8 }), { animated: true });
    const pixels = await large.removeAlpha().raw().toBuffer();
    expect(differenceOf(pixels, (await upscale(frames)).data).largest).toBe(0);
    const asIs = await sharp(
      await encodeVideo(frames, { format: "webp", fps: 8, upscale: false }),
    ).metadata();
    expect(asIs).toMatchObject({ width: 64, height: 64 });
  });

  it("refuses bad arguments in sentences, before any work", async () => {
    const frames = movingSquare(1);
    await expect(encodeVideo(frames, { format: "gif" as VideoFormat, fps: 8 })).rejects.toThrow(
      /mp4 or webp/,
    );
    await expect(encodeVideo(frames, { format: "webp", codec: "av1", fps: 8 })).rejects.toMatchObject({
      code: "invalid_argument",
      field: "codec",
    });
    await expect(encodeVideo(frames, { format: "webp", fps: 0 })).rejects.toThrow(/more than 0/);
    await expect(encodeVideo({ ...frames, count: 2 }, { format: "webp", fps: 8 })).rejects.toThrow(
      /were given/,
    );
  });
});
