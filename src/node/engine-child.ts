/**
 * The engine in a child process, as its parent sees it. Inference blocks an event loop and may take the process
 * with it, so it gets a process of its own: the parent stays responsive, an abort takes at most one segment, a
 * child that hangs is killed, and a crash is an error of one video. The next one gets a new child.
 */

import type { ProfileKey } from "../engine/cache/profile.ts";
import type { MeasureOptions } from "../engine/calibration/measure.ts";
import type { Measured } from "../engine/calibration/measured.ts";
import type { RunHooks } from "../engine/progress.ts";
import type { GenerateRequest } from "../engine/settings.ts";
import { MixcacheError } from "../errors.ts";
import { Child, type ChildOptions } from "./child.ts";
import { profileFinder } from "./profiles.ts";
import type { EngineInfo, EngineResult } from "./protocol.ts";

export interface EngineChildOptions extends ChildOptions {
  /** After an abort, the child has this long to reach the end of its segment before it is killed. */
  readonly abortTimeoutMs?: number;
}

export type EngineHooks = RunHooks;

const ABORT_TIMEOUT_MS = 60_000;

function stopped(): MixcacheError {
  return new MixcacheError("aborted", "The run was stopped.");
}

/** What the promise gives, or `aborted` as soon as the signal says so. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(stopped());
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** An engine that outlives its child processes. */
export class EngineChild {
  readonly #options: EngineChildOptions;
  #child: Child | undefined;
  #nextId = 1;
  #busy = false;
  #disposed = false;

  private constructor(options: EngineChildOptions) {
    this.#options = options;
  }

  /**
   * Starts the child and loads the bundle.
   * @throws MixcacheError of the bundle, `aborted`, `engine_unavailable`, `engine_crashed`, `engine_hung`,
   * `engine_out_of_memory` or `engine_failed`
   */
  static async start(options: EngineChildOptions, signal?: AbortSignal): Promise<EngineChild> {
    const engine = new EngineChild(options);
    try {
      await unlessAborted(engine.info(), signal);
      return engine;
    } catch (error) {
      engine.dispose();
      throw error;
    }
  }

  /** What is loaded; starts a child where there is none. */
  info(): Promise<EngineInfo> {
    return this.#living().loaded;
  }

  /** The child's process id, or undefined while there is none. */
  get pid(): number | undefined {
    return this.#child?.alive ? this.#child.process.pid : undefined;
  }

  /**
   * Makes one video.
   * @throws MixcacheError `invalid_argument`, `engine_busy`, `aborted`, `engine_crashed`, `engine_hung`,
   * `engine_out_of_memory` or `engine_failed`; after any of them the engine can be used again.
   */
  generate(request: GenerateRequest, hooks: EngineHooks = {}): Promise<EngineResult> {
    return this.#alone((child, id) => child.run(id, request, hooks), hooks.signal);
  }

  /**
   * One prompt's share of a calibration.
   * @throws MixcacheError like `generate`
   */
  measure(
    request: GenerateRequest,
    options: MeasureOptions,
    { signal, onProgress }: EngineHooks = {},
  ): Promise<Measured> {
    return this.#alone((child, id) => child.measure(id, request, options, onProgress), signal);
  }

  /** Digest of the warm cache profile that videos with these settings are made with. */
  async profileOf(key: ProfileKey): Promise<string | undefined> {
    return (await profileFinder(this.#options)(key)).digest;
  }

  async #alone<T>(
    work: (child: Child, id: number) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    if (this.#busy) {
      throw new MixcacheError(
        "engine_busy",
        "This engine is making another video. Wait until it is done, or start a second engine.",
      );
    }
    this.#busy = true;
    const id = this.#nextId++;
    let patience: NodeJS.Timeout | undefined;
    let child: Child | undefined;
    const onAbort = () => {
      child?.abort(id);
      patience = setTimeout(() => child?.kill(stopped()), this.#options.abortTimeoutMs ?? ABORT_TIMEOUT_MS);
    };
    try {
      if (signal?.aborted) throw stopped();
      child = this.#living();
      await unlessAborted(child.loaded, signal);
      if (signal?.aborted) throw stopped();
      signal?.addEventListener("abort", onAbort, { once: true });
      return await work(child, id);
    } finally {
      clearTimeout(patience);
      signal?.removeEventListener("abort", onAbort);
      this.#busy = false;
    }
  }

  /** Stops the child; the engine can't be used again. */
  dispose(): void {
    this.#disposed = true;
    this.#child?.kill(new MixcacheError("engine_unavailable", "The engine was closed."));
    this.#child?.loaded.catch(() => {});
  }

  #living(): Child {
    if (this.#disposed) throw new MixcacheError("engine_unavailable", "The engine was closed.");
    if (!this.#child?.alive) this.#child = new Child(this.#options);
    return this.#child;
  }
}
