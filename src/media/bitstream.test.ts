import { describe, expect, it } from "vitest";
import { annexBUnits, av1CodecString, av1Sample, avcConfiguration, avcSample } from "./bitstream.ts";

const SPS = [0x67, 100, 0, 0x16, 1, 2];
const PPS = [0x68, 3];
const IDR = [0x65, 4, 0, 0, 3, 1];
const stream = Uint8Array.from([0, 0, 0, 1, ...SPS, 0, 0, 0, 1, ...PPS, 0, 0, 1, ...IDR]);

describe("bitstream", () => {
  it("splits at start codes of both lengths and at nothing that only looks like one", () => {
    expect(annexBUnits(stream).map((unit) => [...unit])).toEqual([SPS, PPS, IDR]);
  });

  it("puts H.264 parameter sets into the record, once, and pictures into the samples", () => {
    const { codec, record } = avcConfiguration(stream);
    expect(codec).toBe("avc1.640016");
    expect([...record]).toEqual([
      1,
      100,
      0,
      0x16,
      0xff,
      0xe1,
      0,
      6,
      ...SPS,
      1,
      0,
      2,
      ...PPS,
      0xfd,
      0xf8,
      0xf8,
      0,
    ]);
    expect([...avcSample(stream)]).toEqual([0, 0, 0, 6, ...IDR]);
    expect(() => avcConfiguration(Uint8Array.from([0, 0, 1, ...IDR]))).toThrow(/no parameter sets/);
  });

  it("states the level and tier of an AV1 sequence header, and drops the temporal delimiter", () => {
    // Profile 0, no timing, one operating point; level 9 (3 bytes to bit 24, then 01001) and tier high.
    const header = [0x0a, 4, 0, 0, 0, 0b01001_1_00];
    expect(av1CodecString(Uint8Array.from(header))).toBe("av01.0.09H.08");
    expect(av1CodecString(Uint8Array.from([0x0a, 4, 0, 0, 0, 0b00100_000]))).toBe("av01.0.04M.08");
    expect([...av1Sample(Uint8Array.from([0x12, 0, ...header]))]).toEqual(header);
    expect(() => av1CodecString(Uint8Array.from([0x32, 1, 0]))).toThrow(/no sequence header/);
  });
});
