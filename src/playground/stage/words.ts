/** Numbers of a video as people read them. */

import type { TraceFile } from "../../engine/trace-schema.ts";
import type { MadeVideo } from "../generate/made-video.ts";
import type { Fact } from "../parts/facts.tsx";
import type { Model } from "../server/api.ts";
import { cacheWords } from "../settings/cache-choice.ts";

/** "70 ms", "1.87 s", "75 s", "12 min". */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** An amount without the zeros that say nothing: "0.000083 USD". */
export function money({ amount, currency }: NonNullable<MadeVideo["cost"]>): string {
  return `${amount.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")} ${currency}`;
}

const UNITS = { tflop: "TFLOP", gpu_second: "GPU second", video_second: "second of video" } as const;

/** "0.0005 USD for each TFLOP that is really computed". */
export function priceWords({ unit_price, currency, unit }: Model["price"]): string {
  const price = `${money({ amount: unit_price, currency })} for each ${UNITS[unit]}`;
  return unit === "tflop" ? `${price} that is really computed` : price;
}

export function placeWords({ place }: MadeVideo): string {
  return place === "server" ? "the server" : "this browser";
}

/** What was asked for. */
export function settingsFacts(video: MadeVideo): Fact[] {
  return [
    { name: "Seed", value: video.seed },
    { name: "Steps", value: String(video.steps) },
    { name: "Guidance", value: String(video.guidance) },
    { name: "Cache", value: cacheWords(video.cache) },
    { name: "Negative prompt", value: video.negativePrompt },
    {
      name: "Video",
      value: `${video.frames} frames of ${video.width} × ${video.height}, ${video.fps} a second`,
    },
    { name: "Made by", value: placeWords(video) },
  ];
}

function workWords(speedup: number): string {
  return speedup > 1.005 ? `${speedup.toFixed(2)}× less` : "all of it";
}

/** What it took. @param trace undefined where it is not known, or not yet */
export function costFacts(video: MadeVideo, trace: TraceFile | undefined): Fact[] {
  const { engineSeconds, cost } = video;
  const totals = trace?.totals;
  return [
    { name: "Transformer's work", value: totals && workWords(totals.ideal_speedup) },
    { name: "Transformer's time", value: totals && duration(totals.dit_ms / 1000) },
    { name: "Total time", value: engineSeconds === undefined ? undefined : duration(engineSeconds) },
    { name: "The cache's own time", value: totals && duration(totals.policy_ms / 1000) },
    { name: "Cost", value: cost && money(cost) },
  ];
}
