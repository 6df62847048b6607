/** Progress on stderr: one living line on a terminal, a few plain lines in a pipe. */

import type { FinishedStep, Progress } from "../engine/progress.ts";
import { speedSoFar, stepRow } from "./step-marks.ts";

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
  #finished: FinishedStep[] = [];
  readonly #unicode: boolean;

  /** @param unicode whether the terminal shows more than ASCII */
  constructor(stream: StatusStream, now: () => number = () => performance.now(), unicode = true) {
    this.#stream = stream;
    this.#now = now;
    this.#unicode = unicode;
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

  #denoise({ step, steps, fraction, finished }: Progress & { phase: "denoise" }): void {
    if (finished) this.#finished = [...this.#finished.slice(0, step), finished];
    if (!this.#stream.isTTY) {
      this.#bar(fraction, `step ${step + 1} of ${steps}`, step / steps);
      return;
    }
    const speed = speedSoFar(this.#finished);
    const before = `step ${step + 1}/${steps}  `;
    const after = `${speed && `  ${speed}`}${this.#left(fraction)}`;
    const room = this.#width - before.length - after.length;
    this.#draw(`${before}${stepRow(this.#finished, steps, room, this.#unicode)}${after}`);
  }

  /** @param mark decides, from 0 to 1, when a pipe gets its next line */
  #bar(fraction: number, text: string, mark: number): void {
    const left = this.#left(fraction);
    if (this.#stream.isTTY) {
      const filled = Math.round(fraction * BAR_CELLS);
      const [done, toCome] = this.#unicode ? ["━", "─"] : ["#", "-"];
      this.#draw(`${done.repeat(filled)}${toCome.repeat(BAR_CELLS - filled)} ${text}${left}`);
      return;
    }
    const line = Math.floor(mark * PLAIN_LINES);
    if (line === this.#plainShown) return;
    this.#plainShown = line;
    this.#stream.write(`${text}${left}\n`);
  }

  /** The time that is left, going by what the part that is done took. */
  #left(fraction: number): string {
    this.#startedMs ??= this.#now();
    const elapsedMs = this.#now() - this.#startedMs;
    return fraction > 0.02 ? `, ${seconds((elapsedMs / fraction) * (1 - fraction))} left` : "";
  }

  /** A line as wide as the terminal could not be rewritten. */
  get #width(): number {
    return (this.#stream.columns ?? 80) - 1;
  }

  #draw(text: string): void {
    this.#stream.write(`\r\x1b[2K${text.slice(0, this.#width)}`);
    this.#live = true;
  }
}

function seconds(ms: number): string {
  const s = ms / 1000;
  return s < 90 ? `${Math.max(1, Math.round(s))} s` : `${Math.round(s / 60)} min`;
}
