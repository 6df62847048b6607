import { describe, expect, it } from "vitest";
import { ManualTimers } from "../../test/support/manual-timers.ts";
import type { Database } from "./database-contract.ts";
import type { Standing } from "./event-contract.ts";
import { Watchers } from "./watchers.ts";

/** Watchers over a table that tests write, on a clock that stands still. */
function watchers() {
  const timers = new ManualTimers();
  const table = new Map<string, number>();
  const looks: string[][] = [];
  const state = { away: false, notify: (_: string) => {}, ended: 0 };
  const database = {
    query: async (_: string, [ids]: [string[]]) => {
      looks.push(ids);
      if (state.away) throw new Error("connection refused");
      return ids.flatMap((id) => {
        const last_event = table.get(id);
        return last_event === undefined
          ? []
          : [{ id, status: "queued", last_event, attempt: 0, progress: 0, progress_detail: null }];
      });
    },
    listen: async (_: string, onMessage: (payload: string) => void) => {
      state.notify = onMessage;
      return async () => {
        state.ended++;
      };
    },
  } as unknown as Database;
  const all = new Watchers(database, timers.wait.bind(timers));
  const seen = (id: string) => {
    const told: (number | undefined)[] = [];
    const stop = all.watch(id, (standing: Standing | undefined) => void told.push(standing?.lastEvent));
    return { told, stop };
  };
  return { all, timers, table, looks, state, seen };
}

describe("watchers", () => {
  it("share one look at everything that is watched, twice a second, and none where nothing is", async () => {
    const { timers, table, looks, seen } = watchers();
    table.set("a", 1).set("b", 1);
    const [a, again, b] = [seen("a"), seen("a"), seen("b")];
    await timers.advance(1000);
    expect(looks.at(-1)).toEqual(["a", "b"]);
    expect(looks.length).toBeLessThanOrEqual(4);
    for (const { stop } of [a, again, b]) stop();
    await timers.advance(500);
    const before = looks.length;
    await timers.advance(10_000);
    expect(looks).toHaveLength(before);
    const later = seen("b");
    await timers.advance(500);
    expect(later.told).toEqual([1]);
  });

  it("tell of every change once, and the newcomer how things stand", async () => {
    const { timers, table, seen } = watchers();
    table.set("a", 1);
    const first = seen("a");
    await timers.advance(2000);
    expect(first.told).toEqual([1]);
    table.set("a", 2);
    await timers.advance(2000);
    expect(first.told).toEqual([1, 2]);
    const second = seen("a");
    await timers.advance(500);
    expect(second.told).toEqual([2]);
    table.delete("a");
    await timers.advance(500);
    expect(second.told).toEqual([2, undefined]);
  });

  it("hear a notification at once, of what is watched only", async () => {
    const { timers, table, looks, state, seen } = watchers();
    table.set("a", 1);
    const { told } = seen("a");
    await timers.advance(500);
    table.set("a", 2);
    const before = looks.length;
    state.notify("b");
    state.notify("a");
    await timers.advance(0);
    expect(looks.slice(before)).toEqual([["a"]]);
    expect(told).toEqual([1, 2]);
  });

  it("find by looking what a lost notification would have told, and bear a database that is away", async () => {
    const { timers, table, state, seen } = watchers();
    table.set("a", 1);
    const { told } = seen("a");
    await timers.advance(500);
    state.away = true;
    table.set("a", 5);
    await timers.advance(5000);
    state.away = false;
    await timers.advance(500);
    expect(told).toEqual([1, 5]);
  });

  it("call nobody after they are closed", async () => {
    const { all, timers, table, state, seen } = watchers();
    table.set("a", 1);
    const { told } = seen("a");
    await timers.advance(500);
    await all.close();
    table.set("a", 2);
    state.notify("a");
    await timers.advance(5000);
    expect(told).toEqual([1]);
    expect(state.ended).toBe(1);
  });
});
