/** One child process of an engine, from fork to exit, as its parent sees it. */

import { type ChildProcess, fork } from "node:child_process";
import { setPriority } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { MeasureOptions } from "../engine/calibration/measure.ts";
import type { Measured } from "../engine/calibration/measured.ts";
import { outOfMemory, saysOutOfMemory } from "../engine/out-of-memory.ts";
import type { Progress, RunHooks } from "../engine/progress.ts";
import type { GenerateRequest } from "../engine/settings.ts";
import { fromWire, MixcacheError } from "../errors.ts";
import type {
  EngineInfo,
  EngineOptions,
  EngineResult,
  FromChild,
  NegativeName,
  ToChild,
} from "./protocol.ts";

/** How a child is started and watched. */
export interface ChildOptions extends EngineOptions {
  /** A child that says nothing for this long while it works is killed. Longer than the slowest segment. */
  readonly hangTimeoutMs?: number;
  /** Nice value, −20 to 19; a server keeps its own process ahead of the inference. */
  readonly priority?: number;
  /** Has embeddings of negative prompts that the folder lacks. */
  readonly negatives?: NegativeSource;
}

/** Where embeddings of negative prompts come from that this machine doesn't have. Neither method throws or rejects. */
export interface NegativeSource {
  /** An embeddings' file, or undefined. */
  get(of: NegativeName): Promise<Uint8Array | undefined>;
  /** A video used these; their file is in the folder now. */
  used(of: NegativeName): void;
}

type Done = Extract<FromChild, { type: "result" | "measured" }>;

interface Waiting {
  readonly id: number;
  readonly resolve: (message: Done) => void;
  readonly reject: (error: MixcacheError) => void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

const HANG_TIMEOUT_MS = 10 * 60_000;
/** A timer that fires this late says that the event loop did not turn. */
const LATE_MS = 250;
/** How much of what a child prints is kept, to tell why it died; V8 prints a long stack after its reason. */
const STDERR_TAIL = 16_384;

/** The process, what it was asked for, and why it ended. */
export class Child {
  readonly process: ChildProcess;
  readonly loaded: Promise<EngineInfo>;
  #stderr = "";
  #waiting: Waiting | undefined;
  #settleLoad: { resolve: (info: EngineInfo) => void; reject: (error: MixcacheError) => void };
  #fate: MixcacheError | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  readonly #hangTimeoutMs: number;
  readonly #hasWorker: boolean;
  readonly #negatives: NegativeSource | undefined;

  constructor(options: ChildOptions) {
    this.#hasWorker = options.torch !== undefined;
    this.#negatives = options.negatives;
    this.#hangTimeoutMs = options.hangTimeoutMs ?? HANG_TIMEOUT_MS;
    const settle = Promise.withResolvers<EngineInfo>();
    this.#settleLoad = settle;
    this.loaded = settle.promise;
    // The file beside this one: .ts when run from source, .js in the published package.
    const main = path.join(import.meta.dirname, `child-main${path.extname(fileURLToPath(import.meta.url))}`);
    this.process = fork(main, [], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // The parent's own flags (--eval, --watch, --inspect-brk) are not for the child; NODE_OPTIONS is for both.
      execArgv: [],
    });
    if (options.priority !== undefined) prioritise(this.process.pid, options.priority);
    this.process.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_TAIL);
    });
    this.process.on("message", (message: FromChild) => this.#receive(message));
    this.process.on("error", (cause) =>
      this.#end(new MixcacheError("engine_crashed", `The engine did not start: ${cause.message}`)),
    );
    this.process.on("close", (code, signal) => this.#end(this.#fate ?? this.#crash(code, signal)));
    this.#send({
      type: "load",
      options: {
        bundle: options.bundle,
        threads: options.threads,
        ...(options.device && { device: options.device }),
        ...(options.variant !== undefined && { variant: options.variant }),
        ...(options.embeddings && { embeddings: options.embeddings }),
        ...(options.negatives && { sharesNegatives: true }),
        ...(options.lowMemory !== undefined && { lowMemory: options.lowMemory }),
        ...(options.profiles !== undefined && { profiles: options.profiles }),
        ...(options.fetchedProfiles !== undefined && { fetchedProfiles: options.fetchedProfiles }),
        ...(options.profile !== undefined && { profile: options.profile }),
        ...(options.torch && { torch: options.torch }),
      },
    });
    this.#feedWatchdog();
  }

  get alive(): boolean {
    return this.process.connected && this.#fate === undefined;
  }

  async run(
    id: number,
    request: GenerateRequest,
    { onProgress, previewEvery }: Pick<RunHooks, "onProgress" | "previewEvery">,
  ): Promise<EngineResult> {
    const previews = previewEvery !== undefined && { previewEvery };
    const done = await this.#ask({ type: "generate", id, request, ...previews }, onProgress);
    if (done.type !== "result") throw astray();
    return done.result;
  }

  async measure(
    id: number,
    request: GenerateRequest,
    options: MeasureOptions,
    onProgress: Waiting["onProgress"],
  ): Promise<Measured> {
    const done = await this.#ask({ type: "measure", id, request, options }, onProgress);
    if (done.type !== "measured") throw astray();
    return done.result;
  }

  #ask(message: ToChild & { id: number }, onProgress: Waiting["onProgress"]): Promise<Done> {
    return new Promise((resolve, reject) => {
      this.#waiting = { id: message.id, resolve, reject, onProgress };
      this.#send(message);
      this.#feedWatchdog();
    });
  }

  abort(id: number): void {
    if (this.#waiting?.id === id) this.#send({ type: "abort", id });
  }

  /** Kills the process; whoever waits for it gets this error. */
  kill(fate: MixcacheError): void {
    this.#fate ??= fate;
    this.process.kill("SIGKILL");
  }

  #send(message: ToChild): void {
    // A failed send means that the child is gone or never was; "close" or "error" reports it.
    if (this.process.connected) this.process.send(message, () => {});
  }

  #receive(message: FromChild): void {
    if (message.type === "loading") {
      this.#feedWatchdog();
      return;
    }
    if (message.type === "loaded") {
      this.#settleLoad.resolve(message.info);
      clearTimeout(this.#watchdog);
      return;
    }
    if (message.type === "fatal") {
      this.#fate ??= fromWire(message.error);
      return;
    }
    if (message.type === "negative_wanted") {
      void this.#answerNegative(message.of);
      return;
    }
    if (message.type === "negative_used") {
      this.#negatives?.used(message.of);
      return;
    }
    const waiting = this.#waiting;
    if (waiting?.id !== message.id) return;
    if (message.type === "progress") {
      this.#feedWatchdog();
      waiting.onProgress?.(message.progress);
      return;
    }
    this.#waiting = undefined;
    clearTimeout(this.#watchdog);
    if (message.type === "result" || message.type === "measured") {
      waiting.resolve(message);
      return;
    }
    const error = fromWire(message.error);
    // What memory it still holds, and what else failed silently, nobody knows: the next video gets a new one. A torch
    // worker has its own memory, and sees to that itself.
    if (error.code === "engine_out_of_memory" && !this.#hasWorker) this.kill(error);
    waiting.reject(error);
  }

  async #answerNegative(of: NegativeName): Promise<void> {
    const bytes = await this.#negatives?.get(of);
    this.#send({ type: "negative", name: of.name, ...(bytes && { bytes }) });
  }

  #feedWatchdog(): void {
    clearTimeout(this.#watchdog);
    const due = performance.now() + this.#hangTimeoutMs;
    this.#watchdog = setTimeout(() => {
      // So late, it was this process that stood still (suspended, or busy): hear first what the child has to say.
      if (performance.now() > due + LATE_MS) {
        this.#feedWatchdog();
        return;
      }
      const seconds = Math.round(this.#hangTimeoutMs / 1000);
      this.kill(
        new MixcacheError(
          "engine_hung",
          `The engine did nothing for ${seconds} s and was stopped. Try again.`,
        ),
      );
    }, this.#hangTimeoutMs);
    this.#watchdog.unref();
  }

  #end(error: MixcacheError): void {
    this.#fate ??= error;
    clearTimeout(this.#watchdog);
    this.#settleLoad.reject(error);
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }

  #crash(code: number | null, signal: NodeJS.Signals | null): MixcacheError {
    if (saysOutOfMemory(this.#stderr)) return outOfMemory();
    const lines = this.#stderr.trim().split("\n");
    const reason = lines.find((line) => /fatal|error/i.test(line)) ?? lines.at(-1) ?? "";
    // Linux ends processes this way when memory is short; it tells nobody but its own log.
    const hint = signal === "SIGKILL" ? " (by someone, or by the system because memory was short)" : "";
    const how = signal ? `was killed by ${signal}${hint}` : `ended with exit code ${code}`;
    return new MixcacheError(
      "engine_crashed",
      `The engine's process ${how}${reason ? `: ${reason}` : ""}. The next video gets a new one.`,
    );
  }
}

/** A wish only: a process that is gone again, or a niceness that only root may give, is no reason to fail. */
function prioritise(pid: number | undefined, priority: number): void {
  try {
    if (pid !== undefined) setPriority(pid, priority);
  } catch {
    // See above.
  }
}

function astray(): MixcacheError {
  return new MixcacheError(
    "engine_failed",
    "The engine answered another question than the one it was asked.",
  );
}
