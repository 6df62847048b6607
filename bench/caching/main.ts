/**
 * Every number of docs/caching.md, from nothing but the repository: tunes all policies, runs them on the test prompts,
 * takes MixCache apart, and writes the tables into the page. It may be stopped and goes on where it was.
 *
 *     npm run bench:caching                          # 64 prompts × 2 seeds
 *     npm run bench:caching -- --count 8 --seeds 0   # a look
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  CONTESTANTS_FORMAT,
  type ContestantsFile,
  type Report,
  readContestants,
} from "../../src/lab/index.ts";
import { ablations, TARGETS, TUNED, withAssistance } from "./contestants.ts";
import { ablationTable, ownTable, speedTable } from "./table.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "64" },
    seeds: { type: "string", default: "0,1" },
    "tuning-count": { type: "string", default: "8" },
    trials: { type: "string", default: "12" },
    output: { type: "string", default: "reports/caching" },
    /** Where the tables go. */
    page: { type: "string", default: "docs/caching.md" },
  },
});

const { output, count, seeds, page } = values;
const folder = (name: string) => path.join(output, name);
mkdirSync(output, { recursive: true });

const tuned = path.join(folder("tuning"), "contestants.json");
if (!existsSync(tuned)) {
  const tuning = ["--policies", TUNED, "--targets", TARGETS.join(","), "--trials", values.trials];
  mixcache("bench", "tune", ...tuning, "--count", values["tuning-count"], "--output", folder("tuning"));
}
const found = readContestants(JSON.parse(readFileSync(tuned, "utf8")), tuned);
const comparison = run("comparison", {
  ...found,
  contestants: [...found.contestants, ...withAssistance(found)],
});
const ablation = run("ablation", {
  format: CONTESTANTS_FORMAT,
  contestants: [...ablations()],
  unreachable: [],
  trials: [],
});
writeTables();

/** An experiment on the test prompts, and its report. */
function run(name: string, contestants: ContestantsFile): Report {
  const file = `${folder(name)}.contestants.json`;
  writeFileSync(file, `${JSON.stringify(contestants, null, 2)}\n`);
  const sample = ["--prompts", "test", "--count", count, "--seeds", seeds];
  mixcache("bench", "--contestants", file, ...sample, "--output", folder(name));
  mixcache("bench", "report", folder(name), "--archive");
  return JSON.parse(readFileSync(path.join(folder(name), "report.json"), "utf8")) as Report;
}

function mixcache(...args: readonly string[]): void {
  execFileSync(process.execPath, ["src/cli/main.ts", ...args], { stdio: "inherit" });
}

/** Between the marks of the page; everything else is written by hand. */
function writeTables(): void {
  const { prompts, made, engine } = comparison;
  const videos = `${prompts.count} test prompts × ${prompts.seeds.length} seeds, ${comparison.num_inference_steps} steps`;
  const tables = [
    `${videos}, made ${made.at.slice(0, 10)} at ${made.commit ?? "an unknown commit"} on ${engine.machine}. Δ is MixCache less the rival, with the 95 % interval over prompts; bold where it excludes zero.`,
    ...TARGETS.map((target) => `### ${target}×\n\n${speedTable(comparison, target)}`),
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
