/** The videos side by side, and what was decided in each step: for the worst prompts, as many as fit. */

import type { Cell, Cells } from "../cells.ts";
import { computedSpeedup } from "../cells.ts";
import { REFERENCE } from "../contestants.ts";
import type { Plan } from "../plan.ts";
import type { Report } from "../report.ts";
import type { Steps } from "../result.ts";
import { stripLength } from "../sheet.ts";
import type { Store } from "../store.ts";

/** One video, its numbers and its decisions. */
export interface StageVideo {
  readonly label: string;
  readonly focus: boolean;
  readonly target: number | null;
  readonly psnr: number | null;
  readonly speedup: number;
  /** WebP strip of frames, base64. */
  readonly strip: string;
  readonly mode: readonly string[];
  readonly cost: readonly number[];
  readonly margin: Steps["margin"];
  readonly deviation: Steps["deviation"];
}

export interface StagePrompt {
  readonly prompt: string;
  readonly seed: number;
  /** The uncached one first. */
  readonly videos: readonly StageVideo[];
}

/** What the page's script gets. */
export interface Stage {
  readonly fps: number;
  readonly frames: number;
  readonly prompts: readonly StagePrompt[];
}

/** So that the page stays below 10 MB with everything else. */
const MOST_BYTES = 7e6;
const MOST_PROMPTS = 12;
/** A strip of every n-th frame plays as fast as the video. */
const secondsOf = (frames: number, fps: number) => frames / fps;

export async function stageOf(plan: Plan, report: Report, cells: Cells, store: Store): Promise<Stage> {
  const prompts: StagePrompt[] = [];
  let bytes = 0;
  for (const { prompt } of report.by_prompt.slice(0, MOST_PROMPTS)) {
    const found = await stagePrompt(plan, report, cells, store, prompt);
    bytes += JSON.stringify(found ?? null).length;
    if (bytes > MOST_BYTES) break;
    if (found) prompts.push(found);
  }
  const count = [...cells.values()].flat()[0]?.result.key.num_frames ?? 1;
  const frames = stripLength(count);
  return { fps: frames / secondsOf(count, plan.bundle.fps), frames, prompts };
}

/** The prompt with the seed on which the focus, or everyone, was worst. */
async function stagePrompt(
  plan: Plan,
  report: Report,
  cells: Cells,
  store: Store,
  prompt: string,
): Promise<StagePrompt | undefined> {
  const judged = report.rows.filter(({ family }) => family === report.focus).map(({ label }) => label);
  const labels = judged.length > 0 ? judged : [...cells.keys()];
  const candidates = labels
    .flatMap((label) => cells.get(label) ?? [])
    .filter(({ group }) => group.prompt === prompt);
  const worst = candidates.sort((a, b) => psnrOf(a) - psnrOf(b))[0];
  if (!worst) return undefined;
  const videos: StageVideo[] = [];
  for (const who of [REFERENCE, ...plan.contestants]) {
    const cell = cells.get(who.label)?.find(({ group }) => group === worst.group);
    const strip = cell && (await store.readSheet(cell.result.digest));
    if (!cell || !strip) continue;
    const { mode, cost, margin, deviation } = cell.result.steps;
    videos.push({
      label: who.label,
      focus: who.family === report.focus,
      target: who.target ?? null,
      psnr: cell.result.metrics?.psnr ?? null,
      speedup: computedSpeedup(cell),
      strip: Buffer.from(strip).toString("base64"),
      mode,
      cost: cost.map((share) => Number(share.toFixed(3))),
      margin,
      deviation,
    });
  }
  return { prompt, seed: worst.group.seed, videos };
}

function psnrOf({ result }: Cell): number {
  return result.metrics?.psnr ?? Number.POSITIVE_INFINITY;
}
