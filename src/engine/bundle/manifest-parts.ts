/** Small pieces that the schemas of a manifest share. */

import { z } from "zod";

export const count = z.int().min(1);
export const index = z.int().min(0);
export const name = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, "must be lower-case letters, digits and underscores");

/** A path inside the bundle: forward slashes, no way out of the folder. */
export const file = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/, "must be a path inside the bundle");

export const dimension = z
  .union([index, z.string()])
  .describe("A number, or the name of a size that varies.");

const binding = z
  .record(z.string(), name)
  .describe("The graph's own tensor names, each with the name of the value it reads or writes.");

export const graph = z.strictObject({ graph: file, inputs: binding, outputs: binding });

/** FLOPs as a polynomial of the DiT tokens S and text tokens T: two per multiply-accumulate of every matrix product. */
export const flops = z.strictObject({
  constant: z.number().min(0).default(0),
  tokens: z.number().min(0).default(0).describe("times S"),
  tokens_squared: z.number().min(0).default(0).describe("times S squared"),
  text: z.number().min(0).default(0).describe("times T"),
  tokens_text: z.number().min(0).default(0).describe("times S times T"),
  text_squared: z.number().min(0).default(0).describe("times T squared"),
  texts: z
    .array(name)
    .min(1)
    .optional()
    .describe("Prompt values whose tokens together are T; default: T is the longest prompt value alone."),
});

export type FlopsPolynomial = z.infer<typeof flops>;
