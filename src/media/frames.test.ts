import { describe, expect, it } from "vitest";
import { frameAt, validateFrames } from "./frames.ts";

const frames = { width: 2, height: 1, count: 2, data: Uint8Array.from({ length: 12 }, (_, index) => index) };

describe("frames", () => {
  it("gives each frame's own bytes, without copying", () => {
    expect([...frameAt(frames, 1)]).toEqual([6, 7, 8, 9, 10, 11]);
    expect(frameAt(frames, 1).buffer).toBe(frames.data.buffer);
  });

  it("refuses data that is not what the sizes say, in a sentence with both numbers", () => {
    expect(() => validateFrames({ ...frames, count: 3 })).toThrow(/take 18 bytes, but 12 were given/);
    expect(() => validateFrames({ ...frames, width: 0 })).toThrow(/width must be a whole number/);
    expect(() => validateFrames({ ...frames, height: 1.5 })).toThrow(/height must be a whole number/);
    expect(() => validateFrames({ ...frames, count: Number.NaN })).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "frames" }),
    );
  });

  it("refuses a frame that does not exist", () => {
    expect(() => frameAt(frames, 2)).toThrow(/no frame 2: the video has frames 0 to 1/);
  });
});
