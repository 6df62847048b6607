/** A live run in the page itself, with everything that the margin rule asks for. */

import { openOnnxWeb, type WebDevice } from "../../../src/browser/onnx-runtime.ts";
import { openBundle } from "../../../src/browser/open-bundle.ts";
import { profileFinder } from "../../../src/browser/profiles.ts";
import { createPolicy } from "../../../src/engine/cache/policies.ts";
import { profileKey } from "../../../src/engine/cache/profile.ts";
import { OnnxBackend } from "../../../src/engine/segments/onnx.ts";
import { type GenerateRequest, resolveSettings } from "../../../src/engine/settings.ts";
import { type LiveRun, liveRun } from "../../support/live-runs.ts";

/** A run as it leaves the page. */
export type SentRun = Omit<LiveRun, "latents" | "frames"> & {
  readonly latents: readonly number[];
  readonly frames: readonly number[];
  /** Milliseconds, of the denoising and decoding together. */
  readonly tookMs: number;
};

/** Makes a video on a device with the profile that the server has for it. */
export async function liveRunOn(
  device: WebDevice,
  bundlePath: string,
  request: GenerateRequest,
): Promise<SentRun> {
  const address = new URL(bundlePath, location.href);
  const bundle = await openBundle(address, undefined);
  const lost = Promise.withResolvers<never>();
  const { runtime } = await openOnnxWeb(bundle, { device, onLost: lost.reject });
  const backend = new OnnxBackend(bundle.manifest, runtime);
  const { manifest } = bundle;
  const settings = resolveSettings(manifest, request);
  const found = await profileFinder(
    new URL("../profiles/", address),
    undefined,
  )(profileKey(bundle.digest, settings));
  const policy = createPolicy(settings.cache, { manifest, settings, profile: found.profile });
  const started = performance.now();
  const { prompt, negativePrompt } = settings;
  const run = await Promise.race([
    liveRun(bundle, backend, policy, { settings, prompt, negativePrompt }),
    lost.promise,
  ]);
  const tookMs = performance.now() - started;
  await backend.dispose();
  const { steps, heard, latents, frames } = run;
  return { steps, heard, latents: [...latents], frames: Array.from(frames), tookMs };
}
