/** What the commands that run an engine share: how it is opened, and how it is stopped. */

import { type Config, readConfig } from "../config/index.ts";
import { MixcacheError } from "../errors.ts";
import { defaultThreads, EngineChild, type EngineOptions } from "../node/index.ts";
import { EXIT } from "./exit-codes.ts";
import { bundleFolder } from "./options.ts";
import { StatusLine } from "./status.ts";

/** How the engine is opened: by the environment, and by options that go before it. */
export function engineOptions(
  bundle: string,
  config: Config,
  {
    threads,
    variant,
    profile,
  }: { readonly threads?: number; readonly variant?: string; readonly profile?: string },
): EngineOptions {
  return {
    bundle,
    device: config.device,
    threads: threads ?? config.threads ?? defaultThreads(),
    ...(variant !== undefined && { variant }),
    ...(config.embeddings && { embeddings: config.embeddings }),
    profiles: config.profiles,
    ...(profile !== undefined && { profile }),
    lowMemory: config.lowMemory,
    ...(config.torch && { torch: config.torch }),
  };
}

/**
 * Starts an engine for some work, and stops it whatever happens.
 * @param sentence what is said when someone stops it
 */
export async function withEngine(
  options: { readonly bundle: string; readonly threads?: number; readonly variant?: string },
  sentence: string,
  work: (engine: EngineChild, signal: AbortSignal, status: StatusLine) => Promise<void>,
): Promise<void> {
  const status = new StatusLine(process.stderr);
  const { signal, dispose } = interruptible(sentence);
  let engine: EngineChild | undefined;
  const stopEngine = () => engine?.dispose();
  process.once("exit", stopEngine);
  try {
    status.waitFor("starting the engine");
    engine = await EngineChild.start(
      engineOptions(bundleFolder(options.bundle), readConfig(), options),
      signal,
    );
    await work(engine, signal, status);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    status.clear();
    dispose();
    stopEngine();
    process.off("exit", stopEngine);
  }
}

/**
 * Ctrl-C and SIGTERM stop the run at the next segment; a second one leaves at once.
 * @param sentence what is said then
 */
export function interruptible(sentence: string): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort(new MixcacheError("aborted", sentence));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}
