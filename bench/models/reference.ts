/** diffusers' pipeline as a contestant: a Python process that makes a video per line. */

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Contestant, Job, Video } from "./contestant.ts";

export class Reference implements Contestant {
  readonly name = "diffusers";
  /** Versions, once started. */
  about = "";
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #folder: string;
  readonly #textTokens: number;

  private constructor(
    command: readonly string[],
    env: NodeJS.ProcessEnv,
    folder: string,
    textTokens: number,
  ) {
    const [program = "", ...args] = command;
    this.#child = spawn(program, args, { env, stdio: ["pipe", "pipe", "inherit"] });
    this.#reader = createInterface({ input: this.#child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    this.#folder = folder;
    this.#textTokens = textTokens;
  }

  /** @param folder for what crosses as files */
  static async start(
    python: string,
    env: NodeJS.ProcessEnv,
    weights: string,
    threads: number,
    folder: string,
    textTokens: number,
  ): Promise<Reference> {
    const script = path.join(import.meta.dirname, "reference.py");
    const command = [python, script, weights, "--threads", String(threads)];
    const made = new Reference(command, env, folder, textTokens);
    made.about = String((await made.#answer()).ready);
    return made;
  }

  async generate(job: Job): Promise<Video> {
    const [latents, pixels] = ["latents", "pixels"].map((name) =>
      path.join(this.#folder, `reference-${name}`),
    );
    this.#child.stdin.write(
      `${JSON.stringify({ ...job, text_tokens: this.#textTokens, latents, pixels })}\n`,
    );
    const answer = await this.#answer();
    return {
      textMs: Number(answer.text_ms),
      denoiseMs: Number(answer.denoise_ms),
      decodeMs: Number(answer.decode_ms),
      cpuMs: Number(answer.cpu_ms),
      latents: readFloats(latents),
      levels: levels(readFloats(pixels), job),
    };
  }

  async dispose(): Promise<void> {
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await once(this.#child, "exit");
    this.#reader.close();
  }

  async #answer(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("The process of diffusers ended; what it printed above says why.");
    return JSON.parse(value);
  }
}

function readFloats(file = ""): Float32Array {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** [frames, 3, height, width] in 0 … 1 to [frames, height, width, 3] in 0 … 255. */
function levels(planes: Float32Array, { width, height }: Job): Float32Array {
  const plane = width * height;
  return Float32Array.from({ length: planes.length }, (_, i) => {
    const frame = Math.floor(i / (3 * plane));
    return (planes[(frame * 3 + (i % 3)) * plane + (Math.floor(i / 3) % plane)] ?? 0) * 255;
  });
}
