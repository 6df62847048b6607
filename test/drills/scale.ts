/** From no worker to one and back, by the local launcher; and workers that are told to stop in the middle of a video. */

import { environmentWith } from "../../src/config/index.ts";
import { localLauncher } from "../../src/launch/local.ts";
import { migrateDatabase, startService, tick } from "../../src/service/index.ts";
import { judge, type Verdict } from "../chaos/oracle.ts";
import { create, isOver, type Reached, type Serving, until } from "../support/serving.ts";
import { type Installation, SILENT } from "./installation.ts";

export interface ScaleReport {
  /** What `/internal/scale` said, in this order: empty, after the create, when the worker had left. */
  readonly numbers: readonly Record<string, unknown>[];
  /** Workers that each of the two ticks started. */
  readonly started: readonly number[];
  /** From the create to the finished video, and from that to the end of the worker's process. */
  readonly createdToDoneMs: number;
  readonly doneToGoneMs: number;
}

/** An API process on an installation, whose first account has a key. */
export async function serveApi(installation: Installation) {
  const { config } = installation;
  await migrateDatabase(config("api"), SILENT);
  const said: string[] = [];
  const service = await startService({
    config: config("api"),
    log: SILENT,
    say: (line) => said.push(line),
  });
  const key = /mx_[a-z2-7]+/.exec(said.join("\n"))?.[0] ?? "";
  return { at: { url: service.url ?? "", key }, close: () => service.close() };
}

/** Nothing to do, no worker; a video, two ticks at once, one worker with the embedded model; none again. */
export async function fromZeroToZero(
  installation: Installation,
  at: Pick<Reached, "url" | "key">,
): Promise<ScaleReport> {
  const pids: number[] = [];
  const launcher = launcherOf(installation, pids);
  const config = installation.config("api");
  const number = async () => {
    const headers = { authorization: `Bearer ${config.operatorKey}` };
    return (await (await fetch(`${at.url}/internal/scale`, { headers })).json()) as Record<string, unknown>;
  };
  const empty = await number();
  const { started: needless } = await tick(config, SILENT, { launcher });
  const createdMs = performance.now();
  const id = await create(at, { prompt: "a red circle", num_inference_steps: 10, output_format: "webp" });
  const waiting = await number();
  const ticks = await Promise.all([0, 1].map(() => tick(config, SILENT, { launcher })));
  await until(at, id, isOver);
  const doneMs = performance.now();
  await gone(pids);
  const goneMs = performance.now();
  return {
    numbers: [empty, waiting, await number()],
    started: [needless, ...ticks.map(({ started }) => started)],
    createdToDoneMs: doneMs - createdMs,
    doneToGoneMs: goneMs - doneMs,
  };
}

/** The command line's own worker, as `LAUNCHER=local` starts it, whose process is known. */
function launcherOf({ env }: Installation, pids: number[]) {
  const launcher = localLauncher({
    command: [process.execPath, "src/cli/main.ts"],
    environment: (id) => environmentWith({ ...env, WORKER_ID: id }),
  });
  return {
    launch: async (id: string) => {
      const pid = await launcher.launch(id);
      pids.push(Number(pid));
      return pid;
    },
  };
}

async function gone(pids: readonly number[]): Promise<void> {
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  while (pids.some(isAlive)) await pause(50);
}

export interface StopsReport extends Verdict {
  readonly stops: number;
  /** Workers that did not exit with 0. */
  readonly badExits: number;
  /** Videos that went back into the queue; the others were done before the worker heard of it. */
  readonly handedBack: number;
  /** Attempts that count and made nothing. */
  readonly burnt: number;
}

/** A video is handed back without counting ten times. */
const STOPS_OF_A_VIDEO = 6;
const STEPS = 60;
const STEP_MS = 40;

/** Workers are told to stop in the middle of a video, so many times; then one makes what is left. */
export async function stopMidJob(
  installation: Installation,
  at: Pick<Reached, "url" | "key">,
  { stops, random }: { readonly stops: number; readonly random: () => number },
): Promise<StopsReport> {
  const acknowledged = new Set<string>();
  const exits: (number | null)[] = [];
  const start = () => installation.start(["test/drills/drain-worker-main.ts", String(STEP_MS)]);
  let left = stops;
  while (left > 0) {
    const wish = { prompt: `video ${acknowledged.size}`, num_inference_steps: STEPS, output_format: "webp" };
    const id = await create(at, wish);
    acknowledged.add(id);
    for (let time = 0; time < STOPS_OF_A_VIDEO && left > 0; time++, left--) {
      const worker = start();
      await worker.says("a video was taken");
      await pause(random() * STEPS * STEP_MS * 0.8);
      exits.push(await stopped(worker));
    }
    // This one drains: it makes the video, finds nothing else, and leaves.
    exits.push(await start().exit);
  }
  const verdict = await judge(installation.database, installation.store, acknowledged);
  const [row] = await installation.database.query<{ handed: number; burnt: number }>(
    "select sum(hand_backs)::integer as handed, sum(jsonb_array_length(failures))::integer as burnt from mixcache.videos",
  );
  return {
    ...verdict,
    stops,
    badExits: exits.filter((code) => code !== 0).length,
    handedBack: row?.handed ?? 0,
    burnt: row?.burnt ?? 0,
  };
}

async function stopped(worker: Serving): Promise<number | null> {
  worker.process.kill("SIGTERM");
  return worker.exit;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
