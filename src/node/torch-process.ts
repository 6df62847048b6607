/**
 * The process of a torch worker, from its start to its end, and how that end is told.
 *
 * Frames go over stdin and stdout: there is no name to collide, no right to set and nothing left behind, and the
 * end of the pipe tells the worker that nobody needs it any more, whatever became of the other side.
 */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { saysOutOfMemory } from "../engine/out-of-memory.ts";
import { MixcacheError, messageOf } from "../errors.ts";

/** How much of what a worker prints is kept, to tell why it ended. */
const STDERR_TAIL = 16_384;

export interface TorchProcessEvents {
  /** Bytes of frames, as they come. */
  readonly onBytes: (chunk: Uint8Array) => void;
  /** Once: the process has ended, and everything that it wrote was given to `onBytes`. */
  readonly onEnd: (end: ProcessEnd) => void;
}

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last that it wrote to stderr. */
  readonly stderr: string;
  /** The system ended processes for lack of memory while this one ran. */
  readonly systemWasShort: boolean;
  /** Why it could not be started. */
  readonly notStarted?: string;
}

export class TorchProcess {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #killsBefore = outOfMemoryKills();
  #stderr = "";

  constructor(command: readonly string[], { onBytes, onEnd }: TorchProcessEvents) {
    const [program = "", ...args] = command;
    this.#process = spawn(program, args, { stdio: "pipe", windowsHide: true });
    let notStarted: string | undefined;
    this.#process.on("error", (cause) => {
      notStarted ??= messageOf(cause);
    });
    this.#process.stdout.on("data", onBytes);
    this.#process.stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_TAIL);
    });
    // What is written to a worker that is gone gets lost; "close" tells of its end.
    this.#process.stdin.on("error", () => {});
    this.#process.on("close", (code, signal) =>
      onEnd({
        code,
        signal,
        stderr: this.#stderr,
        systemWasShort: outOfMemoryKills() > this.#killsBefore,
        ...(notStarted !== undefined && { notStarted }),
      }),
    );
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  write(pieces: readonly Uint8Array[]): void {
    if (!this.#process.stdin.writable) return;
    for (const piece of pieces) this.#process.stdin.write(piece);
  }

  /** It holds nothing that could be lost, so there is nothing to wait for. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }
}

/** The error of a process that ended by itself or by another's hand. */
export function endError(end: ProcessEnd, phase: "starting" | "working", command: string): MixcacheError {
  const { code, signal, stderr, systemWasShort, notStarted } = end;
  if (notStarted !== undefined) {
    return new MixcacheError(
      "engine_unavailable",
      `The torch worker could not be started with ${command} (${notStarted}). Set TORCH_PYTHON to a Python that has torch.`,
    );
  }
  // 137: the kill of a process inside a launcher.
  const killed = signal === "SIGKILL" || code === 137;
  if ((killed && systemWasShort) || saysOutOfMemory(stderr)) {
    return new MixcacheError(
      "engine_out_of_memory",
      "The torch worker ran out of memory. Ask for a smaller or shorter video, give the machine more memory, or set " +
        "TORCH_OFFLOAD=1. The next video gets a new worker.",
    );
  }
  const reason = lastWords(stderr);
  const hint = killed ? " (by someone, or by the system because memory was short)" : "";
  const how = signal ? `was killed by ${signal}${hint}` : `ended with exit code ${code}`;
  if (phase === "starting" && !signal) {
    return new MixcacheError(
      "engine_unavailable",
      `The torch worker ended before it was ready${reason}. It needs the packages of python/requirements.txt in ${command}.`,
    );
  }
  return new MixcacheError(
    "engine_crashed",
    `The torch worker ${how}${reason}. The next video gets a new worker.`,
  );
}

function lastWords(stderr: string): string {
  const lines = stderr.trim().split("\n");
  const reason = lines.findLast((line) => /error|fatal|terminate/i.test(line)) ?? lines.at(-1) ?? "";
  return reason ? `: ${reason.trim()}` : "";
}

/** How often Linux has ended a process because memory was short; 0 where the system does not say. */
function outOfMemoryKills(): number {
  const count = (file: string) => {
    try {
      return Number(/^oom_kill (\d+)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? 0);
    } catch {
      return 0;
    }
  };
  return Math.max(count("/sys/fs/cgroup/memory.events"), count("/proc/vmstat"));
}
