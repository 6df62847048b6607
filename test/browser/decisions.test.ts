/**
 * Guarantee: live decisions in a page follow the margin rule against Node's CPU, on WebAssembly and on WebGPU. The
 * fixture is as small as models get, so that a graphics card made of software can run it often.
 */

import type { Browser, JSHandle } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import { createPolicy } from "../../src/engine/cache/policies.ts";
import { profileKey } from "../../src/engine/cache/profile.ts";
import type { CacheRequest } from "../../src/engine/cache/request.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { type GenerateRequest, resolveSettings } from "../../src/engine/settings.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { profileFinder } from "../../src/node/profiles.ts";
import { launchChromium, noPage, pageSuite } from "../support/browser.ts";
import { BUNDLE_PATH, fixturePath, openPage, servePage } from "../support/browser-page.ts";
import { type LiveRun, liveRun } from "../support/live-runs.ts";
import { compareRuns } from "../support/margin-rule.ts";
import { openParity, parityRequest } from "../support/parity.ts";
import { DECISION_CASES, type DecisionCase } from "../support/parity-decisions.ts";
import { livePolicy } from "../support/policies.ts";
import { openShapes } from "../support/shapes.ts";
import type { StaticServer } from "../support/static-server.ts";
import type { Live } from "./page/live.ts";

const FIXTURE = "wan-2.2-5b";
const NAMES = [
  "mixcache without a profile",
  "mixcache by velocity",
  "teacache",
  "fbcache",
  "taylorseer",
  "pab",
];
const CASES = DECISION_CASES.filter(({ name }) => NAMES.includes(name));
const PATIENCE_MS = 10 * 60_000;

describe.skipIf(noPage)(pageSuite("decisions in a page"), () => {
  let server: StaticServer;
  let browser: Browser;

  beforeAll(async () => {
    server = await servePage();
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  const openLive = async (device: "wasm" | "webgpu", path: string): Promise<JSHandle<Live>> => {
    const page = await openPage(browser, server);
    return page.evaluateHandle(([where, address]) => window.tested.openLive(where, address), [
      device,
      path,
    ] as const);
  };
  const runThere = (live: JSHandle<Live>, request: GenerateRequest, cache: CacheRequest): Promise<LiveRun> =>
    live
      .evaluate(({ run }, [what, how]) => run(what, how), [request, cache] as const)
      .then((sent) => ({
        ...sent,
        latents: Float32Array.from(sent.latents),
      }));

  it("are known for all cases", () => expect(CASES).toHaveLength(NAMES.length));

  describe.each(["wasm", "webgpu"] as const)(`of ${FIXTURE} on %s`, (device) => {
    let live: JSHandle<Live>;
    let bundle: Bundle;
    let backend: OnnxBackend;
    const { about, files, open } = openParity(FIXTURE);
    const [firstRun] = about.runs;
    if (!firstRun) throw new Error("the fixture has no run");
    const request = parityRequest(about, firstRun);

    beforeAll(async () => {
      bundle = await open();
      backend = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));
      live = await openLive(device, fixturePath(FIXTURE));
    }, PATIENCE_MS);

    const pair = async (cache: CacheRequest): Promise<readonly [LiveRun, LiveRun]> => {
      const settings = resolveSettings(bundle.manifest, request);
      const { prompt, negativePrompt } = settings;
      const policy = livePolicy(bundle, settings, cache);
      const here = await liveRun(bundle, backend, policy, { settings, prompt, negativePrompt });
      return [here, await runThere(live, request, cache)];
    };

    it.each(CASES)(
      "$name",
      { timeout: PATIENCE_MS },
      async ({ cache, factors = 1, between }: DecisionCase) => {
        const [here, there] = await pair(cache);
        const { scalarError, scalars } = compareRuns(here, there, factors);
        expect(here.steps.some(({ flops, fullFlops }) => flops < fullFlops)).toBe(true);
        if (!between || scalarError === 0 || scalars === 0) return;
        // A threshold between what the two measured: they have to part there, and the margin has to say so.
        const moved = between([here, there]);
        expect(compareRuns(...(await pair(moved)), factors).parted).toBeDefined();
      },
    );
  });

  it("of the embedded model on wasm, with its warm profile", { timeout: PATIENCE_MS }, async () => {
    const { bundle, backend } = await openShapes();
    const request = { prompt: "a purple square moves down on an orange background", num_inference_steps: 20 };
    const settings = resolveSettings(bundle.manifest, request);
    const { manifest, digest } = bundle;
    const { profile } = await profileFinder({})(profileKey(digest, settings));
    expect(profile).toBeDefined();
    const { prompt, negativePrompt, cache } = settings;
    const policy = createPolicy(cache, { manifest, settings, profile });
    const here = await liveRun(bundle, backend, policy, { settings, prompt, negativePrompt });
    const there = await runThere(await openLive("wasm", BUNDLE_PATH), request, cache);
    expect(compareRuns(here, there).scalars).toBeGreaterThan(0);
  });
});
