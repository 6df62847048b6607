/** Live runs in the page itself, with everything that the margin rule asks for. */

import { openOnnxWeb, type WebDevice } from "../../../src/browser/onnx-runtime.ts";
import { openBundle } from "../../../src/browser/open-bundle.ts";
import { profileFinder } from "../../../src/browser/profiles.ts";
import { createPolicy } from "../../../src/engine/cache/policies.ts";
import { profileKey } from "../../../src/engine/cache/profile.ts";
import type { CacheRequest } from "../../../src/engine/cache/request.ts";
import { OnnxBackend } from "../../../src/engine/segments/onnx.ts";
import { type GenerateRequest, resolveSettings } from "../../../src/engine/settings.ts";
import { type LiveRun, liveRun } from "../../support/live-runs.ts";
import { livePolicy } from "../../support/policies.ts";

/** A run as it leaves the page. */
export type SentRun = Omit<LiveRun, "latents" | "frames"> & {
  readonly latents: readonly number[];
  readonly frames: readonly number[];
};

/** A bundle on a device. */
export interface Live {
  /** Makes a video; with a profile made up by hand where the server has none. */
  readonly run: (request: GenerateRequest, cache: CacheRequest) => Promise<SentRun>;
}

export async function openLive(device: WebDevice, bundlePath: string): Promise<Live> {
  const address = new URL(bundlePath, location.href);
  const bundle = await openBundle(address, undefined);
  const { manifest } = bundle;
  const lost = Promise.withResolvers<never>();
  const { runtime } = await openOnnxWeb(bundle, { device, onLost: lost.reject });
  const backend = new OnnxBackend(manifest, runtime);
  const findProfile = profileFinder(new URL("../profiles/", address), undefined);
  const run: Live["run"] = async (request, cache) => {
    const settings = resolveSettings(manifest, request);
    const { profile } = await findProfile(profileKey(bundle.digest, settings));
    const policy = profile
      ? createPolicy(cache, { manifest, settings, profile })
      : livePolicy(bundle, settings, cache);
    const { prompt, negativePrompt } = settings;
    const live = liveRun(bundle, backend, policy, { settings, prompt, negativePrompt });
    const { steps, heard, latents, frames } = await Promise.race([live, lost.promise]);
    return { steps, heard, latents: [...latents], frames: Array.from(frames) };
  };
  return { run };
}
