import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frameAt, pause, play, STOPPED, seek, stepBy } from "./clock.ts";

const reel = { count: 16, fps: 8 };

describe("the clock", () => {
  it("shows each frame for as long as the rate says, and begins again", () => {
    const clock = play(STOPPED, reel, 1000);
    expect([0, 124, 125, 375, 1999, 2000, 2125].map((ms) => frameAt(clock, reel, 1000 + ms))).toEqual([
      0, 0, 1, 3, 15, 0, 1,
    ]);
  });

  it("stands still on the frame that was shown, and goes on from it", () => {
    const paused = pause(play(STOPPED, reel, 0), reel, 300);
    expect(frameAt(paused, reel, 9999)).toBe(2);
    expect(frameAt(play(paused, reel, 10_000), reel, 10_125)).toBe(3);
  });

  it("goes to any frame and no further, while it plays and while it doesn't", () => {
    expect(frameAt(seek(STOPPED, reel, 7, 5), reel, 99)).toBe(7);
    expect(frameAt(seek(STOPPED, reel, 99, 5), reel, 99)).toBe(15);
    expect(frameAt(seek(STOPPED, reel, -1, 5), reel, 99)).toBe(0);
    expect(frameAt(seek(play(STOPPED, reel, 0), reel, 7, 100), reel, 225)).toBe(8);
  });

  it("steps around the end, and stops for it", () => {
    expect(stepBy(STOPPED, reel, -1, 0)).toEqual({ playing: false, frame: 15, sinceMs: 0 });
    expect(stepBy(play(seek(STOPPED, reel, 15, 0), reel, 0), reel, 1, 10)).toMatchObject({
      playing: false,
      frame: 0,
    });
  });

  it("never shows a frame that is not there", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 120 }),
        fc.array(
          fc.tuple(
            fc.constantFrom("play", "pause", "seek", "step"),
            fc.integer({ min: -300, max: 300 }),
            fc.nat(10_000),
          ),
        ),
        (count, fps, acts) => {
          const some = { count, fps };
          let clock = STOPPED;
          let now = 0;
          for (const [act, by, ms] of acts) {
            now += ms;
            if (act === "play") clock = play(clock, some, now);
            else if (act === "pause") clock = pause(clock, some, now);
            else if (act === "seek") clock = seek(clock, some, by, now);
            else clock = stepBy(clock, some, by, now);
            const frame = frameAt(clock, some, now + ms);
            expect(Number.isInteger(frame) && frame >= 0 && frame < count).toBe(true);
          }
        },
      ),
      { seed: 1 },
    );
  });
});
