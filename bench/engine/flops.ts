/** Figure 3: the manifest's FLOPs of a forward pass against PyTorch's own count. */

import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { flopsOf } from "../../src/engine/bundle/flops.ts";
import type { Bundle } from "../../src/engine/bundle/read.ts";
import { videoShape } from "../../src/engine/shape.ts";
import type { Figure } from "./figure.ts";

const GOLDEN = path.join(import.meta.dirname, "../../test/golden/shapes/golden.json");

const golden = z.object({
  bundle_digest: z.string().optional(),
  flops_per_forward: z.number().positive().optional(),
});

/** The ratio of the two counts. */
export async function flopsFigure({ manifest, digest }: Bundle): Promise<Figure> {
  const about = {
    id: "flops_counted",
    title: "FLOPs of the manifest / of PyTorch",
    unit: "",
    goal: { is: "within", value: 0.01 },
  } as const;
  const { width, height, frames } = manifest.video.default;
  const { tokens } = videoShape(manifest, width, height, frames);
  const text = manifest.text_encoders[0]?.max_tokens ?? 0;
  const segments = manifest.denoisers[0]?.segments ?? [];
  const stated = segments.reduce((sum, { flops }) => sum + flopsOf(flops, { tokens, text }), 0);
  const file = await readFile(GOLDEN, "utf8").catch(() => undefined);
  if (file === undefined)
    return { ...about, value: undefined, note: "there is no golden run to take PyTorch's count from" };
  const { flops_per_forward, bundle_digest } = golden.parse(JSON.parse(file));
  if (flops_per_forward === undefined)
    return {
      ...about,
      value: undefined,
      note: `golden.json has no flops_per_forward; the manifest says ${stated}`,
    };
  const other = bundle_digest === digest ? "" : "; the golden run is of another export of the bundle";
  return {
    ...about,
    value: stated / flops_per_forward,
    note: `${stated} / ${flops_per_forward} a forward pass${other}`,
  };
}
