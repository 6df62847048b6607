/** Guarantee: the embedded model makes in a page the video that it makes in Node, and the page can save it. */

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EngineOptions, GenerateRequest } from "../../src/browser/index.ts";
import { psnr } from "../../src/engine/metrics/psnr.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import { profileFinder } from "../../src/node/profiles.ts";
import { launchChromium, noPage, pageSuite } from "../support/browser.ts";
import { BUNDLE_PATH, openPage, servePage } from "../support/browser-page.ts";
import { decodeMp4 } from "../support/mp4.ts";
import { openShapes } from "../support/shapes.ts";
import type { StaticServer } from "../support/static-server.ts";

const REQUEST = { prompt: "a purple square moves down on an orange background", seed: 3 };
/** SwiftShader computes on the processor what a graphics card would: a step of the embedded model takes half a minute. */
const PATIENCE_MS = 10 * 60_000;

/** Makes a video in the page; frames come as an array, since messages between the processes are JSON. */
function made(page: Page, options: EngineOptions, request: GenerateRequest) {
  return page.evaluate(
    async ([how, what]) => {
      const engine = await window.tested.openEngine(how);
      const { frames, trace, notices, settings } = await engine.generate(what);
      await engine.close();
      const { device, adapter, digest, notices: ofEngine } = engine.info;
      return {
        info: { device, adapter, digest, notices: ofEngine },
        frames: { ...frames, data: Array.from(frames.data) },
        trace,
        notices,
        settings: { ...settings, seed: String(settings.seed) },
      };
    },
    [options, request] as const,
  );
}

describe.skipIf(noPage)(pageSuite("the embedded model in a page"), () => {
  let server: StaticServer;
  let browser: Browser;
  let page: Page;
  let inNode: Pipeline;

  beforeAll(async () => {
    server = await servePage();
    browser = await launchChromium();
    page = await openPage(browser, server);
    const { bundle, backend } = await openShapes();
    inNode = await Pipeline.load(bundle, backend, { profiles: profileFinder({}) });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it.each([
    ["wasm", { num_inference_steps: 20 }],
    ["webgpu", { num_inference_steps: 2, cache: "off" }],
  ] as const)("gives on %s the frames of Node's CPU", { timeout: PATIENCE_MS }, async (device, settings) => {
    const request = { ...REQUEST, ...settings };
    const there = await made(page, { bundle: BUNDLE_PATH, device }, request);
    const here = await inNode.generate(request);
    expect(there.info).toMatchObject({ device, digest: inNode.bundle.digest, notices: [] });
    const frames = { ...there.frames, data: Uint8Array.from(there.frames.data) };
    expect(psnr(here.frames, frames)).toBeGreaterThanOrEqual(50);
    // The same warm profile, where there is one for these settings.
    expect(there.trace.profile).toBe(here.trace.profile);
    expect(there.trace.profile === null).toBe(settings.num_inference_steps !== 20);
    expect(there.notices).toEqual(here.notices);
    expect(there.settings).toMatchObject({ seed: "3", num_inference_steps: settings.num_inference_steps });
  });

  it("tells of its progress, shows previews, and stops when it is asked to", async () => {
    const found = await page.evaluate(
      async ([bundle, request]) => {
        const engine = await window.tested.openEngine({ bundle, device: "wasm" });
        const phases = new Set<string>();
        const previews: { width: number; count: number; bytes: number }[] = [];
        await engine.generate(request, {
          previewEvery: 2,
          onProgress: (progress) => {
            phases.add(progress.phase);
            if (progress.phase !== "preview") return;
            const { width, count, data } = progress.frame;
            previews.push({ width, count, bytes: data.length });
          },
        });
        const controller = new AbortController();
        let stepsAfter = 0;
        const stopped = await engine
          .generate(request, {
            signal: controller.signal,
            onProgress: (progress) => {
              if (progress.phase !== "denoise") return;
              if (controller.signal.aborted && progress.finished) stepsAfter += 1;
              controller.abort();
            },
          })
          .catch(({ code, message }) => ({ code, message }));
        const busy = await Promise.allSettled([engine.generate(request), engine.generate(request)]);
        await engine.close();
        const closed = await engine.generate(request).catch(({ code }) => code);
        return {
          phases: [...phases],
          previews,
          stopped,
          stepsAfter,
          busy: busy.map((end) => (end.status === "rejected" ? end.reason.code : end.value.frames.count)),
          closed,
        };
      },
      [BUNDLE_PATH, { ...REQUEST, num_inference_steps: 4 }] as const,
    );
    expect(found.phases).toEqual(["text", "denoise", "preview", "decode"]);
    expect(found.previews).toEqual(
      Array.from({ length: 1 }, () => ({ width: 64, count: 1, bytes: 64 * 64 * 3 })),
    );
    expect(found.stopped).toMatchObject({ code: "aborted" });
    expect(found.stepsAfter).toBe(0);
    expect(found.busy).toEqual([16, "engine_busy"]);
    expect(found.closed).toBe("aborted");
  });

  it("says what is wrong with a request or an address in the engine's own words", async () => {
    const errors = await page.evaluate(async (bundle) => {
      const told = (error: { code: string; field?: string; message: string }) => [error.code, error.field];
      const engine = await window.tested.openEngine({ bundle, device: "wasm" });
      const wrong = await engine.generate({ prompt: "a circle", num_inference_steps: 0 }).catch(told);
      await engine.close();
      const nowhere = await window.tested.openEngine({ bundle: "/nowhere/" }).catch(told);
      const bad = await window.tested.openEngine({ bundle: "http://:" }).catch(told);
      const stop = AbortSignal.abort();
      const stopped = await window.tested.openEngine({ bundle, signal: stop }).catch(told);
      return { wrong, nowhere, bad, stopped };
    }, BUNDLE_PATH);
    expect(errors).toEqual({
      wrong: ["invalid_argument", "num_inference_steps"],
      nowhere: ["bundle_not_found", undefined],
      bad: ["invalid_argument", "bundle"],
      stopped: ["aborted", undefined],
    });
  });

  it("saves frames as an MP4 that the page itself plays", async () => {
    const { frames } = await inNode.generate({ ...REQUEST, num_inference_steps: 2 });
    const played = await page.evaluate(
      async ([size, data]) => {
        const blob = await window.tested.encodeVideo({ ...size, data: Uint8Array.from(data) }, { fps: 8 });
        const video = document.createElement("video");
        video.muted = true;
        video.src = URL.createObjectURL(blob);
        const ended = new Promise((resolve) => video.addEventListener("ended", resolve, { once: true }));
        await video.play();
        await ended;
        const canvas = new OffscreenCanvas(1, 1);
        const context = canvas.getContext("2d");
        context?.drawImage(video, 0, 0, 1, 1);
        return {
          type: blob.type,
          width: video.videoWidth,
          height: video.videoHeight,
          durationSeconds: video.duration,
          shown: video.getVideoPlaybackQuality().totalVideoFrames,
          pixel: Array.from(context?.getImageData(0, 0, 1, 1).data ?? []),
          bytes: Array.from(new Uint8Array(await blob.arrayBuffer())),
        };
      },
      [{ width: frames.width, height: frames.height, count: frames.count }, Array.from(frames.data)] as const,
    );
    expect(played).toMatchObject({ type: "video/mp4", width: 512, height: 512, durationSeconds: 2 });
    expect(played.shown).toBeGreaterThan(1);
    const file = Uint8Array.from(played.bytes);
    expect(await decodeMp4(file)).toEqual({ width: 512, height: 512, frames: 16 });
    expect(new TextDecoder("latin1").decode(file)).toContain("trainedAlgorithmicMedia");
  });
});
