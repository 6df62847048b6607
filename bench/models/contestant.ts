/** Something that makes the same video as the others, and is timed. */

/** The video that everybody makes. */
export interface Job {
  readonly prompt: string;
  readonly negative_prompt: string;
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly steps: number;
  readonly guidance: number;
  readonly seed: number;
}

export interface Timing {
  readonly textMs: number;
  readonly denoiseMs: number;
  readonly decodeMs: number;
  /** CPU time of the denoising loop, all threads; undefined where it can't be told. */
  readonly cpuMs: number | undefined;
}

export interface Video extends Timing {
  readonly latents: Float32Array;
  /** [frames, height, width, 3] in levels of 0 … 255; diffusers' are not rounded. */
  readonly levels: ArrayLike<number>;
}

export interface Contestant {
  readonly name: string;
  generate(job: Job): Promise<Video>;
  dispose(): Promise<void>;
}

export interface Errors {
  /** Of the latents, in units of their largest value. */
  readonly largest: number;
  /** ‖difference‖ / ‖reference‖ of the latents. */
  readonly relative: number;
  /** Of the frames in dB; infinite where all levels are the same. */
  readonly psnr: number;
}

/** How far a video is from the reference. */
export function errorsOf(video: Video, reference: Video): Errors {
  const { latents } = reference;
  let [largest, scale, difference, norm] = [0, 0, 0, 0];
  for (const [i, x] of latents.entries()) {
    const off = (video.latents[i] ?? Number.NaN) - x;
    largest = Math.max(largest, Math.abs(off));
    scale = Math.max(scale, Math.abs(x));
    difference += off * off;
    norm += x * x;
  }
  let squares = 0;
  const count = reference.levels.length;
  for (let i = 0; i < count; i++) {
    squares += (Math.round(reference.levels[i] ?? 0) - Math.round(video.levels[i] ?? Number.NaN)) ** 2;
  }
  const same = video.latents.length === latents.length && video.levels.length === count;
  return {
    largest: same ? largest / scale : Number.NaN,
    relative: same ? Math.sqrt(difference / norm) : Number.NaN,
    psnr: same ? 10 * Math.log10(255 ** 2 / (squares / count)) : Number.NaN,
  };
}
