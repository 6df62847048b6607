import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bodyOf, MAX_BODY_BYTES } from "./body.ts";

const happenedAt = new Date("2026-11-28T12:00:00.123Z");
const body = (payload: Record<string, unknown>) => bodyOf({ type: "video.failed", happenedAt, payload });

it("is the type, the time of the event and the video", () => {
  expect(body({ id: "video_1", prompt: "a circle" })).toBe(
    '{"type":"video.failed","timestamp":"2026-11-28T12:00:00.123Z","data":{"id":"video_1","prompt":"a circle"}}',
  );
});

describe("what is too large", () => {
  it("loses no more than it must, and says what", () => {
    const payload = { prompt: "p".repeat(4000), negative_prompt: "n".repeat(17_000), metadata: { a: "b" } };
    const { data } = JSON.parse(body(payload));
    expect(data).toEqual({
      ...payload,
      negative_prompt: `${"n".repeat(500)}…`,
      truncated: ["negative_prompt"],
    });
  });

  it("is under the limit whatever is in it", () => {
    // One, two, three and four bytes, and what JSON writes as six.
    const unit = fc.constantFrom("a", "é", "漢", "😀", '"', "\u0001", "\ud83d");
    const text = (most: number) =>
      fc.tuple(unit, fc.nat(most)).map(([one, length]) => one.repeat(length).slice(0, most));
    const video = fc.record({
      id: fc.constant("video_a01K7Q9P6VQ0Z5W8N3B4C2D1E0F"),
      prompt: text(4000),
      negative_prompt: text(4000),
      error: fc.record({ code: fc.constant("engine_failed"), message: text(9000) }),
      cache: fc.record({ policy: fc.constant("x"), options: fc.record({ list: text(9000) }) }),
      metadata: fc.dictionary(fc.string({ maxLength: 20 }), text(512), { maxKeys: 16 }),
    });
    fc.assert(
      fc.property(video, (payload) => {
        const written = body(payload);
        expect(Buffer.byteLength(written)).toBeLessThan(MAX_BODY_BYTES);
        expect(JSON.parse(written).data.id).toBe(payload.id);
        expect(body(payload)).toBe(written);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it("is cut between characters", () => {
    const { data } = JSON.parse(body({ prompt: `a${"😀".repeat(6000)}` }));
    expect(data.prompt).toBe(`a${"😀".repeat(249)}…`);
  });
});
