/**
 *     npm run bench:cold [-- --times 5] [--quick]
 *
 * From the start of a container to its first step: with the model in its image, with the model in this machine's cache,
 * and with nothing at all, all of it in a store; medians, in turns. Then two cold containers, of which the second starts
 * from what the first left in the store. The store is a folder, or the bucket of S3_BUCKET where that is set.
 */

import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { quantile } from "../../src/engine/metrics/statistics.ts";
import { EMBEDDED_BUNDLE } from "../../src/node/index.ts";
import type { Told } from "./protocol.ts";

const { values } = parseArgs({
  options: { times: { type: "string" }, quick: { type: "boolean", default: false } },
});
const TIMES = Number(values.times ?? (values.quick ? 1 : 5));
/** Settings that no profile comes along for. */
const STEPS = 12;

const say = (line: string) => process.stdout.write(`${line}\n`);
const folder = mkdtempSync(path.join(tmpdir(), "mixcache-bench-cold-"));
const bucket = process.env.S3_BUCKET;
/** Every run has a place of its own in a bucket that others use too. */
const run = path.basename(folder);
const place =
  bucket === undefined ? pathToFileURL(path.join(folder, "models")).href : `s3://${bucket}/${run}/models`;

type Env = Readonly<Record<string, string>>;

/** Settings of a container whose caches are in this folder. */
function settings(caches: string, more: Env = {}): Env {
  return {
    ...(process.env as Env),
    DATA_DIR: path.join(folder, "data"),
    XDG_CACHE_HOME: path.join(folder, caches, "cache"),
    XDG_DATA_HOME: path.join(folder, caches, "share"),
    PORT: "0",
    LOG_LEVEL: "error",
    ...(bucket !== undefined && { S3_PREFIX: `${run}/` }),
    ...more,
  };
}

const MAIN = path.join(import.meta.dirname, "../../src/cli/main.ts");
const mixcache = (env: Env, ...args: readonly string[]) =>
  execFileSync(process.execPath, [MAIN, ...args], {
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });

interface Figures {
  readonly readyMs: number;
  readonly fetchedMs: number;
  readonly firstStepMs: number;
  readonly profile: string | null;
}

let key = "";

/** One container from its start until its video is made. */
async function container(env: Env, steps = 20): Promise<Figures> {
  const startedMs = Date.now();
  const child = fork(path.join(import.meta.dirname, "container.ts"), [key, String(steps)], { env });
  const ended = once(child, "exit");
  let [readyMs, fetchedMs, firstStepMs] = [0, 0, 0];
  const made = new Promise<string | null>((resolve, reject) => {
    ended.then(([code]) => reject(new Error(`A container ended with exit code ${code}.`)));
    child.on("message", (told: Told) => {
      if (told.type === "ready") {
        readyMs = told.atMs - startedMs;
        ({ fetchedMs } = told);
        ({ key } = told);
      } else if (told.type === "first_step") firstStepMs = told.atMs - startedMs;
      else resolve(told.profile);
    });
  });
  const profile = await made;
  child.send("stop");
  await ended;
  return { readyMs, fetchedMs, firstStepMs, profile };
}

const median = (list: readonly number[]) => quantile(list, 0.5);
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`.padStart(10);

/** Fresh caches for each cold container. */
let colds = 0;
const cold = (more: Env) => settings(`cold-${colds++}`, more);

async function starts(bundle: string): Promise<void> {
  const kinds: readonly (readonly [string, () => Env])[] = [
    ["in the image", () => cold({ BUNDLE: EMBEDDED_BUNDLE })],
    ["in the local cache", () => settings("warm", { BUNDLE: bundle })],
    ["nowhere but in the store", () => cold({ BUNDLE: bundle })],
  ];
  // The database and the warm cache are made by starts that are not counted.
  await container(settings("warm", { BUNDLE: bundle }));
  const all = new Map<string, Figures[]>(kinds.map(([name]) => [name, []]));
  for (let time = 0; time < TIMES; time++)
    for (const [name, env] of kinds) all.get(name)?.push(await container(env()));
  say(`Median of ${TIMES}. The store: ${place}`);
  say(`${"the model is".padEnd(26)}   fetching  start→ready   →first step   together`);
  for (const [name, figures] of all) {
    const of = (value: (one: Figures) => number) => seconds(median(figures.map(value)));
    say(
      `${name.padEnd(26)} ${of((one) => one.fetchedMs)}   ${of((one) => one.readyMs)}    ${of(
        (one) => one.firstStepMs - one.readyMs,
      )} ${of((one) => one.firstStepMs)}`,
    );
  }
}

function must(isSo: boolean, sentence: string): void {
  if (!isSo) throw new Error(sentence);
}

/** Two cold containers: what the first leaves, the second has. */
async function sharing(bundle: string): Promise<void> {
  say("");
  const env = { BUNDLE: bundle, PROFILE_WRITEBACK: "1" };
  const before = await container(cold({ BUNDLE: bundle }), STEPS);
  must(before.profile === null, "There was a profile before there can be one.");
  say(
    `A cold container, before:    no profile for ${STEPS} steps; MixCache calibrates itself in every video`,
  );
  const first = cold(env);
  const file = path.join(folder, "profile.json");
  mixcache(
    first,
    "calibrate",
    "--quick",
    "--count",
    "2",
    "--lags",
    "4",
    "--steps",
    String(STEPS),
    "-o",
    file,
  );
  mixcache(first, "profile", "push", file);
  const one = await container(first, STEPS);
  must(one.profile !== null, "The first container did not find what it had pushed.");
  say(`The first, calibrated:       profile ${one.profile?.slice(0, 12)} pushed, one video made with it`);
  const plain = await container(cold({ BUNDLE: bundle }), STEPS);
  must(plain.profile === one.profile, "The second container did not find the first one's profile.");
  say(`The second, cold:            profile ${plain.profile?.slice(0, 12)}, the first one's`);
  const two = await container(cold(env), STEPS);
  must(two.profile !== null && two.profile !== one.profile, "The second container learned nothing.");
  say(
    `The same, PROFILE_WRITEBACK: profile ${two.profile?.slice(0, 12)}, the first one's and what its video showed`,
  );
  say(mixcache(first, "profile", "list").trimEnd());
  mixcache(first, "profile", "pull", "--digest", two.profile ?? "", "-o", path.join(folder, "used.json"));
}

try {
  const bundle = mixcache(settings("warm"), "bundle", "push", EMBEDDED_BUNDLE, place).trim();
  await starts(bundle);
  await sharing(bundle);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
