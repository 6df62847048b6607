/**
 * SegmentBackend: what runs the graphs of a bundle. Tensors stay where the backend keeps them; only latents
 * and scalars cross into TypeScript.
 *
 * Batch is 1: classifier-free guidance is two runs, and two requests are separate runs.
 */

/** The types of tensors that cross into TypeScript. */
export type HostData = Float32Array | Uint16Array | BigInt64Array;
export type Dtype = "float32" | "float16" | "int64";

/** A tensor in TypeScript's memory. float16 is carried as the bit patterns in a `Uint16Array`. */
export interface HostTensor {
  readonly dtype: Dtype;
  readonly dims: readonly number[];
  readonly data: HostData;
}

/** A tensor in the backend. What it is and where it lives is the backend's business. */
export interface TensorHandle {
  readonly dtype: Dtype;
  readonly dims: readonly number[];
}

/** A set of named tensors: the streams that a cut carries, the conditioning of a step, a text's context. */
export type State = Readonly<Record<string, TensorHandle>>;

/** Something to run. Names and indices are the manifest's. */
export type Work =
  /** A graph that stands alone: its bindings map its own names to names in the state. */
  | { readonly kind: "graph"; readonly graph: string; readonly inputs: Bindings; readonly outputs: Bindings }
  /** Segments `from` up to but not including `to` of a denoiser, one after the other. */
  | { readonly kind: "segments"; readonly denoiser: string; readonly from: number; readonly to: number }
  /** One entry of the denoiser's finer partition. */
  | {
      readonly kind: "module";
      readonly denoiser: string;
      readonly index: number;
      readonly part: "compute" | "apply";
    };

/** A graph's own tensor names, each with the name of the value that it reads or writes. */
export type Bindings = Readonly<Record<string, string>>;

/**
 * Scalars of two tensors a and b of one shape.
 * - `l1`: mean |a − b|
 * - `relative_l1`: mean |a − b| / mean |b| (b is the older one)
 * - `l2`: square root of the sum of (a − b)²
 * - `dot`: sum of a·b
 * - `token_norm_ratio`: mean over tokens of ‖a‖₂ / ‖b‖₂, the norms over the last axis (MagCache's γ)
 */
export type Reduction = "l1" | "relative_l1" | "l2" | "dot" | "token_norm_ratio";

/** What a backend can do; declared up front, checked against bundle and policy before a run. */
export interface BackendCapabilities {
  readonly name: string;
  readonly device: "cpu" | "cuda" | "webgpu" | "torch";
  readonly dtypes: readonly Dtype[];
  /** False where only whole denoiser runs are possible. */
  readonly cuts: boolean;
  readonly modules: boolean;
}

export interface RunOptions {
  /** Checked before every graph; an aborted run rejects with `aborted` and leaves nothing behind. */
  readonly signal?: AbortSignal;
  /** Called after every graph with its id in the manifest and the time it took. */
  readonly onGraph?: (id: string, durationMs: number) => void;
}

/**
 * Runs graphs and keeps their tensors. Every handle that a method returns belongs to the caller and is freed by
 * `release`; `retain` makes it need one more release. Methods reject with a `MixcacheError`.
 */
export interface SegmentBackend {
  readonly capabilities: BackendCapabilities;
  /** Makes later runs of this work start at once: reads weights, creates sessions. Optional but never harmful. */
  load(work: readonly Work[]): Promise<void>;
  /**
   * Runs work on the named tensors of `inputs` (more names than needed are fine; none is consumed) and returns
   * every value it produced that outlives it: the last value of each stream, step values, signals, outputs.
   */
  run(work: Work, inputs: State, options?: RunOptions): Promise<State>;
  /** The linear combination Σ coefficients[i] · states[i], name by name; all states have the same names. */
  combine(coefficients: readonly number[], states: readonly State[]): Promise<State>;
  /** One scalar; queued on the device like a run, and read back once. */
  reduce(kind: Reduction, a: TensorHandle, b: TensorHandle): Promise<number>;
  upload(tensor: HostTensor): Promise<TensorHandle>;
  read(handle: TensorHandle): Promise<HostTensor>;
  retain(state: State): void;
  release(state: State): void;
  /** Bytes of all tensors that have not been released. */
  bytesHeld(): number;
  /** Frees the weights of this work; a later run loads them again. */
  unload(work: readonly Work[]): Promise<void>;
  /** Frees everything. The backend is of no use afterwards. */
  dispose(): Promise<void>;
}
