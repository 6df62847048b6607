import { describe, expect, it, vi } from "vitest";
import { Gather } from "./gather.ts";

/** A gather whose work ends when the test says so. */
function gathering() {
  const rounds: { asks: readonly number[]; end: PromiseWithResolvers<void> }[] = [];
  const gather = new Gather<number, string>(async (asks) => {
    const end = Promise.withResolvers<void>();
    rounds.push({ asks, end });
    await end.promise;
    return asks.map((ask) => `answer ${ask}`);
  });
  return { gather, rounds };
}

describe("a gather", () => {
  it("starts with the first at once, and does together what is asked meanwhile, in order", async () => {
    const { gather, rounds } = gathering();
    const first = gather.ask(1);
    const others = [2, 3, 4].map((ask) => gather.ask(ask));
    expect(rounds.map(({ asks }) => asks)).toEqual([[1]]);
    rounds[0]?.end.resolve();
    expect(await first).toBe("answer 1");
    await Promise.resolve();
    expect(rounds[1]?.asks).toEqual([2, 3, 4]);
    rounds[1]?.end.resolve();
    expect(await Promise.all(others)).toEqual(["answer 2", "answer 3", "answer 4"]);
  });

  it("fails those of one round, and goes on with the next", async () => {
    const { gather, rounds } = gathering();
    const first = gather.ask(1);
    const second = gather.ask(2);
    rounds[0]?.end.reject(new Error("no"));
    await expect(first).rejects.toThrow("no");
    await Promise.resolve();
    rounds[1]?.end.resolve();
    expect(await second).toBe("answer 2");
  });

  it("waits a moment for as many as there were before, and for a lone one's like not at all", async () => {
    const { gather, rounds } = gathering();
    const answered = async (...asks: number[]) => {
      const answers = asks.map((ask) => gather.ask(ask));
      await vi.waitFor(() => expect(rounds.at(-1)?.asks.at(-1)).toBe(asks.at(-1)), { interval: 1 });
      rounds.at(-1)?.end.resolve();
      await answers.at(-1);
    };
    const first = gather.ask(1);
    const others = [2, 3].map((ask) => gather.ask(ask));
    rounds[0]?.end.resolve();
    await first;
    await answered(4);
    await Promise.all(others);
    const early = gather.ask(5);
    await answered(6, 7);
    await early;
    await answered(8);
    await answered(9);
    expect(rounds.map(({ asks }) => asks)).toEqual([[1], [2, 3, 4], [5, 6, 7], [8], [9]]);
  });

  it("does not wait for an answer that takes longer than the rest", async () => {
    const slow = Promise.withResolvers<string>();
    const gather = new Gather<string, string>(async (asks) =>
      asks.map((ask) => (ask === "slow" ? slow.promise : ask)),
    );
    const late = gather.ask("slow");
    expect(await gather.ask("quick")).toBe("quick");
    slow.resolve("late");
    expect(await late).toBe("late");
  });
});
