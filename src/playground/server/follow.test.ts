/** Guarantee: whatever connections do, every event comes once and in order. */

import { describe, expect, it } from "vitest";
import { MixcacheError } from "../../errors.ts";
import { type Following, follow } from "./follow.ts";

const LAST = 6;
const frame = (id: number) =>
  `id: ${id}\nevent: ${id === LAST ? "video.completed" : "decision"}\ndata: ${id}\n\n`;

/** A server that cuts each answer after so many bytes. */
function server(cutAfterBytes: readonly number[]) {
  const asked: string[] = [];
  const waited: number[] = [];
  const cuts = [...cutAfterBytes];
  const following: Following = {
    open: async (lastId) => {
      asked.push(lastId);
      const from = Number(lastId || 0);
      if (from === LAST) return new Response(null, { status: 204 });
      const text = Array.from({ length: LAST - from }, (_, i) => frame(from + i + 1)).join("");
      return new Response(text.slice(0, cuts.shift() ?? text.length));
    },
    wait: async (ms) => {
      waited.push(ms);
    },
    signal: new AbortController().signal,
  };
  return { asked, waited, following };
}

async function all(following: Following): Promise<number[]> {
  const numbers: number[] = [];
  for await (const { data } of follow(following)) numbers.push(Number(data));
  return numbers;
}

describe("a video that is followed", () => {
  it("is told whole, wherever its first connection is cut", async () => {
    const length = [1, 2, 3, 4, 5, 6].map(frame).join("").length;
    for (let cut = 0; cut < length; cut++) {
      const { following, asked } = server([cut]);
      expect(await all(following)).toEqual([1, 2, 3, 4, 5, 6]);
      expect(asked).toHaveLength(2);
    }
  });

  it("is asked for after ever longer waits while nothing comes", async () => {
    const { following, waited } = server([0, 0, 0, 0, 0, 0]);
    await all(following);
    expect(waited).toEqual([1000, 2000, 4000, 8000, 8000, 8000]);
  });

  it("survives a network that is gone for a while", async () => {
    const { following } = server([]);
    let failures = 3;
    const lost: unknown[] = [];
    const open: Following["open"] = async (lastId) => {
      if (failures-- > 0) throw new MixcacheError("server_unreachable", "The server can't be reached.");
      return following.open(lastId);
    };
    expect(await all({ ...following, open, onLost: (error) => lost.push(error) })).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    expect(lost).toHaveLength(3);
  });

  it("ends with what the server refuses", async () => {
    const open = async () => {
      throw new MixcacheError("video_not_found", "There is no such video.");
    };
    await expect(all({ ...server([]).following, open })).rejects.toMatchObject({ code: "video_not_found" });
  });

  it("ends where it had ended before", async () => {
    const { following } = server([]);
    const open = async () => new Response(null, { status: 204 });
    expect(await all({ ...following, open })).toEqual([]);
  });
});
