import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ManualTimers } from "../../../test/support/manual-timers.ts";
import type { FolderStore } from "../../storage/index.ts";
import { embeddingFile } from "../embedding-cache.ts";
import {
  embeddingObject,
  NegativeEmbeddings,
  type NegativeEmbeddingsOptions,
} from "./negative-embeddings.ts";
import { BUNDLE, openFolderStore, readableLog, UNREACHABLE } from "./testing.ts";

const OF = { bundle: BUNDLE, name: "12".repeat(32) };
const BYTES = new TextEncoder().encode("embeddings");

let store: FolderStore;
let folder: string;
let timing: ManualTimers;
let heard: ReturnType<typeof readableLog>;
beforeEach(async () => {
  store = await openFolderStore();
  folder = path.join(store.folder, "local");
  await mkdir(folder);
  await writeFile(embeddingFile(folder, OF.name), BYTES);
  timing = new ManualTimers();
  heard = readableLog();
});
afterEach(() => rm(store.folder, { recursive: true }));

const open = (more: Partial<NegativeEmbeddingsOptions> = {}) =>
  new NegativeEmbeddings({ store, folder, writeBack: true, timing, log: heard.log, ...more });

/** A video of this account that used it. */
function video(negatives: NegativeEmbeddings, account: string, isDefault = false): void {
  negatives.begin(account, isDefault);
  negatives.used(OF);
}

const isShared = async (negatives: NegativeEmbeddings) => {
  await negatives.flush();
  return (await store.head(embeddingObject(OF))) !== undefined;
};

describe("the store gets", () => {
  it("the model's own negative prompt at once", async () => {
    const negatives = open();
    video(negatives, "a", true);
    expect(await isShared(negatives)).toBe(true);
    expect(Buffer.from((await open().get(OF)) ?? [])).toEqual(Buffer.from(BYTES));
  });

  it("another one when it is used by two accounts and in five videos, not before", async () => {
    const negatives = open();
    for (const account of ["a", "a", "b", "a"]) video(negatives, account);
    expect(await isShared(negatives)).toBe(false);
    video(negatives, "a");
    expect(await isShared(negatives)).toBe(true);
  });

  it("nothing that one account alone writes, however often", async () => {
    const negatives = open();
    for (let times = 0; times < 100; times++) video(negatives, "a");
    expect(await isShared(negatives)).toBe(false);
  });

  it("nothing of what is made before the first video, and nothing where write-back is off", async () => {
    const warming = open();
    for (let times = 0; times < 10; times++) warming.used(OF);
    expect(await isShared(warming)).toBe(false);
    const off = open({ writeBack: false });
    video(off, "a", true);
    expect(await isShared(off)).toBe(false);
  });
});

describe("a store that fails", () => {
  it("is left alone for a minute, and costs one line each time", async () => {
    let asked = 0;
    const get = () => {
      asked++;
      return UNREACHABLE.get("");
    };
    const negatives = open({ store: { ...UNREACHABLE, get } });
    for (let times = 0; times < 5; times++) expect(await negatives.get(OF)).toBeUndefined();
    expect(asked).toBe(1);
    expect(heard.lines).toHaveLength(1);
    await timing.advance(60_000);
    await negatives.get(OF);
    expect(asked).toBe(2);
  });

  it("is waited for two seconds", async () => {
    const negatives = open({ store: { ...UNREACHABLE, get: () => new Promise<never>(() => {}) } });
    const answer = negatives.get(OF);
    await timing.advance(2000);
    expect(await answer).toBeUndefined();
  });

  it("gets it with the next video instead", async () => {
    let isUp = false;
    const wobbly = new Proxy(store, {
      get: (target, name) => Reflect.get(isUp ? target : UNREACHABLE, name).bind(target),
    });
    const negatives = open({ store: wobbly });
    video(negatives, "a", true);
    expect(await isShared(negatives)).toBe(false);
    isUp = true;
    video(negatives, "a", true);
    expect(await isShared(negatives)).toBe(true);
  });
});
