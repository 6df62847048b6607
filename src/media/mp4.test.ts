import { BufferSource, EncodedPacketSink, Input, MP4, VideoSampleSink } from "mediabunny";
import { beforeAll, describe, expect, it } from "vitest";
import type { RgbFrames } from "../engine/frames.ts";
import { boxesOf, readXmp } from "./boxes.ts";
import { frameAt } from "./frames.ts";
import { DIGITAL_SOURCE_TYPE, MARK_SENTENCE } from "./mark.ts";
import { encodeMp4, loadNodeCodecs } from "./mp4.ts";
import { MP4_CODECS, type Mp4Codec } from "./mux.ts";
import { differenceOf, movingSquare, rejectionOf } from "./testing.ts";
import { upscale } from "./upscale.ts";
import { rgbToI420 } from "./yuv.ts";

const hasCodecs = await loadNodeCodecs().then(
  () => true,
  () => false,
);

function open(bytes: Uint8Array): Input {
  return new Input({ formats: [MP4], source: new BufferSource(bytes) });
}

async function videoTrackOf(input: Input) {
  const track = await input.getPrimaryVideoTrack();
  if (track === null) throw new Error("The file has no video track.");
  return track;
}

/** Decodes every frame to I420 planes, in the order of presentation. */
async function decode(bytes: Uint8Array) {
  const frames: { planes: Uint8Array; timestamp: number; duration: number }[] = [];
  for await (const sample of new VideoSampleSink(await videoTrackOf(open(bytes))).samples()) {
    expect(sample.format).toBe("I420");
    const planes = new Uint8Array(sample.allocationSize());
    await sample.copyTo(planes);
    frames.push({ planes, timestamp: sample.timestamp, duration: sample.duration });
    sample.close();
  }
  return frames;
}

describe.skipIf(!hasCodecs)("MP4 (needs the optional package @mediabunny/server)", () => {
  let frames: RgbFrames;
  const files = new Map<Mp4Codec, Uint8Array>();
  const fileOf = (codec: Mp4Codec) => files.get(codec) ?? new Uint8Array();

  beforeAll(async () => {
    frames = await upscale(movingSquare(), { factor: 4 });
    for (const codec of MP4_CODECS) files.set(codec, await encodeMp4(frames, { fps: 8, codec }));
  });

  it.each(MP4_CODECS)(
    "%s decodes to every frame, in order, on time, in the colours that went in",
    async (codec) => {
      const decoded = await decode(fileOf(codec));
      expect(decoded.length).toBe(16);
      for (const [index, { planes, timestamp, duration }] of decoded.entries()) {
        expect(timestamp).toBeCloseTo(index / 8, 9);
        expect(duration).toBeCloseTo(1 / 8, 9);
        const expected = rgbToI420(frameAt(frames, index), frames.width, frames.height).data;
        const { mean, largest } = differenceOf(planes, expected);
        // A square that were one frame behind would differ by far more than 3 in the mean of its edges.
        expect(mean).toBeLessThan(0.6);
        expect(largest).toBeLessThan(40);
      }
      expect(await open(fileOf(codec)).computeDuration()).toBeCloseTo(2, 6);
    },
  );

  it.each([
    ["h264", /^avc1\.6400/],
    ["av1", /^av01\.0\.\d\dM\.08/],
    ["vp9", /^vp09\.00\.\d\d\.08/],
  ] as const)(
    "%s says its size, codec, 4:2:0 and BT.709, as browsers ask for",
    async (codec, codecString) => {
      const track = await videoTrackOf(open(fileOf(codec)));
      const config = await track.getDecoderConfig();
      expect(config?.codec).toMatch(codecString);
      expect(config).toMatchObject({
        codedWidth: 256,
        codedHeight: 256,
        colorSpace: { primaries: "bt709", transfer: "bt709", matrix: "bt709", fullRange: false },
      });
    },
  );

  it.each(MP4_CODECS)("%s starts fast: the index lies before the data", (codec) => {
    const types = [...boxesOf(fileOf(codec))].map(({ type }) => type);
    expect(types).toEqual(["ftyp", "moov", "mdat", "uuid"]);
  });

  it.each(MP4_CODECS)("%s says that it is AI-generated, in tags and in IPTC's words", async (codec) => {
    const tags = await open(fileOf(codec)).getMetadataTags();
    expect(tags.comment).toContain(MARK_SENTENCE);
    expect(tags.comment).toContain(DIGITAL_SOURCE_TYPE);
    expect(tags.description).toBe(MARK_SENTENCE);
    expect(readXmp(fileOf(codec))).toContain(`Iptc4xmpExt:DigitalSourceType="${DIGITAL_SOURCE_TYPE}"`);
  });

  it("encodes H.264 on one thread: more would give other bytes on other machines", () => {
    // x264 writes its settings into the stream.
    expect(Buffer.from(fileOf("h264")).toString("latin1")).toContain(" threads=1 lookahead_threads=1 ");
  });

  it("takes odd sizes and broken frame rates", async () => {
    const bytes = await encodeMp4(movingSquare(5, 33, 17), { fps: 7.5 });
    const decoded = await decode(bytes);
    expect(decoded.length).toBe(5);
    expect(decoded.at(-1)?.timestamp).toBeCloseTo(4 / 7.5, 6);
    expect(await (await videoTrackOf(open(bytes))).getDisplayWidth()).toBe(34);
  });

  it("puts a key frame every two seconds, so that players can seek", async () => {
    const track = await videoTrackOf(open(await encodeMp4(movingSquare(9), { fps: 2 })));
    const keys: number[] = [];
    for await (const packet of new EncodedPacketSink(track).packets()) {
      if (packet.type === "key") keys.push(packet.timestamp);
    }
    expect(keys).toEqual([0, 2, 4]);
  });

  it("says what failed when an encoder refuses, and what to try", async () => {
    // SVT-AV1 wants at least 4 pixels on a side.
    const error = await rejectionOf(encodeMp4(movingSquare(1, 2, 2), { fps: 8, codec: "av1" }));
    expect(error).toMatchObject({ code: "media_encode_failed" });
    expect(String(error)).toMatch(/1 frames of 2x2 as av1 failed .* --format webp may work/);
  });
});

describe("MP4 without its codecs", () => {
  it("names the package, its licence and the way out, and keeps the cause", async () => {
    const cause = Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
    const loadCodecs = () => loadNodeCodecs(() => Promise.reject(cause));
    const error = await rejectionOf(encodeMp4(movingSquare(1), { fps: 8, loadCodecs }));
    expect(error).toMatchObject({ code: "media_codec_missing", cause });
    expect(String(error)).toMatch(/npm install @mediabunny\/server.*GPL.*--format webp/s);
  });

  it.each([0, -1, 121, Number.NaN, Number.POSITIVE_INFINITY])("refuses %s frames per second", async (fps) => {
    await expect(encodeMp4(movingSquare(1), { fps })).rejects.toMatchObject({
      code: "invalid_argument",
      field: "fps",
    });
  });

  it("refuses an unknown codec before it loads anything", async () => {
    const loadCodecs = () => Promise.reject(new Error("loaded"));
    await expect(
      encodeMp4(movingSquare(1), { fps: 8, codec: "toString" as Mp4Codec, loadCodecs }),
    ).rejects.toThrow(/must be one of h264, av1, vp9/);
  });
});
