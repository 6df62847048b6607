import { rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ManualTimers } from "../../../test/support/manual-timers.ts";
import type { FolderStore, ObjectStore } from "../../storage/index.ts";
import { observedObject } from "./fetched-profiles.ts";
import { mergeObservations, type Observations, readObservations, writeObservations } from "./observations.ts";
import { ObservedProfiles, type ObservedProfilesOptions } from "./observed-profiles.ts";
import { openFolderStore, profileOf, readableLog, seenAt, UNREACHABLE } from "./testing.ts";

const { key } = profileOf(8);

let store: FolderStore;
let heard: ReturnType<typeof readableLog>;
let timing: ManualTimers;
beforeEach(async () => {
  store = await openFolderStore();
  heard = readableLog();
  timing = new ManualTimers();
});
afterEach(() => rm(store.folder, { recursive: true }));

/** Time that stands still, but for those who wait to try again. */
const waiting = { nowMs: () => 0, wait: (ms: number) => wait(ms) };
const open = (more: Partial<ObservedProfilesOptions> = {}) =>
  new ObservedProfiles({ store, timing: waiting, log: heard.log, random: Math.random, ...more });

async function stored(): Promise<Observations | undefined> {
  const object = await store.get(observedObject(key));
  return object && readObservations(await new Response(object.body).text(), "it");
}

it("ten workers that write at once lose nothing: every video of every one of them is in the sum", async () => {
  const seen = Array.from({ length: 10 }, (_, worker) =>
    Array.from({ length: 5 }, (_, video) => seenAt(2 + ((worker + video) % 6), -8 - (worker % 4))),
  );
  await Promise.all(
    seen.map(async (videos) => {
      const writer = open({ store: await openFolderStore(store.folder) });
      for (const one of videos) {
        writer.add(one);
        await writer.flush();
      }
    }),
  );
  const sum = await stored();
  expect(sum).toEqual(seen.flat().reduce(mergeObservations));
  expect(sum?.runs).toBe(50);
  expect(heard.lines).toEqual([]);
});

it("the one who was slower reads anew and adds to what the quicker one wrote", async () => {
  let interfered = false;
  const slow: Pick<ObjectStore, "get" | "putIf" | "putIfAbsent"> = {
    get: (name) => store.get(name),
    putIfAbsent: async (...given) => {
      if (!interfered) {
        interfered = true;
        await store.put(observedObject(key), writeObservations(seenAt(3, -8)));
      }
      return store.putIfAbsent(...given);
    },
    putIf: (...given) => store.putIf(...given),
  };
  const writer = open({ store: slow });
  writer.add(seenAt(3, -8));
  await writer.flush();
  expect((await stored())?.deviations).toEqual({ 1: { 3: { "-8": 2 } } });
});

it("what a store doesn't take is kept and goes with what comes next", async () => {
  let isUp = false;
  const wobbly = new Proxy(store, {
    get: (target, name) => Reflect.get(isUp ? target : UNREACHABLE, name).bind(target),
  });
  const writer = open({ store: wobbly, timing });
  writer.add(seenAt(3, -8));
  await writer.flush();
  expect(await stored()).toBeUndefined();
  isUp = true;
  writer.add(seenAt(4, -8));
  await writer.flush();
  expect(await stored()).toEqual(mergeObservations(seenAt(3, -8), seenAt(4, -8)));
  expect(heard.lines).toHaveLength(1);
});

it("a process writes a settings' sums once a minute at most, and the rest when it ends", async () => {
  const sums: number[] = [];
  const counting: Pick<ObjectStore, "get" | "putIf" | "putIfAbsent"> = {
    get: (name) => store.get(name),
    putIf: async (...given) => {
      const written = await store.putIf(...given);
      sums.push((await stored())?.runs ?? 0);
      return written;
    },
    putIfAbsent: (...given) => store.putIfAbsent(...given),
  };
  const writer = open({ store: counting, timing });
  writer.add(seenAt(3, -8));
  await writer.flush();
  for (let video = 1; video < 100; video++) {
    await timing.advance(1000);
    writer.add(seenAt(3, -8));
  }
  await writer.flush();
  expect(sums.length).toBeLessThanOrEqual(2);
  expect(sums.at(-1)).toBe(100);
});

it("what lies there and is no sum is replaced, with a line", async () => {
  await store.put(observedObject(key), new TextEncoder().encode('{"format":'));
  const writer = open();
  writer.add(seenAt(3, -8));
  await writer.flush();
  expect(await stored()).toEqual(seenAt(3, -8));
  expect(heard.lines).toHaveLength(1);
});
