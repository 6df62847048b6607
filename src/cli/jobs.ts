/** `mixcache jobs`: the videos of an account of the running server. */

import { Command } from "commander";
import type { z } from "zod";
import type { VideoObject, videoListSchema } from "../schemas/video.ts";
import { accountIn } from "./keys.ts";
import {
  type Ask,
  asking,
  columns,
  part,
  print,
  type ServerOptions,
  time,
  withServerOptions,
} from "./server.ts";

type Page = z.infer<typeof videoListSchema>;

/** @param ask replaced in tests */
export function jobsCommand(ask: Ask = asking()): Command {
  const jobs = new Command("jobs").description("List, show and cancel videos of the running server.");
  withServerOptions(jobs.command("list"))
    .description("List videos, the newest first.")
    .option("--limit <count>", "how many, 1 to 100", "20")
    .option("--after <id>", "go on after this one")
    .action(async ({ limit, after, ...options }: ServerOptions & { limit: string; after?: string }) => {
      const query = new URLSearchParams({ limit, ...(after !== undefined && { after }) });
      const page = await ask<Page>({ method: "GET", path: `/v1/videos?${query}`, ...accountIn(options) });
      print(page, options, ({ data }) => columns([HEAD, ...data.map(row)]));
    });
  withServerOptions(jobs.command("show"))
    .description("Show one video.")
    .argument("<id>", "the video's id, video_…")
    .action(async (id: string, options: ServerOptions) => {
      const path = `/v1/videos/${part(id)}`;
      print(await ask<VideoObject>({ method: "GET", path, ...accountIn(options) }), options, describe);
    });
  withServerOptions(jobs.command("cancel"))
    .description("Cancel a video. Before its start it is free; after it, what was computed is billed.")
    .argument("<id>", "the video's id, video_…")
    .action(async (id: string, options: ServerOptions) => {
      const path = `/v1/videos/${part(id)}/cancel`;
      print(await ask<VideoObject>({ method: "POST", path, ...accountIn(options) }), options, describe);
    });
  return jobs;
}

const HEAD = ["id", "status", "model", "created", "cost", "prompt"];
const SHOWN_CHARACTERS = 60;

function row(video: VideoObject): string[] {
  const prompt = video.prompt.replace(/\s+/g, " ");
  const shown = prompt.length > SHOWN_CHARACTERS ? `${prompt.slice(0, SHOWN_CHARACTERS - 1)}…` : prompt;
  return [video.id, statusOf(video), video.model, time(video.created_at), costOf(video), shown];
}

function statusOf({ status, progress, queue_position, error }: VideoObject): string {
  if (status === "in_progress") return `in progress, ${progress} %`;
  if (status === "queued") return queue_position === null ? "queued" : `queued, ${queue_position} before it`;
  return error ? `failed: ${error.code}` : status;
}

function costOf({ cost: { amount, maximum, currency } }: VideoObject): string {
  return amount === null ? `at most ${maximum} ${currency}` : `${amount} ${currency}`;
}

function describe(video: VideoObject): string {
  const { cache, usage, error } = video;
  const rows: [string, string][] = [
    ["id", video.id],
    ["status", statusOf(video)],
    ...(error ? [["reason", error.message] satisfies [string, string]] : []),
    ["prompt", video.prompt],
    [
      "video",
      `${video.model}, ${video.size}, ${video.num_frames} frames at ${video.fps} fps, ${video.output_format}`,
    ],
    ["settings", `seed ${video.seed}, ${video.num_inference_steps} steps, guidance ${video.guidance_scale}`],
    ["cache", `${cache.policy}${cache.speedup === null ? "" : `, ${cache.speedup.toFixed(2)}x`}`],
    ["created", time(video.created_at)],
    ["started", time(video.started_at)],
    ["ended", time(video.completed_at)],
    ["usage", usage ? `${usage.compute_units} TFLOP in ${usage.engine_seconds} s` : ""],
    ["cost", costOf(video)],
  ];
  return columns(rows.filter(([, value]) => value !== ""));
}
