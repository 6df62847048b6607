/** What the engine and a torch worker say to each other, each message as the header of a frame. */

import { z } from "zod";
import type { ErrorCode } from "../../errors.ts";
import type { Manifest } from "../bundle/manifest.ts";
import type { Bindings, Reduction } from "./contract.ts";
import type { FrameTensor } from "./torch-frames.ts";

/** Raised with every change of the messages; worker and engine must have the same. */
export const TORCH_PROTOCOL = 1;

/** Tensors of the worker by the names of their values. */
export type Ids = Readonly<Record<string, number>>;

/** One program to run: its graph's name in the bundle without `.onnx`. */
export interface TorchStep {
  readonly id: string;
  readonly program: string;
  readonly inputs: Bindings;
  readonly outputs: Bindings;
}

/** A call; the answer bears its number. The worker carries calls out one at a time, in the order of arrival. */
export type TorchCall =
  /** The first: opens the weights for a bundle. Answered with `ready`. */
  | { readonly type: "open"; readonly protocol: number; readonly manifest: Manifest }
  /** Answered with `loaded` for each program, then `done`. */
  | { readonly type: "load"; readonly programs: readonly string[] }
  /** Answered with `graph` for each step, then `state` with every value that was made. */
  | { readonly type: "run"; readonly steps: readonly TorchStep[]; readonly inputs: Ids }
  | { readonly type: "combine"; readonly coefficients: readonly number[]; readonly states: readonly Ids[] }
  | { readonly type: "reduce"; readonly kind: Reduction; readonly a: number; readonly b: number }
  /** With a payload of one tensor; answered with a `state` whose only name is `tensor`. */
  | { readonly type: "upload"; readonly tensors: readonly FrameTensor[] }
  | { readonly type: "read"; readonly id: number }
  | { readonly type: "unload"; readonly programs: readonly string[] }
  /** What the worker holds, once everything before it is done. */
  | { readonly type: "stats" };

/** What needs no answer. */
export type TorchNote =
  /** The run with this number ends before its next step, with `aborted`. */
  | { readonly type: "stop"; readonly call: number }
  /** Tensors that are no longer needed; calls bear such a list too. */
  | { readonly type: "free"; readonly free: readonly number[] }
  /** Answered with `pong` at once, even while a kernel runs. */
  | { readonly type: "ping" };

export type ToTorch = (TorchCall & { readonly call: number; readonly free: readonly number[] }) | TorchNote;

const call = z.int().min(0);

/** A tensor in the worker: bfloat16 is called float32, since that is how it is read. */
const held = z.object({
  id: z.int().min(1),
  dtype: z.enum(["float32", "float16", "int64"]),
  dims: z.array(z.int().min(0)).max(16),
  bytes: z.number().min(0),
});

/** The codes that a worker may fail with. */
const CODES = [
  "aborted",
  "bundle_digest_mismatch",
  "bundle_file_missing",
  "bundle_invalid",
  "bundle_not_found",
  "bundle_unsupported",
  "engine_failed",
  "engine_out_of_memory",
  "engine_unavailable",
] as const satisfies readonly ErrorCode[];

const stats = z.object({
  /** Tensors that have an id, and their bytes. */
  tensors: z.int().min(0),
  tensor_bytes: z.number().min(0),
  /** Resident memory of the worker's process; 0 where the system does not say. */
  resident_bytes: z.number().min(0),
  /** Memory of the device, held now and at the most since the start; 0 on the CPU. */
  device_bytes: z.number().min(0),
  device_peak_bytes: z.number().min(0),
});

/** What a worker says, as zod schema. */
export const fromTorch = z.discriminatedUnion("type", [
  /** The first message, before anything is loaded. */
  z.object({ type: z.literal("hello"), protocol: z.number() }),
  z.object({
    type: z.literal("ready"),
    call,
    torch: z.string(),
    device: z.string(),
    device_name: z.string(),
    dtype: z.string(),
    /** The kernels of scaled-dot-product attention that torch may choose from, as it orders them. */
    attention: z.array(z.string()),
  }),
  z.object({ type: z.literal("done"), call }),
  z.object({ type: z.literal("loaded"), call, program: z.string() }),
  z.object({ type: z.literal("graph"), call, id: z.string(), duration_ms: z.number() }),
  z.object({ type: z.literal("state"), call, state: z.record(z.string(), held) }),
  /** A string where JSON has no word for the number: NaN, Infinity, -Infinity. */
  z.object({ type: z.literal("number"), call, value: z.union([z.number(), z.string()]) }),
  z.object({ type: z.literal("tensor"), call }),
  z.object({ type: z.literal("stats"), call, stats }),
  z.object({
    type: z.literal("failed"),
    call,
    code: z.enum(CODES).catch("engine_failed"),
    message: z.string(),
  }),
  z.object({ type: z.literal("pong") }),
]);

export type FromTorch = z.infer<typeof fromTorch>;
export type TorchReady = FromTorch & { type: "ready" };
export type TorchStats = z.infer<typeof stats>;
export type HeldTensor = z.infer<typeof held>;
