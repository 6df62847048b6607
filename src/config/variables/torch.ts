/** The torch engine. */

import { z } from "zod";
import { docs, flag, oneOf } from "./rules.ts";

/** Used with ENGINE=torch alone. */
export const torch = {
  TORCH_PYTHON: z.string().default("python3").register(docs, {
    group: "torch",
    meaning: "A Python with the packages of `python/requirements.txt`.",
  }),
  TORCH_WEIGHTS: z.string().optional().register(docs, {
    group: "torch",
    meaning: "The diffusers folder that the bundle was made from. Needed with `ENGINE=torch`.",
    otherwise: "",
  }),
  TORCH_DEVICE: z
    .string()
    .regex(/^(cpu|mps|cuda(:\d{1,2})?)$/, "it must be cuda, cuda:1 (or another number), mps or cpu")
    .optional()
    .register(docs, {
      group: "torch",
      meaning: "`cuda`, `cuda:1`, `mps` or `cpu`.",
      otherwise: "the best there is",
    }),
  TORCH_DTYPE: oneOf("bfloat16", "float16", "float32").optional().register(docs, {
    group: "torch",
    meaning: "`bfloat16`, `float16` or `float32`.",
    otherwise: "`bfloat16`, on the CPU `float32`",
  }),
  TORCH_COMPILE: flag().register(docs, {
    group: "torch",
    meaning: "`1`: compile every program with torch.compile.",
  }),
  TORCH_OFFLOAD: flag().register(docs, {
    group: "torch",
    meaning: "`1`: a program's weights are on the device only while it runs.",
  }),
};
