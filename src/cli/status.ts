/** Progress on stderr: one living line on a terminal, a few plain lines in a pipe. */

import type { Progress } from "../engine/progress.ts";

/** Where progress goes; stdout stays free for results. */
export interface StatusStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const PLAIN_LINES = 5;
const BAR_CELLS = 24;

export class StatusLine {
  readonly #stream: StatusStream;
  readonly #now: () => number;
  #startedMs: number | undefined;
  #plainShown = -1;
  #live = false;

  constructor(stream: StatusStream, now: () => number = () => performance.now()) {
    this.#stream = stream;
    this.#now = now;
  }

  /** A sentence of its own. */
  say(text: string): void {
    this.clear();
    this.#stream.write(`${text}\n`);
  }

  /** Something that takes a moment and has no progress. */
  waitFor(text: string): void {
    if (this.#stream.isTTY) this.#draw(text);
  }

  progress(progress: Progress): void {
    if (progress.phase === "text")
      this.waitFor(progress.cached ? "the prompt is known" : "reading the prompt");
    else if (progress.phase === "decode") this.waitFor(`decoding ${Math.round(progress.fraction * 100)} %`);
    else if (progress.phase === "denoise") this.#denoise(progress);
  }

  /** Many videos, of which the last was the named one. */
  videos(done: number, total: number, name: string): void {
    this.#bar(done / total, `video ${done} of ${total} (${name})`, done / total);
  }

  /** A calibration: how much of it is done, and which prompt it is at. */
  prompts(fraction: number, prompt: number, prompts: number): void {
    this.#bar(fraction, `prompt ${prompt} of ${prompts}`, fraction);
  }

  /** Removes the living line. */
  clear(): void {
    if (this.#live) this.#stream.write("\r\x1b[2K");
    this.#live = false;
  }

  #denoise({ step, steps, fraction }: Progress & { phase: "denoise" }): void {
    this.#bar(fraction, `step ${step + 1} of ${steps}`, step / steps);
  }

  /** @param mark decides, from 0 to 1, when a pipe gets its next line */
  #bar(fraction: number, text: string, mark: number): void {
    this.#startedMs ??= this.#now();
    const elapsedMs = this.#now() - this.#startedMs;
    const left = fraction > 0.02 ? `, ${seconds((elapsedMs / fraction) * (1 - fraction))} left` : "";
    if (this.#stream.isTTY) {
      const filled = Math.round(fraction * BAR_CELLS);
      this.#draw(`${"━".repeat(filled)}${"─".repeat(BAR_CELLS - filled)} ${text}${left}`);
      return;
    }
    const line = Math.floor(mark * PLAIN_LINES);
    if (line === this.#plainShown) return;
    this.#plainShown = line;
    this.#stream.write(`${text}${left}\n`);
  }

  #draw(text: string): void {
    const width = (this.#stream.columns ?? 80) - 1;
    this.#stream.write(`\r\x1b[2K${text.slice(0, width)}`);
    this.#live = true;
  }
}

function seconds(ms: number): string {
  const s = ms / 1000;
  return s < 90 ? `${Math.max(1, Math.round(s))} s` : `${Math.round(s / 60)} min`;
}
