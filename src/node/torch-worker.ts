/** The torch worker as the engine's transport: a Python process, frames over its pipes, and a heartbeat. */

import path from "node:path";
import { encodeFrame, type Frame, FrameReader } from "../engine/segments/torch-frames.ts";
import type { TorchConnect, TorchListener, TorchTransport } from "../engine/segments/torch-link.ts";
import type { ToTorch } from "../engine/segments/torch-protocol.ts";
import { MixcacheError } from "../errors.ts";
import { Heartbeat } from "./heartbeat.ts";
import { endError, type ProcessEnd, TorchProcess } from "./torch-process.ts";

/** How the torch worker is started. */
export interface TorchOptions {
  /** A Python that has torch and diffusers. */
  readonly python: string;
  /** The diffusers folder that the bundle was made from. */
  readonly weights: string;
  /** "cuda", "cuda:1", "mps", "cpu"; the best there is by default. */
  readonly device?: string;
  /** bfloat16 by default, on the CPU float32. */
  readonly dtype?: "bfloat16" | "float16" | "float32";
  /** Compile every program with torch.compile; the first video takes minutes longer. */
  readonly compile?: boolean;
  /** Keep a program's weights on the device only while it runs. */
  readonly offload?: boolean;
}

/** How it is watched, and what is started instead of this package's worker (for tests). */
export interface TorchWatch {
  readonly command?: readonly string[];
  /** From the start until the weights are open. */
  readonly startTimeoutMs?: number;
  readonly heartbeatMs?: number;
  /** A worker that answers no heartbeat for this long is killed. */
  readonly hangTimeoutMs?: number;
}

const START_TIMEOUT_MS = 10 * 60_000;
const HEARTBEAT_MS = 2_000;
/** Loading a CUDA library or compiling can keep Python from answering for a while. */
const HANG_TIMEOUT_MS = 60_000;

/** `python/worker/run.py` of this package; source and dist lie equally deep in it. */
const WORKER = path.join(import.meta.dirname, "../../python/worker/run.py");

/** The command line that starts this package's worker. */
export function workerCommand(options: TorchOptions, threads: number): string[] {
  const { python, weights, device, dtype, compile, offload } = options;
  return [
    python,
    // Unbuffered stderr: the last words of a process that dies are the ones that matter.
    ...["-u", WORKER, "--weights", path.resolve(weights), "--threads", String(threads)],
    ...(device === undefined ? [] : ["--device", device]),
    ...(dtype === undefined ? [] : ["--dtype", dtype]),
    ...(compile ? ["--compile"] : []),
    ...(offload ? ["--offload"] : []),
  ];
}

/** What a `TorchBackend` needs to start workers in processes of their own. */
export function torchWorker(options: TorchOptions, threads: number, watch: TorchWatch = {}): TorchConnect {
  const command = watch.command ?? workerCommand(options, threads);
  return (listener) => new TorchWorker(command, watch, listener);
}

/** One worker process. */
export class TorchWorker implements TorchTransport {
  readonly #process: TorchProcess;
  readonly #listener: TorchListener;
  readonly #watch: TorchWatch;
  readonly #program: string;
  readonly #reader = new FrameReader();
  readonly #startTimer: NodeJS.Timeout;
  #heartbeat: Heartbeat | undefined;
  #phase: "starting" | "working" = "starting";
  #fate: MixcacheError | undefined;

  constructor(command: readonly string[], watch: TorchWatch, listener: TorchListener) {
    this.#listener = listener;
    this.#watch = watch;
    this.#program = command[0] ?? "";
    this.#process = new TorchProcess(command, {
      onBytes: (chunk) => this.#receive(chunk),
      onEnd: (end) => this.#ended(end),
    });
    const startTimeoutMs = watch.startTimeoutMs ?? START_TIMEOUT_MS;
    this.#startTimer = setTimeout(
      () => this.kill(hung(`was not ready after ${seconds(startTimeoutMs)}`)),
      startTimeoutMs,
    );
    this.#startTimer.unref();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  send(message: ToTorch, payload?: Uint8Array): void {
    this.#process.write(encodeFrame(message, payload));
  }

  kill(reason: MixcacheError): void {
    this.#process.kill();
    this.#end(reason);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#fate) return;
    this.#heartbeat?.heard();
    let frames: Frame[];
    try {
      frames = this.#reader.push(chunk);
    } catch (error) {
      this.kill(error as MixcacheError);
      return;
    }
    for (const frame of frames) {
      if (frame.header.type === "ready") this.#ready();
      this.#listener.message(frame);
    }
  }

  #ready(): void {
    this.#phase = "working";
    clearTimeout(this.#startTimer);
    const timeoutMs = this.#watch.hangTimeoutMs ?? HANG_TIMEOUT_MS;
    this.#heartbeat = new Heartbeat({
      intervalMs: this.#watch.heartbeatMs ?? HEARTBEAT_MS,
      timeoutMs,
      ask: () => this.send({ type: "ping" }),
      onHung: () => this.kill(hung(`gave no sign of life for ${seconds(timeoutMs)}`)),
    });
  }

  #ended(end: ProcessEnd): void {
    const error = endError(end, this.#phase, this.#program);
    const cut = !this.#reader.atBoundary && error.code === "engine_crashed";
    this.#end(
      cut ? new MixcacheError("engine_crashed", `${error.message} Its last frame was cut short.`) : error,
    );
  }

  #end(reason: MixcacheError): void {
    if (this.#fate) return;
    this.#fate = reason;
    clearTimeout(this.#startTimer);
    this.#heartbeat?.stop();
    this.#listener.end(reason);
  }
}

function hung(what: string): MixcacheError {
  return new MixcacheError("engine_hung", `The torch worker ${what} and was stopped. Try again.`);
}

function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 1000)} s`;
}
