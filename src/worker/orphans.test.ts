import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { KeptFiles } from "../jobs/index.ts";
import { FolderStore } from "../storage/index.ts";
import { sweepOrphans } from "./orphans.ts";

const DAY_MS = 86_400_000;

let folder: string;
let store: FolderStore;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mixcache-orphans-"));
  store = await FolderStore.open({ folder, publicUrl: "http://localhost" });
});
afterEach(() => rm(folder, { recursive: true }));

const put = async (...keys: string[]) => {
  for (const key of keys) await store.put(key, new Uint8Array(10));
};
const present = async () => (await store.list("")).objects.map(({ key }) => key);

/** The sweep so many days from now, over rows that keep these files. */
const sweep = (days: number, rows: Record<string, KeptFiles>, more: object = {}) =>
  sweepOrphans({
    jobs: {
      keptFiles: async (ids) => new Map(ids.flatMap((id) => (rows[id] ? [[id, rows[id]] as const] : []))),
    },
    store,
    windowDays: 30,
    nowMs: Date.now() + days * DAY_MS,
    ...more,
  });

it("keeps what a row has and everything of videos that live, whatever its age; other rooms' files it never looks at", async () => {
  await put(
    "videos/done/1/video.mp4",
    "videos/done/2/video.mp4",
    "videos/live/1/video.mp4",
    "videos/gone/1/a.mp4",
  );
  await put("profiles/x.json", "installation.json");
  const rows = { done: new Set(["videos/done/2/video.mp4"]), live: "all" as const };
  expect(await sweep(31, rows, { force: true })).toEqual({
    files: 4,
    orphans: 2,
    young: 0,
    deleted: 2,
    deletedBytes: 20,
    left: 0,
  });
  expect(await present()).toEqual([
    "installation.json",
    "profiles/x.json",
    "videos/done/2/video.mp4",
    "videos/live/1/video.mp4",
  ]);
});

it("touches nothing that is younger than the window, forced or not", async () => {
  await put("videos/gone/1/video.mp4");
  expect(await sweep(29, {}, { force: true })).toMatchObject({ orphans: 1, young: 1, deleted: 0 });
  expect(await present()).toHaveLength(1);
});

it("deletes one file in a hundred at most, unless it is forced", async () => {
  const keys = Array.from({ length: 250 }, (_, at) => `videos/v${at}/1/video.mp4`);
  await put(...keys);
  expect(await sweep(31, {})).toMatchObject({ files: 250, deleted: 2, left: 248 });
  expect(await present()).toHaveLength(248);
  expect(await sweep(31, {}, { force: true })).toMatchObject({ deleted: 248, left: 0 });
});

it("a dry run says which, and deletes none", async () => {
  await put("videos/gone/1/video.mp4", "videos/kept/1/video.mp4");
  const said: string[] = [];
  const options = { dryRun: true, force: true, onOrphan: (key: string) => said.push(key) };
  const swept = await sweep(31, { kept: new Set(["videos/kept/1/video.mp4"]) }, options);
  expect(swept).toMatchObject({ deleted: 1, deletedBytes: 10 });
  expect(said).toEqual(["videos/gone/1/video.mp4"]);
  expect(await present()).toHaveLength(2);
});
