/**
 * Every number of docs/caching.md, from nothing but the repository: tunes all policies, runs them on the test prompts,
 * takes MixCache apart, and writes the tables into the page. It may be stopped and goes on where it was.
 *
 *     npm run bench:caching                          # 64 prompts × 2 seeds
 *     npm run bench:caching -- --count 8 --seeds 0   # a look
 *
 * After a change of the engine that is known to change no result, `--engine-version` keeps those that are there; it is
 * in `experiment.json`.
 *
 * Every core gets a process of its own with one thread: two videos at a time on one core each are done sooner than two
 * in a row on both. A prompt's videos are made in one process, so that their times can be compared.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  CONTESTANTS_FORMAT,
  type ContestantsFile,
  type Report,
  readContestants,
} from "../../src/lab/index.ts";
import { ablations, atRivalsSpeeds, TARGETS, TUNED, withAssistance } from "./contestants.ts";
import { ablationTable, elsewhereTable, ownTable, speedTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "64" },
    seeds: { type: "string", default: "0,1" },
    "tuning-count": { type: "string", default: "8" },
    trials: { type: "string", default: "9" },
    processes: { type: "string", default: String(availableParallelism()) },
    output: { type: "string", default: "reports/caching" },
    "engine-version": { type: "string" },
    /** Where the tables go. */
    page: { type: "string", default: "docs/caching.md" },
  },
});

const { output, count, seeds, page } = values;
const parts = Array.from({ length: Number(values.processes) }, (_, part) => part);
const folder = (name: string) => path.join(output, name);
mkdirSync(output, { recursive: true });

const found = await tuned();
const contestants = [...found.contestants, ...withAssistance(found)];
const atTargets = await run("comparison", { ...found, contestants });
const comparison = await run("comparison", {
  ...found,
  contestants: [...contestants, ...atRivalsSpeeds(atTargets)],
});
const ablation = await run("ablation", {
  format: CONTESTANTS_FORMAT,
  contestants: [...ablations()],
  unreachable: [],
  trials: [],
});
writeTables();

/** The contestants; every process tunes some of the policies. */
async function tuned(): Promise<ContestantsFile> {
  const files = parts.map((part) => path.join(folder(`tuning-${part + 1}`), "contestants.json"));
  const tuning = [
    "--targets",
    TARGETS.join(","),
    "--trials",
    values.trials,
    "--count",
    values["tuning-count"],
  ];
  await together((part) => {
    const policies = TUNED.filter((_, i) => i % parts.length === part).join(",");
    const output = path.dirname(files[part] ?? "");
    return existsSync(files[part] ?? "") || policies === ""
      ? undefined
      : ["tune", "--policies", policies, ...tuning, "--output", output];
  });
  const found = files
    .filter((file) => existsSync(file))
    .map((file) => readContestants(JSON.parse(readFileSync(file, "utf8")), file));
  return {
    format: CONTESTANTS_FORMAT,
    contestants: found.flatMap(({ contestants }) => contestants),
    unreachable: found.flatMap(({ unreachable }) => unreachable),
    trials: found.flatMap(({ trials }) => trials),
  };
}

/** An experiment on the test prompts, and its report. */
async function run(name: string, contestants: ContestantsFile): Promise<Report> {
  const file = `${folder(name)}.contestants.json`;
  writeFileSync(file, `${JSON.stringify(contestants, null, 2)}\n`);
  const version = values["engine-version"];
  const sample = [
    ...["--prompts", "test", "--count", count, "--seeds", seeds],
    ...(version === undefined ? [] : ["--engine-version", version]),
  ];
  await together((part) => [
    ...["--contestants", file, ...sample, "--shard", `${part + 1}/${parts.length}`],
    ...["--output", folder(name)],
  ]);
  await mixcache("bench", "report", folder(name), "--archive");
  return JSON.parse(readFileSync(path.join(folder(name), "report.json"), "utf8")) as Report;
}

/** `mixcache bench` in every process with these arguments; where there are none, there is nothing to do. */
async function together(argsOf: (part: number) => readonly string[] | undefined): Promise<void> {
  const all = parts.map(argsOf).filter((args) => args !== undefined);
  await Promise.all(all.map((args) => mixcache("bench", ...args, "--threads", "1")));
}

/** @throws Error where it does not end well */
async function mixcache(...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, ["src/cli/main.ts", ...args], { stdio: "inherit" });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`mixcache ${args.join(" ")} ended with ${code}.`);
}

/** Between the marks of the page; everything else is written by hand. */
function writeTables(): void {
  const { prompts, made, engine } = comparison;
  const videos = `${prompts.count} test prompts × ${prompts.seeds.length} seeds, ${comparison.num_inference_steps} steps`;
  const tables = [
    `${videos}, made ${made.at.slice(0, 10)} at ${made.commit ?? "an unknown commit"} on ${engine.machine}. Δ is MixCache less the rival, with the 95 % interval over prompts; bold where it excludes zero.`,
    ...TARGETS.map((target) => `### ${target}×\n\n${speedTable(comparison, target)}`),
    `### At rivals' own speeds\n\n${elsewhereTable(comparison)}`,
    `### What MixCache keeps and costs\n\n${ownTable(comparison)}`,
    `### Ablation\n\n${ablationTable(ablation)}`,
  ].join("\n\n");
  const text = readFileSync(page, "utf8");
  const [before, rest] = split(text, "<!-- tables: npm run bench:caching -->");
  const [, after] = split(rest, "<!-- /tables -->");
  writeFileSync(
    page,
    `${before}<!-- tables: npm run bench:caching -->\n\n${tables}\n\n<!-- /tables -->${after}`,
  );
}

function split(text: string, mark: string): [string, string] {
  const at = text.indexOf(mark);
  if (at < 0) throw new Error(`${page} has no ${mark}.`);
  return [text.slice(0, at), text.slice(at + mark.length)];
}
