/**
 * A container as `npm start` starts it, which makes one video and tells when its first step was done:
 * `node container.ts KEY STEPS`. The settings are those of the environment. It ends when it is told to.
 */

import { readServerConfig } from "../../src/config/index.ts";
import { createLog } from "../../src/logging.ts";
import { EngineChild } from "../../src/node/index.ts";
import { startService } from "../../src/service/index.ts";
import type { WorkerEngine } from "../../src/worker/index.ts";
import type { Told } from "./protocol.ts";

const [, , given = "", steps = "20"] = process.argv;
const tell = (told: Told) => process.send?.(told);

/** The worker's own first video is not what somebody waits for. */
let isWarm = false;
const told = { firstStep: false };

/** The engine, watched. */
async function openEngine(...options: Parameters<typeof EngineChild.start>): Promise<WorkerEngine> {
  const engine = await EngineChild.start(...options);
  return {
    info: () => engine.info(),
    dispose: () => engine.dispose(),
    generate: async (request, hooks = {}) => {
      const result = await engine.generate(request, {
        ...hooks,
        onProgress: (progress) => {
          hooks.onProgress?.(progress);
          if (!isWarm || told.firstStep || progress.phase !== "denoise" || !progress.finished) return;
          told.firstStep = true;
          tell({ type: "first_step", atMs: Date.now() });
        },
      });
      if (isWarm) tell({ type: "made", profile: result.trace.profile });
      return result;
    },
  };
}

const lines: string[] = [];
const config = readServerConfig();
const service = await startService({
  config,
  log: createLog({ level: config.logLevel }),
  say: (line) => lines.push(line),
  openEngine,
});
await service.ready;
isWarm = true;
const said = lines.join("\n");
const key = given || (/Bearer (mx_[a-z2-7]+)/.exec(said)?.[1] ?? "");
const fetchedMs = 1000 * Number(/fetched in ([\d.]+) s/.exec(said)?.[1] ?? 0);
tell({ type: "ready", atMs: Date.now(), fetchedMs, key });
const response = await fetch(`${service.url}/v1/videos`, {
  method: "POST",
  headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
  body: JSON.stringify({
    prompt: "a red circle moves left on a blue background",
    num_inference_steps: Number(steps),
  }),
});
if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
process.once("message", async () => {
  await service.close();
  process.disconnect?.();
});
