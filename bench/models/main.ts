/**
 * Seconds per step of a mid-size Wan with random weights: our engine on ONNX Runtime (each variant of the bundle) and
 * on the torch worker, and diffusers' pipeline, in turn in one run, with the same number of threads.
 *
 *     npm run bench:models -- [--quick] [--threads 2] [--rounds 5] [--steps 3] [--only int8,torch] [--work folder] [--json file]
 *
 * `--work` keeps weights and bundle in a folder and uses them again. It measures and reports; a missed goal is no failure.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { EnvironmentError, preparePython, pythonEnvironment } from "../../scripts/python/environment.ts";
import { messageOf } from "../../src/errors.ts";
import { describeMachine, loadNow, machine } from "../engine/machine.ts";
import { type Contestant, type Errors, errorsOf, type Job, type Timing, type Video } from "./contestant.ts";
import { openContestants } from "./field.ts";
import { makeBundle, type Size } from "./prepare.ts";
import { markdown, rowOf } from "./table.ts";

const PROMPT = { prompt: "a red circle moves left on a blue background", negative_prompt: "cat" };
/** Half a billion weights would be real; this is what two cores do in minutes. 1,280 tokens. */
const FULL: Size & Job = {
  ...{ heads: 8, headDim: 64, layers: 12, ffn: 2048, cuts: "0,2,10,12", textTokens: 512 },
  variants: "portable,fp16,int8,int8_dynamic",
  ...{ ...PROMPT, width: 256, height: 256, frames: 17, steps: 3, guidance: 5, seed: 7 },
};
/** Proves that everything runs; no figures to quote. 96 tokens. */
const QUICK: Size & Job = {
  ...{ heads: 4, headDim: 32, layers: 4, ffn: 256, cuts: "0,1,4", textTokens: 32 },
  variants: "int8",
  ...{ ...PROMPT, width: 128, height: 96, frames: 5, steps: 2, guidance: 5, seed: 7 },
};
/** Worker threads that spin after their work would slow down whoever comes next. */
const PAUSE_MS = 300;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      threads: { type: "string", default: String(Math.min(2, availableParallelism())) },
      rounds: { type: "string" },
      steps: { type: "string" },
      only: { type: "string" },
      work: { type: "string" },
      json: { type: "string" },
    },
  });
  const chosen = values.quick ? QUICK : FULL;
  const job = { ...chosen, steps: Number(values.steps ?? chosen.steps) };
  const threads = Number(values.threads);
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  const load = loadNow();
  const python = (await preparePython()).command;
  const work = values.work ?? (await mkdtemp(path.join(tmpdir(), "mixcache-bench-models-")));
  let contestants: Contestant[] = [];
  try {
    const made = await makeBundle(python, path.resolve(work), job);
    const setup = { python, env: pythonEnvironment(), ...made, threads, work, textTokens: job.textTokens };
    const field = await openContestants(setup, values.only?.split(","));
    contestants = field.contestants;
    const rows = (await race(contestants, job, rounds)).map((entry, _, all) =>
      rowOf(entry, all.at(-1)?.timings ?? [], job),
    );
    const facts = { ...machine(load), threads, ...field.about };
    const tokens = ((job.frames - 1) / 4 + 1) * (job.width / 16) * (job.height / 16);
    process.stdout.write(
      `${describeMachine(facts)}\n${field.about.diffusers}, ${threads} threads each, ${rounds} rounds in turn\n` +
        `${values.quick ? "quick: proves that it runs, no figures to quote\n" : ""}` +
        `Wan with ${job.layers} layers of ${job.heads * job.headDim} channels, ${tokens} tokens, ${job.steps} steps with guidance\n\n` +
        `${markdown(rows)}\n`,
    );
    if (values.json !== undefined)
      await writeFile(
        values.json,
        `${JSON.stringify({ machine: facts, job, rounds, tokens, rows }, null, 2)}\n`,
      );
  } finally {
    for (const contestant of contestants) await contestant.dispose();
    if (values.work === undefined) await rm(work, { recursive: true, force: true });
  }
}

/** One video each to warm up and to compare, then rounds in which everybody's turn comes at another place. */
async function race(
  contestants: readonly Contestant[],
  job: Job,
  rounds: number,
): Promise<{ name: string; timings: Timing[]; errors: Errors }[]> {
  const first: Video[] = [];
  for (const contestant of contestants) first.push(await turn(contestant, job, "warm-up"));
  const reference = first.at(-1);
  const entries = contestants.map(({ name }, i) => {
    const video = first[i];
    if (!video || !reference) throw new Error(`${name} made no video`);
    const errors = errorsOf(video, reference);
    process.stderr.write(`${name}: relative error ${errors.relative.toExponential(1)}\n`);
    return { name, timings: [] as Timing[], errors };
  });
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < contestants.length; place++) {
      const index = (place + round) % contestants.length;
      const contestant = contestants[index];
      if (contestant) entries[index]?.timings.push(await turn(contestant, job, `round ${round + 1}`));
    }
  }
  return entries;
}

async function turn(contestant: Contestant, job: Job, what: string): Promise<Video> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  const video = await contestant.generate(job);
  const perStep = (ms: number) => (ms / 1000 / job.steps).toFixed(2);
  const cpu = video.cpuMs === undefined ? "" : `, ${perStep(video.cpuMs)} s of CPU`;
  process.stderr.write(`${what}: ${contestant.name}: ${perStep(video.denoiseMs)} s a step${cpu}\n`);
  return video;
}

try {
  await main();
} catch (error) {
  const told = error instanceof EnvironmentError ? error.message : messageOf(error);
  process.stderr.write(`bench:models: ${told}\n`);
  process.exitCode = 1;
}
