import { describe, expect, it } from "vitest";
import { Api } from "../server/api.ts";
import type { RunEvent } from "./generator.ts";
import { ServerGenerator } from "./server-generator.ts";

const VIDEO = {
  id: "video_a1",
  status: "completed",
  created_at: 1,
  prompt: "a",
  negative_prompt: "",
  seed: 7,
  num_inference_steps: 2,
  guidance_scale: 3,
  size: "64x64",
  num_frames: 16,
  fps: 8,
  error: null,
  cache: { policy: "mixcache", options: { preset: "high" }, speedup: 2 },
  usage: { engine_seconds: 1.5 },
  cost: { amount: "0.000100", currency: "USD" },
};
const frame = (id: number | undefined, type: string, data: object) =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
const STREAM = [
  frame(1, "video.queued", {}),
  frame(undefined, "progress", { status: "queued", progress: 0, queue_position: 2, eta_seconds: null }),
  frame(2, "video.started", {}),
  frame(undefined, "progress", {
    status: "in_progress",
    progress: 40,
    phase: "denoise",
    step: 1,
    steps: 2,
    seconds_left: 3,
  }),
  frame(3, "decision", { step: 1, mode: "full", flops: 10, full_flops: 10, saved: 0 }),
  frame(4, "preview", { step: 1, url: "/v1/videos/video_a1/previews/4" }),
];

/** A server whose video ends as `last` says. */
function made(last: "video.completed" | "video.failed" | "video.cancelled", video: object = VIDEO) {
  const asked: string[] = [];
  const cancelled = Promise.withResolvers<void>();
  const api = new Api({
    base: "",
    key: () => undefined,
    fetch: async (url, init) => {
      asked.push(`${init?.method} ${url}`);
      if (String(url).endsWith("/previews/4")) return new Response("picture");
      if (String(url).endsWith("/cancel")) {
        cancelled.resolve();
        return Response.json(video);
      }
      if (!String(url).endsWith("/events")) return Response.json(video);
      const { readable, writable } = new TransformStream<string, string>();
      const writer = writable.getWriter();
      void (async () => {
        await writer.write(STREAM.join(""));
        if (last === "video.cancelled") await cancelled.promise;
        await writer.write(frame(5, last, {}));
        await writer.close();
      })();
      return new Response(readable.pipeThrough(new TextEncoderStream()));
    },
  });
  const events: RunEvent[] = [];
  const stop = new AbortController();
  const generator = new ServerGenerator({ api, wait: async () => {}, newId: () => "one", previewEvery: 5 });
  const request = { prompt: "a", seed: "7", cache: { policy: "mixcache", preset: "high" } };
  const video_ = generator.generate(request, (event) => events.push(event), stop.signal);
  return { video: video_, events, asked, stop };
}

describe("a video from the server", () => {
  it("is told of as it is made", async () => {
    const { video, events } = made("video.completed");
    expect(await video).toMatchObject({
      id: "video_a1",
      place: "server",
      seed: "7",
      width: 64,
      cost: { amount: "0.000100", currency: "USD" },
      cache: { policy: "mixcache", preset: "high" },
    });
    await Promise.resolve();
    expect(events.filter(({ is }) => is !== "preview")).toEqual([
      { is: "created", id: "video_a1" },
      { is: "queued", position: 2, etaSeconds: undefined },
      { is: "started" },
      { is: "progress", phase: "denoise", share: 0.4, step: 1, steps: 2, secondsLeft: 3 },
      { is: "step", step: { index: 0, mode: "full", flops: 10, full_flops: 10 } },
    ]);
    expect(events.find(({ is }) => is === "preview")).toMatchObject({ index: 1, picture: expect.any(Blob) });
  });

  it("that failed says why", async () => {
    const error = { code: "engine_out_of_memory", message: "The engine ran out of memory." };
    const { video } = made("video.failed", { ...VIDEO, status: "failed", error });
    await expect(video).rejects.toMatchObject(error);
  });

  it("is cancelled on the server, and ends when the server says so", async () => {
    const error = { code: "cancelled", message: "It was cancelled." };
    const { video, stop, asked } = made("video.cancelled", { ...VIDEO, status: "failed", error });
    setTimeout(() => stop.abort());
    await expect(video).rejects.toMatchObject({ code: "aborted" });
    expect(asked).toContain("POST /v1/videos/video_a1/cancel");
  });
});
