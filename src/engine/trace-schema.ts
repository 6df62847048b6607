/** What a trace is as a file: `mixcache.trace/1`, docs/trace.md. */

import { z } from "zod";
import { TRACE_FORMAT } from "./trace.ts";

const branch = z.enum(["cond", "uncond"]);
const flops = z.number().nonnegative().describe("by the bundle's manifest");
const milliseconds = z.number();
/** null is what JSON can't write: no number, or infinite. */
const scalar = z.number().nullable();

const settingsSchema = z
  .strictObject({
    prompt: z.string(),
    negative_prompt: z.string(),
    seed: z.string().regex(/^\d+$/).describe("a text, as it may be larger than 2^53"),
    num_inference_steps: z.int().positive(),
    guidance_scale: z.number(),
    guidance_scales: z.record(z.string(), z.number()).describe("by denoiser"),
    width: z.int(),
    height: z.int(),
    num_frames: z.int(),
    scheduler: z.enum(["flow_match_euler", "unipc", "ddim"]),
  })
  .describe("what makes the same video again");

const denoiserSchema = z.strictObject({
  id: z.string(),
  steps: z.tuple([z.int(), z.int()]).describe("from the first up to the second"),
  branches: z.array(branch),
  guidance_scale: z.number(),
  cuts: z.array(z.int()).describe("places where a run can stop, as numbers of blocks done"),
  shares: z.array(z.number()).describe("of each cut: the share of a branch's FLOPs that lies before it"),
});

const runSchema = z
  .strictObject({
    steps: z.int().positive(),
    scheduler: z.string(),
    sigmas: z.array(z.number()).describe("noise levels, one more than steps"),
    timesteps: z.array(z.number()).describe("what the model is told, 0 to 1000"),
    branches: z.array(branch),
    denoisers: z.array(denoiserSchema).describe("in the order in which they serve"),
  })
  .describe("what the policy was told of the run");

const stepSchema = z.strictObject({
  index: z.int().nonnegative(),
  sigma: z.number(),
  denoiser: z.string(),
  mode: z.string().describe("the policy's word: full, step, cfg, block, …"),
  flops,
  full_flops: flops.describe("of the same step with nothing reused"),
  values: z.record(z.string(), scalar).describe("distances, scores and thresholds"),
  margin: scalar.describe("how far the scalars were from another decision, over the threshold"),
  deviation: scalar.describe("what the policy found its cache to be wrong by"),
  scalars: z.array(scalar).describe("everything that the policy was told, in order"),
  duration_ms: milliseconds,
  policy_ms: milliseconds.describe(
    "of that, the policy's own: decisions and the distances that they rest on",
  ),
  branches: z.array(z.strictObject({ branch, plan: z.string(), flops, duration_ms: milliseconds })),
});

const totalsSchema = z.strictObject({
  modes: z.record(z.string(), z.int()).describe("steps by mode"),
  dit_flops: flops,
  dit_flops_saved: z.number(),
  ideal_speedup: z.number().describe("of the DiT, if nothing but FLOPs took time"),
  dit_ms: milliseconds.describe("all steps"),
  uncached_dit_ms: milliseconds.describe(
    "estimated: each step as long as its denoiser's median step in full, the policy's time left out",
  ),
  saved_ms: milliseconds.describe("the difference, and so of the whole video"),
  dit_speedup: z.number().describe("uncached_dit_ms over dit_ms"),
  text_ms: milliseconds,
  decode_ms: milliseconds,
  end_to_end_ms: milliseconds.describe("text, steps and decoder; not the file"),
  end_to_end_speedup: z.number().describe("by saved_ms"),
  policy_ms: milliseconds,
  cache_bytes_peak: z.number(),
});

export const traceSchema = z.strictObject({
  format: z.literal(TRACE_FORMAT),
  bundle: z.strictObject({ id: z.string(), digest: z.string() }),
  engine: z.strictObject({
    backend: z.string(),
    device: z.string(),
    details: z.string().optional(),
    threads: z.int(),
  }),
  settings: settingsSchema,
  cache: z.looseObject({ policy: z.string() }).describe("the policy with all its options"),
  profile: z.string().nullable().describe("SHA-256 of the warm cache profile that the policy had"),
  run: runSchema,
  steps: z.array(stepSchema),
  totals: totalsSchema,
});

export type TraceFile = z.infer<typeof traceSchema>;
